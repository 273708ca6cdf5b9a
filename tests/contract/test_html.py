"""The page says of each rule what the report says, and obeys nobody but us."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from bourn.contract import RULES, Evidence, html
from bourn.contract.html import pictures
from bourn.contract.html.markup import Markup, prose, tag
from bourn.contract.html.overview import tone
from bourn.contract.report import Report, RuleResult
from bourn.contract.verdict import CheckResult, Line

from .reports import HOSTILE, TRACE, every_verdict, evidence, report, result

_EMPTY = {"meta", "input", "br"}


class Reading(HTMLParser):
    """Elements with their attributes, the text, and whether every element was closed in its turn."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(page.decode())
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.elements if found == name]


def read(given: Report) -> Reading:
    return Reading(html.page(given))


def test_every_rule_is_on_the_page() -> None:
    """As a tile that leads to its line, with its verdict and its sentence."""
    page = read(report(*(result(id, "PASS") for id in RULES)))
    rules = [each for each in page.named("details") if each.get("id")]
    assert [each["id"] for each in rules] == [f"rule-{id}" for id in RULES]
    assert [each["href"] for each in page.named("a")] == [f"#rule-{id}" for id in RULES]
    for rule in RULES.values():
        assert rule.requirement.replace("`", "") in page.words


def test_what_breaks_the_run_is_unfolded_and_told_at_the_top() -> None:
    """And only that: a SHOULD, and what was known to fail, stay folded."""
    given = every_verdict()
    page = read(given)
    rules = {each["id"]: each for each in page.named("details") if each.get("id")}
    assert [id for id, each in rules.items() if "open" in each] == ["rule-1.4", "rule-4.2", "rule-9.1"]
    links = [each["href"] for each in page.named("a") if "data-verdict" not in each]
    assert links == ["#rule-1.4", "#rule-4.2", "#rule-9.1"]
    assert "not ok 3 rules are broken that it must keep." in page.words
    assert "It keeps every rule that it must keep." in read(report(result("1.2", "PASS"))).words


@pytest.mark.parametrize(
    ("found", "colour"),
    [
        (result("1.2", "PASS"), "pass"),
        (result("1.2", "FAIL"), "fail"),
        (result("1.2", "FAIL", should=True), "may-fail"),
        (result("1.2", "FAIL", known=True), "may-fail"),
        (result("1.2", "PASS", known=True), "fail"),
        (result("1.2", "ERROR"), "error"),
        (result("1.2", "SKIP"), "skip"),
        (result("1.2", "INFO"), "info"),
    ],
)
def test_a_colour_is_an_outcome(found: RuleResult, colour: str) -> None:
    """A failure that fails no run looks different from one that does."""
    assert tone(found) == colour


def test_the_words_are_those_of_the_other_reports() -> None:
    """Known failures, passes that were not expected, skips: each with its sentence."""
    words = read(every_verdict()).words
    for said in (
        "known to fail: it hung",
        "only asked for (SHOULD): it hung",
        "it was known to fail and does not: take it off the list",
        "a bug of the kit, not of the stream: it hung",
        "it was given no connect=",
        "the kit has no check for this rule",
    ):
        assert said in words


def test_data_and_clean_up_are_told_apart() -> None:
    """Where a rule looks at both, each has its verdict."""
    assert "data PASSclean-up FAIL" in read(every_verdict()).words
    assert "clean-up " not in read(report(result("1.2", "PASS"))).words


def test_all_the_evidence_is_there() -> None:
    """Seed, scenario, suspension point, figures, trace with times, journal, complaints, output, traceback."""
    page = read(report(result("4.1", "FAIL", "it hung", found=evidence())))
    for said in (
        "it hung", "seed7", "the usual answer", "suspension 3: stream.py:12 in read", "worst stall, s0.0625",
        "items in a row64",
        "bytes held", "Wire trace, 7 lines", "5.000000", "ConnectionLostError: gone", "Journal, 1 connections",
        "reset(event=6); by the way", "1,756", "cut at 5.000", "the peer: eof at 5.000", "loop: Task was destroyed", "printed",
        "Traceback (most recent call last)",
    ):  # fmt: skip
        assert said in page.words
    assert len([each for each in page.named("svg") if each["role"] == "img"]) == 3  # the seconds, the wire, the curve


def test_of_a_check_that_passed_the_ends_of_the_trace_are_enough() -> None:
    """Of one that failed nothing is left out."""
    found = Evidence(trace=[Line(at, "reader", "got", f"item {at}") for at in range(100)])
    found.journals = [{"connections": [{"at": 0.0, "peer": "open"}] * 20}]
    for verdict, whole in (("PASS", False), ("FAIL", True)):
        words = read(report(result("1.2", verdict, found=found))).words  # type: ignore[arg-type]  # a verdict
        assert ("item 50" in words) == whole
        assert ("76 lines are left out here" in words) != whole
        assert ("8 more connections are left out here" in words) != whole
        assert "item 0" in words
        assert "item 99" in words


def test_nothing_that_a_stranger_says_is_markup() -> None:
    """Names, messages, notes, evidence: all of it is text, and what cannot be seen is shown instead of obeyed."""
    page = html.page(every_verdict(HOSTILE))
    reading = Reading(page)
    names = {name for name, _ in reading.elements}
    assert names.isdisjoint({"script", "img", "iframe", "object", "link"})
    assert not [name for _, attributes in reading.elements for name in attributes if name.startswith("on")]
    assert b"\x1b" not in page
    shown = HOSTILE.replace("\x1b", "\u241b").replace("\u202e", "\ufffd").replace("\ud800", "\ufffd")
    assert reading.words.count(shown) > 10


def test_nothing_comes_from_elsewhere() -> None:
    """No address but places in the page itself, and a policy that allows nothing else."""
    page = html.page(every_verdict())
    reading = Reading(page)
    assert {each["href"][0] for each in reading.named("a") if each["href"]} == {"#"}
    assert not [attributes for _, attributes in reading.elements if "src" in attributes]
    assert b"url(" not in page
    assert b"@import" not in page
    assert {
        "http-equiv": "Content-Security-Policy",
        "content": "default-src 'none'; style-src 'unsafe-inline'",
    } in reading.named("meta")


def test_equal_reports_give_equal_bytes() -> None:
    """There is no clock and no dice in the page."""
    assert html.page(every_verdict()) == html.page(every_verdict())


def test_an_id_is_there_once() -> None:
    """And every verdict of the report has its box."""
    reading = read(every_verdict())
    ids = [attributes["id"] for _, attributes in reading.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert [each["id"] for each in reading.named("input")] == [
        f"show-{name}" for name in ("FAIL", "ERROR", "PASS", "INFO", "SKIP")
    ]


def test_a_report_of_nothing() -> None:
    """A run without rules, and rules without seconds, have a page too."""
    assert "It keeps every rule" in read(report()).words
    assert "Seconds" not in read(report(RuleResult(RULES["1.2"], []))).words


# --- the parts --------------------------------------------------------------------------------------------------------------


def test_an_element_escapes_what_is_not_markup() -> None:
    """Text and attributes alike."""
    assert tag("p", "1 < 2 & ", tag("b", "yes"), class_="a\"b'", hidden=None) == (
        '<p class="a&quot;b&#x27;">1 &lt; 2 &amp; <b>yes</b></p>'
    )
    assert tag("meta", name="x", data_some_thing=True, off=False) == '<meta name="x" data-some-thing>'
    assert isinstance(tag("p"), Markup)
    assert prose("a `b<` c") == "a <code>b&lt;</code> c"


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\u202e", "\u2066", "\ufeff", "\udfff"])
def test_what_cannot_be_seen_is_shown(character: str) -> None:
    """And what is only white space stays."""
    assert character not in tag("b", character)
    assert len(tag("b", character)) == len("<b>x</b>")
    assert tag("b", "\t\n \u2028") == "<b>\t\n \u2028</b>"


def test_a_score_has_a_stroke_for_each_line() -> None:
    """Of its own kind, a gap where time passed, and the words of it."""
    picture = ET.fromstring(pictures.score(TRACE))  # noqa: S314  # our own words
    strokes = {each.get("class"): (each.get("d") or "").count("M") for each in picture.findall("path")}
    assert strokes == {"axis": 1, "act": 2, "sent": 1, "item": 1, "bad": 1, "other": 1, "end": 1}
    assert picture.get("aria-label") == (
        "Timeline: 2 other acts of the server, 1 errors, 1 ends and closes, 1 items, 1 other events, 1 times bytes sent"
    )
    [gap] = picture.findall("g")
    assert gap.findtext("title") == "5 s passed"
    assert gap.findtext("text") == "5.0 s"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (Line(0, "reader", "got", "StopAsyncIteration"), "end"),
        (Line(0, "reader", "got", "ValueError: x"), "bad"),
        (Line(0, "reader", "got", "IdleTimeout: x"), "bad"),
        (Line(0, "reader", "got", "CancelledError: "), "bad"),
        (Line(0, "reader", "got", "TextDelta(index=0, text='Error: x')"), "item"),
        (Line(0, "reader", "closed the stream: done"), "end"),
        (Line(0, "reader", "closed the stream: RuntimeError: x"), "bad"),
        (Line(0, "reader", "could not make the stream: x"), "bad"),
        (Line(0, "server", "Reset()"), "act"),
        (Line(0, "server", "sends 12 bytes"), "sent"),
    ],
)
def test_a_line_of_the_trace_is_of_a_kind(line: Line, kind: str) -> None:
    """Items, ends and errors of the reader; bytes and other acts of the server."""
    assert f'class="{kind}"' in pictures.score([line])


def test_more_bytes_are_a_taller_bar() -> None:
    """Up to the height of the picture."""
    found = [re.findall(r"v-([\d.]+)", pictures.score([Line(0, "server", f"sends {10**at} bytes")])) for at in (1, 3, 12)]
    heights = [float(height) for [height] in found]
    assert heights[0] < heights[1] < heights[2] == 30


def test_a_curve_goes_from_the_least_to_the_most() -> None:
    """Its scale says both; a level one has one figure."""
    picture = ET.fromstring(pictures.curve([100, 400, 250], "bytes"))  # noqa: S314  # our own words
    assert [each.text for each in picture.findall("text")] == ["400", "100"]
    points = re.findall(r"([\d.]+) ([\d.]+)", picture.findall("path")[0].get("d") or "")
    heights = [float(y) for _, y in points]
    assert heights[0] > heights[2] > heights[1]
    level = ET.fromstring(pictures.curve([5, 5, 5], "bytes"))  # noqa: S314  # our own words
    assert [each.text for each in level.findall("text")] == ["5", None]


def test_figures_of_any_kind_are_told() -> None:
    """Series as curves, numbers with their thousands, other things as they are."""
    check = CheckResult(
        "c", "data", "MUST", "FAIL", "m", evidence=Evidence(figures={"a": [1, None, 3], "b": 1234567, "c": "x"})
    )
    words = read(report(RuleResult(RULES["1.2"], [check]))).words
    assert "a1, None, 3\nb1,234,567\ncx" in words
