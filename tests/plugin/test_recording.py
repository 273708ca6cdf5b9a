"""`llm_recording`: the model answers as it was recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bourn.mock.recording import RecordedRequest, RecordedResponse, Recording

BODY = (
    b'data: {"id":"1","model":"m","choices":[{"index":0,"delta":{"content":"as recorded"}}]}\n\n'
    b'data: {"id":"1","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)


def test_a_folder_is_replayed(run: Callable[..., pytest.RunResult], tmp_path: Path) -> None:
    """Without the recorded pauses unless asked for; `answers` takes over again; an empty folder is refused."""
    response = RecordedResponse(
        status=200,
        headers={"content-type": "text/event-stream"},
        framing="sse",
        reads=[(3600.0, len(BODY))],
        ended_at=3600.0,
    )
    Recording(request=RecordedRequest(path="/v1/chat/completions"), response=response, body=BODY).save(tmp_path / "one")
    (tmp_path / "none").mkdir()
    result = run(f"""
        import asyncio, bourn, pytest

        def ask():
            return asyncio.run(bourn.stream("openai/m", "hi").collect()).text

        def test_it(llm_recording):
            llm = llm_recording({str(tmp_path / "one")!r})
            assert ask() == "as recorded"
            assert llm.exchanges[0].notes == ["replays one"]
            llm.answers("as said")
            assert ask() == "as said"

        def test_nothing(llm_recording):
            with pytest.raises(bourn.InputError, match="no recording"):
                llm_recording({str(tmp_path / "none")!r})

        def test_speed(llm_recording):
            llm_recording({str(tmp_path / "one")!r}, speed=3600 * 100)
            assert ask() == "as recorded"
    """)
    result.assert_outcomes(passed=3)
