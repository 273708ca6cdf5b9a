"""Takes away one assertion of the contract's checks at a time: the kit's own tests must notice each.

    python bench/mutate_contract.py [SECTION ...]       # files of src/bourn/contract/checks, all by default

A mutant is a check without one of its ``require(...)`` or ``await place.gone(...)``. It is caught when a saboteur of its rules
gets another verdict than it must. Prints the survivors; exits with 1 if there is one.
"""

from __future__ import annotations

import ast
import multiprocessing
import sys
import time
from pathlib import Path
from typing import NamedTuple

import bourn.contract.checks
from bourn.contract import registry
from bourn.contract.proving import require_failure

CHECKS = Path(bourn.contract.checks.__file__).parent


class Mutant(NamedTuple):
    """The assertion at ``line`` of ``file`` taken away; ``rules`` are those that it may belong to."""

    file: str
    line: int
    text: str
    rules: tuple[str, ...]


def mutants(path: Path) -> list[Mutant]:
    """Every assertion of a file of checks."""
    source = path.read_text("utf-8")
    found = []
    tree = ast.parse(source)
    every = tuple(dict.fromkeys(rule for node in tree.body for rule in _rules(node)))
    for node in tree.body:
        for each in ast.walk(node):
            if isinstance(each, ast.Expr) and _is_assertion(each.value):
                text = " ".join((ast.get_source_segment(source, each) or "").split())
                found.append(Mutant(path.name, each.lineno, text, tuple(_rules(node)) or every))
    return found


def _rules(node: ast.stmt) -> list[str]:
    """The rules that a function is registered for."""
    calls = [call for call in getattr(node, "decorator_list", ()) if isinstance(call, ast.Call)]
    names = [call.args[0] for call in calls if getattr(call.func, "id", "") == "check"]
    return [str(name.value) for name in names if isinstance(name, ast.Constant)]


def _is_assertion(value: ast.expr) -> bool:
    call = value.value if isinstance(value, ast.Await) else value
    if not isinstance(call, ast.Call):
        return False
    return getattr(call.func, "id", "") == "require" or getattr(call.func, "attr", "") == "gone"


class _Without(ast.NodeTransformer):
    def __init__(self, line: int) -> None:
        self.line = line

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        return ast.copy_location(ast.Pass(), node) if node.lineno == self.line and _is_assertion(node.value) else node


def caught(mutant: Mutant) -> str:
    """What noticed the mutant, or nothing. Run it in a process of its own: it replaces the checks."""
    registry.load_checks()
    saboteurs = registry.load_saboteurs()
    for rule in mutant.rules:
        registry.CHECKS[rule] = []
    tree = _Without(mutant.line).visit(ast.parse((CHECKS / mutant.file).read_text("utf-8")))
    name = f"bourn.contract.checks.{mutant.file.removesuffix('.py')}"
    kept = {rule: list(checks) for rule, checks in registry.CHECKS.items()}
    exec(compile(ast.fix_missing_locations(tree), mutant.file, "exec"), {"__name__": name})
    for rule in kept:
        if rule not in mutant.rules:
            registry.CHECKS[rule] = kept[rule]
    for rule in mutant.rules:
        for saboteur in saboteurs.get(rule, ()):
            try:
                require_failure(rule, saboteur.subject, saboteur.says)
            except AssertionError:
                return f"{rule} {saboteur.name}"
    return ""


def main() -> int:
    """Try every mutant of the files that were named."""
    began = time.perf_counter()
    names = sys.argv[1:] or sorted(path.stem for path in CHECKS.glob("*.py") if path.stem != "__init__")
    every = [mutant for name in names for mutant in mutants(CHECKS / f"{name}.py")]
    unchanged = [Mutant(f"{name}.py", 0, "nothing", every[0].rules) for name in names[:1]]
    with multiprocessing.get_context("fork").Pool(maxtasksperchild=1) as pool:
        verdicts = pool.map(caught, [*every, *unchanged], chunksize=1)
    if verdicts.pop():
        print("a file from which nothing was taken away fails too: see to the tests first")
        return 1
    alive = [mutant for mutant, verdict in zip(every, verdicts, strict=True) if not verdict]
    for mutant in alive:
        print(f"survived: {mutant.file}:{mutant.line} ({', '.join(mutant.rules)}) {mutant.text}")
    print(f"{len(every)} assertions, {len(every) - len(alive)} missed when taken away, {time.perf_counter() - began:.0f} s")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
