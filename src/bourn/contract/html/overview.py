"""The top of the page: who was judged, how it went, what was counted, all rules at a glance, and where the time went.

House rule: a colour never says anything alone; the word is there too.
"""

from __future__ import annotations

from bourn.contract.html.markup import Markup, joined, tag
from bourn.contract.html.pictures import bars
from bourn.contract.report import Report, RuleResult
from bourn.contract.rule import SECTIONS
from bourn.contract.telling import told
from bourn.contract.verdict import Verdict

ORDER: tuple[Verdict, ...] = ("FAIL", "ERROR", "PASS", "INFO", "SKIP")
"""Verdicts, those first that a reader looks for."""

_LONG = 140
"""Characters of a sentence at the top; the whole one is with the rule."""


def tone(result: RuleResult) -> str:
    """The colour of a result: its verdict's, but a failure that fails no run and a pass that does have their own."""
    if result.broken:
        return "error" if result.verdict == "ERROR" else "fail"
    return "may-fail" if result.verdict == "FAIL" else result.verdict.lower()


def heading(report: Report) -> Markup:
    """Who was judged, and the verdict on the whole."""
    broken = [result for result in report.results if result.broken]
    said = "It keeps every rule that it must keep." if report.ok else f"{_rules(len(broken))} broken that it must keep."
    return tag(
        "header",
        tag("p", "The stream contract", class_="brand"),
        tag("h1", report.subject),
        tag("p", tag("b", "ok" if report.ok else "not ok"), " ", said, class_="ok" if report.ok else "not-ok"),
        _facts(report),
    )


def overview(report: Report) -> Markup:
    """Counts with a box to show or hide each verdict, and the rules as tiles."""
    return joined(_filter(report), tag("div", _tiles(report), tag("div", _first(report), _seconds(report)), class_="glance"))


def _rules(count: int) -> str:
    return "1 rule is" if count == 1 else f"{count} rules are"


def _facts(report: Report) -> Markup:
    facts = {"dialect": report.dialect, "seed": report.seed, "duration": f"{report.seconds:.1f} s", **report.versions}
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts.items()), class_="facts")


def _filter(report: Report) -> Markup:
    counts = report.counts
    boxes = [
        tag(
            "label",
            tag("input", type="checkbox", id=f"show-{verdict}", checked=True, autocomplete="off"),
            tag("b", verdict, class_=f"badge {verdict.lower()}"),
            " ",
            tag("span", counts[verdict]),
        )
        for verdict in ORDER
        if verdict in counts
    ]
    return tag("fieldset", tag("legend", "Show"), *boxes, class_="filter")


def _tiles(report: Report) -> Markup:
    rows = []
    for section, title in SECTIONS.items():
        of_section = [result for result in report.results if result.rule.section == section]
        if of_section:
            rows.append(tag("tr", tag("th", f"{section} {title}", scope="row"), tag("td", *map(_tile, of_section))))
    return tag("table", tag("caption", "Rules at a glance"), tag("tbody", *rows), class_="tiles")


def _tile(result: RuleResult) -> Markup:
    rule = result.rule
    said = f"{rule.id} {result.verdict}: {rule.requirement}"
    return tag(
        "a", rule.id, href=f"#rule-{rule.id}", class_=tone(result), title=said, aria_label=said, data_verdict=result.verdict
    )


def _first(report: Report) -> Markup | None:
    """What to look at first: each rule that fails the run, with its sentence."""
    broken = [result for result in report.results if result.broken]
    if not broken:
        return None
    items = [
        tag("li", tag("a", result.rule.id, href=f"#rule-{result.rule.id}"), " ", tag("span", _shortened(told(result).message)))
        for result in broken
    ]
    return tag("div", tag("h2", "What breaks the run"), tag("ul", *items), class_="first")


def _shortened(sentence: str) -> str:
    return sentence if len(sentence) <= _LONG else f"{sentence[:_LONG].rstrip()}…"


def _seconds(report: Report) -> Markup:
    shares = [(result.rule.id, result.seconds, tone(result)) for result in report.results]
    slowest = max(report.results, key=lambda result: result.seconds, default=None)
    if slowest is None or not slowest.seconds:
        return Markup("")
    caption = f"Seconds for each rule; the most, {slowest.seconds:.1f}, for {slowest.rule.id}"
    return tag("figure", bars(shares, caption), tag("figcaption", caption), class_="seconds")
