"""The rules, section by section: each is a line that unfolds to why it is there and what its checks found.

House rule: what broke is unfolded already; whoever prints the page prints what matters.
"""

from __future__ import annotations

from bourn.contract.html.evidence import check
from bourn.contract.html.markup import Markup, joined, prose, tag
from bourn.contract.html.overview import tone
from bourn.contract.report import Report, RuleResult
from bourn.contract.rule import SECTIONS
from bourn.contract.telling import told
from bourn.contract.verdict import Aspect

MODES = {"f": "needs only a stream", "w": "needs a stream that is pointed at the kit's server"}
KINDS = {"D": "deterministic", "S": "statistical: measured, with a tolerance"}
ASPECTS: tuple[Aspect, ...] = ("data", "clean-up")


def sections(report: Report) -> Markup:
    """Every section of which a rule was judged."""
    numbers = sorted({result.rule.section for result in report.results})
    return joined(*(_section(at, [result for result in report.results if result.rule.section == at]) for at in numbers))


def _section(number: int, results: list[RuleResult]) -> Markup:
    verdicts = " ".join(sorted({result.verdict for result in results}))
    title = tag("h2", tag("span", number, class_="number"), " ", SECTIONS[number])
    return tag("section", title, *map(_rule, results), class_="rules", data_has=verdicts)


def _rule(result: RuleResult) -> Markup:
    rule = result.rule
    return tag(
        "details",
        _summary(result),
        tag("p", tag("b", "Why"), " ", prose(rule.reason)),
        tag("p", tag("b", "How it is broken"), " ", prose(rule.bad)),
        _aspects(result),
        *(check(each) for each in result.checks),
        id=f"rule-{rule.id}",
        class_=f"rule {tone(result)}",
        data_verdict=result.verdict,
        open=result.broken,
    )


def _summary(result: RuleResult) -> Markup:
    rule = result.rule
    marks = [
        tag("span", rule.level, class_="mark"),
        tag("span", rule.mode, class_="mark", title=MODES[rule.mode]),
        tag("span", rule.kind, class_="mark", title=KINDS[rule.kind]),
        tag("span", "extended", class_="mark", title="outside the core") if rule.extended else None,
        tag("span", "known to fail", class_="mark known") if result.known else None,
    ]
    return tag(
        "summary",
        tag("b", result.verdict, class_=f"badge {tone(result)}"),
        tag("span", rule.id, class_="id"),
        tag("span", tag("span", prose(rule.requirement)), _sentence(result), class_="what"),
        tag("span", *marks, class_="marks"),
        tag("span", f"{result.seconds:.2f} s", class_="time"),
    )


def _sentence(result: RuleResult) -> Markup | None:
    """What goes with the verdict, where there is anything to say."""
    message = told(result).message
    return tag("span", message, class_="message") if message else None


def _aspects(result: RuleResult) -> Markup | None:
    """Data and clean-up apart, where the rule looks at both."""
    verdicts = {aspect: result.of(aspect) for aspect in ASPECTS}
    if None in verdicts.values():
        return None
    told = [
        tag("span", f"{aspect} ", tag("b", verdict, class_=f"badge {str(verdict).lower()}"))
        for aspect, verdict in verdicts.items()
    ]
    return tag("p", *told, class_="aspects")
