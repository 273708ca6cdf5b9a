"""A report as JUnit XML, which CI services show: ``Path("contract.xml").write_bytes(junit.xml(report))``.

A test case a rule, named by its id and its requirement. A rule that fails and may (a SHOULD, or one that was known to) is a
skipped case whose message says so, for JUnit has no word between.

House rule: what a stream said may hold any character; those that XML forbids are written as U+FFFD.
"""

from __future__ import annotations

import re
from collections import Counter
from xml.etree import ElementTree as ET

from bourn.contract.report import Report, RuleResult
from bourn.contract.rule import SECTIONS
from bourn.contract.telling import Outcome, evidence, notes, told

ELEMENTS: dict[Outcome, str] = {"failed": "failure", "error": "error", "skipped": "skipped", "tolerated": "skipped"}
"""Outcome to the element that stands for it; a case that passed has none."""

_FORBIDDEN = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml(report: Report) -> bytes:
    """The report as a JUnit file, in UTF-8."""
    suites = ET.Element("testsuites")
    elements = Counter(ELEMENTS.get(told(result).outcome, "passed") for result in report.results)
    suite = ET.SubElement(
        suites,
        "testsuite",
        name=_clean(f"{report.subject} ({report.dialect})"),
        tests=str(len(report.results)),
        failures=str(elements["failure"]),
        errors=str(elements["error"]),
        skipped=str(elements["skipped"]),
        time=f"{report.seconds:.3f}",
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in {"seed": str(report.seed), "dialect": report.dialect, **report.versions}.items():
        ET.SubElement(properties, "property", name=name, value=_clean(value))
    for result in report.results:
        _case(suite, result)
    ET.indent(suites)
    written: bytes = ET.tostring(suites, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _case(suite: ET.Element, result: RuleResult) -> None:
    rule = result.rule
    case = ET.SubElement(
        suite,
        "testcase",
        classname=f"contract.{rule.section} {SECTIONS[rule.section]}",
        name=f"{rule.id} {rule.requirement}",
        time=f"{result.seconds:.3f}",
    )
    outcome, message = told(result)
    if outcome in ELEMENTS:
        element = ET.SubElement(case, ELEMENTS[outcome], message=_clean(message), type=rule.level)
        element.text = _clean(evidence(result)) or None
    if remarks := notes(result):
        ET.SubElement(case, "system-out").text = _clean("\n".join(remarks))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
