"""A report as one page for a browser: ``Path("contract.html").write_bytes(html.page(report))``.

Everything is in the file: no script, no font, no picture from elsewhere, and the page's own policy forbids any. What unfolds is
``<details>``, what filters is a check box that the style sheet looks at.

House rule: equal reports give equal bytes, and nothing that a stranger said is ever markup (``markup.tag`` escapes it).
"""

from __future__ import annotations

from importlib import resources

from bourn.contract.html.markup import DOCTYPE, Markup, tag
from bourn.contract.html.overview import heading, overview
from bourn.contract.html.rules import sections
from bourn.contract.report import Report

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""What a browser may load and run for this page: its own style sheet."""


def page(report: Report) -> bytes:
    """The report as an HTML file, in UTF-8."""
    style = Markup(resources.files(__name__).joinpath("page.css").read_text("utf-8"))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{'ok' if report.ok else 'not ok'}: {report.subject} ({report.dialect}), the stream contract"),
        tag("style", style),
    )
    body = tag("body", heading(report), tag("main", overview(report), sections(report)), _foot())
    return (DOCTYPE + tag("html", head, body, lang="en")).encode()


def _foot() -> Markup:
    return tag(
        "footer",
        tag("p", tag("b", "MUST"), " fails the run; ", tag("b", "SHOULD"), " is only asked for. "),
        tag("p", "Mode ", tag("b", "f"), " needs only a stream; ", tag("b", "w"), " one that is pointed at the kit's server. "),
        tag("p", "Kind ", tag("b", "D"), " is deterministic; ", tag("b", "S"), " is statistical: measured, with a tolerance."),
    )
