"""The page in a real browser: it loads in silence, unfolds, filters, can be read by day and by night, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bourn.contract import html
from tests.browser import PROGRAM, Browser

from .reports import HOSTILE, every_verdict

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed: apt-get install chromium")

SHOWN = """[...document.querySelectorAll('.rule, section')]
  .filter(each => each.checkVisibility()).map(each => each.id || each.dataset.has)"""
"""The rules that can be seen, by their ids, and the sections, by the verdicts that are in them."""

CONTRAST = """
(() => {
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = colour => numbers(colour).slice(0, 3).map(part => part / 255)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = element => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor, parts = numbers(colour);
      if (parts.length < 4 || parts[3] > 0) return colour;
    }
  };
  const poor = [];
  let seen = 0;
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own || element.localName === 'title' || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const pair = [light(element.closest('svg') ? style.fill : style.color), light(behind(element))].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    seen += 1;
    if (ratio < 4.5) poor.push(`${element.localName}.${element.className.baseVal ?? element.className} ${ratio.toFixed(2)}`);
  }
  return {seen, poor, behind: behind(document.body)};
})()
"""
"""What is written in a colour too close to the one behind it: below 4.5 to 1, which WCAG 2.2 asks for (1.4.3)."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests."""
    with Browser() as made:
        yield made


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Browser:
    """The browser, with a page in which every verdict is."""
    return show(browser, tmp_path, "it hung")


def show(browser: Browser, folder: Path, words: str) -> Browser:
    file = folder / "contract.html"
    file.write_bytes(html.page(every_verdict(words)))
    browser.open(file)
    return browser


@pytest.mark.parametrize("words", ["it hung", HOSTILE])
def test_it_loads_in_silence(browser: Browser, tmp_path: Path, words: str) -> None:
    """No complaint on the console, no script, and nothing is asked of anybody, whatever a stranger said."""
    show(browser, tmp_path, words)
    assert browser.ask("document.querySelectorAll('.rule').length") == 10
    assert browser.ask("[document.scripts.length, document.images.length, typeof hacked]") == [0, 0, "undefined"]
    asked = [event["params"]["request"]["url"] for event in browser.events if event["method"] == "Network.requestWillBeSent"]
    assert asked == [(tmp_path / "contract.html").as_uri()]
    said = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}
    assert [event for event in browser.events if event["method"] in said] == []


def test_a_rule_unfolds_with_the_keyboard(page: Browser) -> None:
    """Enter on its line shows its evidence, and Enter on a fold the trace; what breaks the run is unfolded already."""
    rule = "document.getElementById('rule-1.2')"
    seen = f"[{rule}.open, {rule}.querySelector('svg').checkVisibility(), {rule}.querySelector('.trace').checkVisibility()]"
    assert page.ask(seen) == [False, False, False]
    page.ask(f"{rule}.querySelector('summary').focus()")
    page.press("Enter", "\r")
    assert page.ask(seen) == [True, True, False]
    page.ask(f"{rule}.querySelector('.fold summary').focus()")
    page.press("Enter", "\r")
    assert page.ask(seen) == [True, True, True]
    unfolded = page.ask("[...document.querySelectorAll('.rule[open]')].map(each => each.id)")
    assert unfolded == ["rule-1.2", "rule-1.4", "rule-4.2", "rule-9.1"]


def test_the_boxes_filter(page: Browser) -> None:
    """The first key reaches the first box; a box hides the rules of its verdict, and the sections in which no other is."""
    everything = page.ask(SHOWN)
    assert len(everything) == 10 + 6
    page.press("Tab")
    assert page.ask("document.activeElement.id") == "show-FAIL"
    page.press(" ", " ")
    hidden = {"rule-1.1", "rule-1.3", "rule-4.2", "FAIL"}
    assert page.ask(SHOWN) == [each for each in everything if each not in hidden]
    page.ask("['ERROR', 'PASS', 'INFO'].forEach(verdict => document.getElementById('show-' + verdict).click())")
    assert [each for each in page.ask(SHOWN) if each.startswith("rule")] == ["rule-1.5", "rule-5.1", "rule-12.2"]
    page.ask("document.querySelectorAll('input').forEach(box => box.checked || box.click())")
    assert page.ask(SHOWN) == everything


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read(page: Browser, scheme: str) -> None:
    """By day and by night, every word stands out from what is behind it."""
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    page.ask("document.querySelectorAll('details').forEach(each => each.open = true)")
    found = page.ask(CONTRAST)
    assert found["seen"] > 200
    assert found["poor"] == []
    assert found["behind"] == {"light": "rgb(251, 250, 247)", "dark": "rgb(21, 23, 26)"}[scheme]


@pytest.mark.parametrize("width", [360, 800, 1600])
def test_it_fits(browser: Browser, tmp_path: Path, width: int) -> None:
    """On a telephone as on a wide screen nothing is beside the page, with everything unfolded and words without a space."""
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
    show(browser, tmp_path, "it_hung" * 40)
    browser.ask("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert browser.ask("document.documentElement.scrollWidth") <= width
    browser.call("Emulation.clearDeviceMetricsOverride")


def test_it_prints(page: Browser) -> None:
    """On paper the bar with the boxes stays where it is, and long traces are not cut off."""
    page.call("Emulation.setEmulatedMedia", media="print")
    page.ask("document.querySelectorAll('details').forEach(each => each.open = true)")
    style = "getComputedStyle(document.querySelector('{}')).{}"
    assert page.ask(style.format(".filter", "position")) == "static"
    assert page.ask(style.format("pre", "maxHeight")) == "none"
    page.call("Emulation.setEmulatedMedia", media="")
