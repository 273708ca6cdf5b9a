"""``docs/contract.md`` from the table of rules and the checks: ``python -m bourn.contract.document > docs/contract.md``.

House rule: not a word about a rule is written here; what a check looks at is said by its own docstring.
"""

from __future__ import annotations

import inspect
import sys

from bourn.contract import registry
from bourn.contract.rule import RULES, SECTIONS, Rule

_HEAD = """\
# The stream contract, version 1

What any asynchronous stream of an LLM's answer owes to the code that reads it. Written by `python -m bourn.contract.document`
from the table of rules and from the checks themselves; do not edit it by hand.

- **MUST** or **SHOULD**: a MUST that fails, fails the run.
- **f** needs only a stream; **w** needs one that can be pointed at the kit's own server, in a dialect that it speaks.
- **D** is deterministic; **S** is statistical: measured, with a tolerance.
- *extended* rules are outside the core.

What a subject does not declare is skipped, with the reason. Ids never change their meaning; a rule that is dropped keeps its
number.

There are three doors, all of which judge by the same checks:

- in Python: `report = contract.run(subject)`, or `await contract.check(subject)` where a loop runs;
- in pytest: `class TestMine(contract.Suite): subject = ...`, or `def test_mine(contract_rule): contract_rule(subject)`: a test
  for each rule, named by its id: `pytest -k 4.3`;
- on the command line: `bourn verify package.module:subject`, with `--html FILE`, `--json` and `--junit FILE`.

The `subject` is a `contract.Subject`: how a stream is made, and what is declared about it. Subjects to copy, for openai,
anthropic, litellm, any-llm, pydantic-ai, langchain-openai and aiohttp by hand, are in `src/bourn/contract/adapters`; how these
fare is in [conformance.md](conformance.md).

Every rule has streams that break it in exactly that way, and the kit's own tests require that the rule catches them with the
right words: `bourn.contract.proving.require_failure("4.3", subject, "words of the verdict")`; likewise `require_skip` and
`require_pass`. `python bench/mutate_contract.py` takes one assertion of the checks away at a time: each must be missed.
"""


def markdown() -> str:
    """The whole document."""
    lines = [_HEAD]
    for section, title in SECTIONS.items():
        lines.append(f"## {section} {title}\n")
        for rule in RULES.values():
            if rule.section == section:
                lines += _rule(rule)
    core = sum(not rule.extended for rule in RULES.values())
    lines.append(f"{len(RULES)} rules, {core} of them in the core.")
    return "\n".join(lines) + "\n"


def _rule(rule: Rule) -> list[str]:
    marks = f"`{rule.level}` `{rule.mode}` `{rule.kind}`" + (" *extended*" if rule.extended else "")
    lines = [
        f"### {rule.id} {marks}\n",
        f"**{rule.requirement}**\n",
        f"- Why: {rule.reason}",
        f"- How it is broken: {rule.bad.rstrip('.')}.",
    ]
    for check in registry.load_checks().get(rule.id, ()):
        told = (inspect.getdoc(check.function) or "").partition("\n\n")[0].replace("\n", " ").replace("``", "`")
        part = f" ({check.aspect}, {check.level})" if check.level != rule.level else f" ({check.aspect})"
        lines.append(f"- Checked{part if check.aspect != 'data' or check.level != rule.level else ''}: {told}")
    saboteurs = [each.name for each in registry.load_saboteurs().get(rule.id, ())]
    if saboteurs:
        lines.append(f"- Caught in the kit's own tests: {', '.join(saboteurs)}.")
    return [*lines, ""]


if __name__ == "__main__":
    sys.stdout.write(markdown())
