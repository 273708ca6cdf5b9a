"""How an answer is shown that broke off and began anew."""

from __future__ import annotations

import json

import pytest

from bourn.cli.shows import JsonLinesShow, TextShow
from bourn.cli.terminal import Console
from bourn.events import Event, ReasoningDelta, ReasoningStart, Restart, Start, TextDelta, TextStart

BEGUN_ANEW: list[Event] = [
    *(Start(), TextStart(0), TextDelta(0, "The old"), Restart((0,), "the connection broke")),
    *(Start(), TextStart(0), TextDelta(0, "The new")),
]


def test_a_restart_is_marked_and_the_text_begins_on_its_own_line(capsys: pytest.CaptureFixture[str]) -> None:
    """The remark goes to standard error; on standard output the two texts are not glued together."""
    show = TextShow(Console({}), plain=True)
    for event in BEGUN_ANEW:
        show.event(event)
    assert capsys.readouterr() == ("The old\nThe new", "↻ the connection broke: the answer begins anew\n")


def test_a_restart_is_a_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Programs read it as an event like any other."""
    show = JsonLinesShow(Console({}))
    for event in [*BEGUN_ANEW, ReasoningStart(1), ReasoningDelta(1, "hm")]:
        show.event(event)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[3] == {"event": "restart", "discard": [0], "reason": "the connection broke"}
