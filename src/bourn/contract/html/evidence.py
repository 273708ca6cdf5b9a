"""What one check found, and what it saw: message, seed, scenario, pictures, trace, journal, traceback, output.

House rule: of a check that passed the ends of its trace are enough; of one that failed nothing is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bourn.contract.html.markup import Markup, tag
from bourn.contract.html.pictures import curve, score
from bourn.contract.verdict import CheckResult, Evidence, Line

_SHOWN = 12
"""Lines at each end of the trace of a check that passed; connections of its journal."""

_PICTURED = 4
"""Lines of a trace that make a picture."""

_SERIES = 3
"""Figures that make a curve."""

_COLUMNS = ("", "at, s", "request", "faults and notes", "sent, bytes", "answer", "connection")


def check(result: CheckResult) -> Markup:
    """A check, its verdict, and its evidence to unfold."""
    found = result.evidence
    failed = result.verdict in {"FAIL", "ERROR"}
    parts = [
        _picture(found),
        *_figures(found.figures),
        _trace(found.trace, whole=failed),
        _journal(found.journals, whole=failed),
        _text("Complaints of the event loop and the interpreter", "\n".join(found.disturbances)),
        _text("Traceback", found.traceback),
        _text("Captured output", found.output),
    ]
    return tag(
        "div",
        _head(result),
        tag("p", result.message, class_="message") if result.message else None,
        *(tag("p", tag("b", "note"), " ", note, class_="note") for note in result.notes),
        _facts(found),
        *parts,
        class_="check",
    )


def _head(result: CheckResult) -> Markup:
    return tag(
        "h3",
        tag("b", result.verdict, class_=f"badge {_tone(result)}"),
        " ",
        result.name.replace("_", " "),
        tag("small", f" {result.aspect}, {result.level}, {result.seconds:.2f} s"),
    )


def _tone(result: CheckResult) -> str:
    return "may-fail" if result.verdict == "FAIL" and result.level == "SHOULD" else result.verdict.lower()


def _facts(found: Evidence) -> Markup:
    facts = {"seed": str(found.seed), "scenario": found.scenario, "suspended at": found.suspension}
    told = [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts.items() if value]
    return tag("dl", *told, class_="facts")


def _picture(found: Evidence) -> Markup | None:
    if len(found.trace) < _PICTURED:
        return None
    return tag("figure", score(found.trace), tag("figcaption", _caption(found.trace)))


def _caption(trace: list[Line]) -> str:
    span = trace[-1].at - trace[0].at
    passed = f"; shaded, the {span:.3f} s in which nothing happened" if span else ""
    return f"The wire, from left to right: above, what the server did; below, what the reader got{passed}"


def _figures(figures: dict[str, Any]) -> Iterable[Markup]:
    plain = {}
    for name, value in figures.items():
        numbers = value if isinstance(value, list) else [value]
        if len(numbers) >= _SERIES and all(isinstance(each, int | float) for each in numbers):
            yield tag("figure", curve(numbers, name), tag("figcaption", name))
        else:
            plain[name] = ", ".join(_number(each) for each in numbers)
    if plain:
        yield tag("dl", *(tag("div", tag("dt", name), tag("dd", told)) for name, told in plain.items()), class_="facts figures")


def _number(value: object) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _trace(trace: list[Line], *, whole: bool) -> Markup | None:
    if not trace:
        return None
    gap = len(trace) - 2 * _SHOWN
    rows = [_line(line) for line in trace]
    if gap > 0 and not whole:
        rows = [*rows[:_SHOWN], tag("tr", tag("td", f"{gap} lines are left out here", colspan=4)), *rows[-_SHOWN:]]
    return _folded(f"Wire trace, {len(trace)} lines", _table(("at, s", "who", "what", ""), rows, "trace"))


def _line(line: Line) -> Markup:
    return tag("tr", *(tag("td", cell) for cell in (f"{line.at:.6f}", line.who, line.what, line.data)), class_=line.who)


def _journal(journals: list[dict[str, Any]], *, whole: bool) -> Markup | None:
    found = [connection for journal in journals for connection in journal.get("connections", ())]
    if not found:
        return None
    shown = found if whole else found[:_SHOWN]
    rows = [row for number, connection in enumerate(shown, 1) for row in _connection(number, connection)]
    if len(shown) < len(found):
        rows.append(
            tag("tr", tag("td", f"{len(found) - len(shown)} more connections are left out here", colspan=len(_COLUMNS)))
        )
    return _folded(f"Journal, {len(found)} connections", _table(_COLUMNS, rows, "journal"))


def _connection(number: int, connection: dict[str, Any]) -> Iterable[Markup]:
    exchanges = connection.get("exchanges") or [{}]
    for at, exchange in enumerate(exchanges):
        last = at == len(exchanges) - 1
        cells = (
            number if at == 0 else "",
            f"{exchange.get('at', connection.get('at', 0)):.3f}",
            f"{exchange.get('method', '')} {exchange.get('path', '')}",
            "; ".join((*exchange.get("faults", ()), *exchange.get("notes", ()))),
            _number(exchange.get("bytes_sent", 0)),
            _ending(exchange),
            _peer(connection) if last else "goes on",
        )
        yield tag("tr", *(tag("td", cell) for cell in cells))


def _ending(exchange: dict[str, Any]) -> str:
    ended = exchange.get("ended_at")
    return f"{exchange.get('ending', '')}" + ("" if ended is None else f" at {ended:.3f}")


def _peer(connection: dict[str, Any]) -> str:
    at = connection.get("peer_at")
    return f"the peer: {connection.get('peer', '')}" + ("" if at is None else f" at {at:.3f}")


def _table(columns: Iterable[str], rows: Iterable[Markup], kind: str) -> Markup:
    head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in columns)))
    return tag(
        "div",
        tag("table", head, tag("tbody", *rows), class_=kind),
        class_="scrolls",
        tabindex=0,
        role="region",
        aria_label=kind,
    )


def _text(title: str, words: str) -> Markup | None:
    return _folded(title, tag("pre", words, tabindex=0)) if words else None


def _folded(title: str, content: Markup) -> Markup:
    return tag("details", tag("summary", title), content, class_="fold")
