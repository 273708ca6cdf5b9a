"""`bourn chat` with a prompt: what goes out, what is shown where, and the code it ends with."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bourn import errors
from bourn.cli import exits
from bourn.cli.main import main
from bourn.errors import BournError
from bourn.events import (
    Citation,
    Event,
    Finish,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    RefusalDelta,
    RefusalEnd,
    RefusalStart,
    ServerToolCall,
    Start,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
)
from tests.cli.answers import MODEL, USAGE, answer, text_events, wire
from tests.cli.conftest import Bourn

ESCAPE = "\x1b]0;title\x07"


def sent(bourn: Bourn, at: int = 0) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(bourn.transport.calls[at].body)
    return body


def piped(text: str | bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(text.encode() if isinstance(text, str) else text))


# --- what is asked


def test_the_prompt_and_the_options_are_sent(bourn: Bourn) -> None:
    """Every option of the command line reaches the request."""
    bourn.answers(answer("ok")).chat(
        *("hi", "-s", "be brief", "--max-tokens", "9", "--temperature", "0.5", "--top-p", "0.9", "--seed", "7"),
        *("--stop", "END", "--stop", "STOP", "--reasoning", "low"),
    )
    body = sent(bourn)
    assert [(message["role"], message["content"]) for message in body["messages"]] == [("system", "be brief"), ("user", "hi")]
    assert body["model"] == "gpt-test"
    assert body["stop"] == ["END", "STOP"]
    assert (body["temperature"], body["top_p"], body["seed"], body["reasoning_effort"]) == (0.5, 0.9, 7, "low")
    assert 9 in (body.get("max_tokens"), body.get("max_completion_tokens"))


def test_what_is_not_given_is_not_sent(bourn: Bourn) -> None:
    """Without options the provider decides."""
    bourn.answers(answer("ok")).chat("hi")
    assert not {"temperature", "top_p", "seed", "stop", "max_tokens", "max_completion_tokens"} & sent(bourn).keys()


def test_standard_input_is_the_prompt(bourn: Bourn) -> None:
    """Without an argument, standard input is read to its end; its byte order mark and last line feed are dropped."""
    assert bourn.answers(answer("ok")).chat(stdin=piped("\ufeffhi\r\nthere\n")).status == 0
    assert sent(bourn)["messages"][0]["content"] == "hi\nthere"


def test_a_dash_is_standard_input(bourn: Bourn) -> None:
    """`bourn chat -` reads standard input, whatever it is."""
    bourn.answers(answer("ok")).chat("-", stdin=piped("hi"))
    assert sent(bourn)["messages"][0]["content"] == "hi"


def test_prompt_and_file_are_joined(bourn: Bourn, tmp_path: Path) -> None:
    """With both, the argument comes first, then a blank line, then what was redirected."""
    file = tmp_path / "text"
    file.write_text("long text\n")
    with file.open() as stdin:
        bourn.answers(answer("ok")).chat("sum up", stdin=stdin)
    assert sent(bourn)["messages"][0]["content"] == "sum up\n\nlong text"


@pytest.mark.parametrize("stdin", [None, open], ids=["none", "/dev/null"])
def test_a_prompt_needs_no_standard_input(bourn: Bourn, stdin: Any) -> None:
    """A program started without standard input, or with /dev/null, answers its argument."""
    opened = open("/dev/null") if stdin else None  # noqa: SIM115, PTH123  # given to the program as it is
    try:
        assert bourn.answers(answer("ok")).chat("hi", stdin=opened).out == "ok\n"
    finally:
        if opened:
            opened.close()


@pytest.mark.parametrize("text", ["", " \n "])
def test_no_prompt_at_all(bourn: Bourn, text: str) -> None:
    """Neither argument nor text on standard input: code 2, and nothing is sent."""
    outcome = bourn.chat(stdin=piped(text))
    assert (outcome.status, outcome.out) == (2, "")
    assert "there is no prompt" in outcome.err
    assert not bourn.transport.calls


def test_standard_input_that_is_no_text(bourn: Bourn) -> None:
    """Bytes that are not UTF-8 are refused, not guessed at."""
    outcome = bourn.chat(stdin=piped(b"ab\xff"))
    assert outcome.status == 2
    assert "not UTF-8 text (byte 2)" in outcome.err


def test_the_default_model_is_named_with_its_reason(bourn: Bourn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without -m it is said which model was taken and why; with --quiet it is not."""
    monkeypatch.setenv("BOURN_MODEL", "openai/gpt-mine")
    outcome = bourn.answers(answer("ok"))("chat", "hi")
    assert outcome.err.startswith("bourn: asking openai/gpt-mine, because BOURN_MODEL is set")
    assert bourn("chat", "hi", "-q").err == ""


def test_the_key_is_read_from_the_named_variable(bourn: Bourn, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--api-key-env` names the variable; one that is not set is code 3 and says so."""
    monkeypatch.delenv("OPENAI_API_KEY")
    assert bourn.chat("hi").status == exits.KEY
    monkeypatch.setenv("MY_KEY", "sk-mine")
    assert bourn.answers(answer("ok")).chat("hi", "--api-key-env", "MY_KEY").status == 0
    missing = bourn.chat("hi", "--api-key-env", "NO_SUCH")
    assert missing.status == exits.KEY
    assert "--api-key-env names NO_SUCH, which is not set" in missing.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-m", "nonsense"], "not a model id"),
        (["-m", "opnai/x"], "did you mean 'openai'"),
        (["--base-url", "ftp://x"], "base_url"),
        (["--dialect", "morse"], "unknown dialect 'morse'"),
        (["--temperature", "-1"], "temperature"),
        (["--timeout", "total=-1"], "--timeout total must be a positive number"),
        (["--reasoning", "lots"], "reasoning"),
    ],
)
def test_input_that_cannot_be_sent(bourn: Bourn, words: list[str], said: str) -> None:
    """What the library refuses is one sentence and code 2; nothing is sent."""
    outcome = bourn.chat("hi", *words)
    assert outcome.status == 2
    assert said in outcome.err
    assert outcome.err.count("\n") == 1
    assert not bourn.transport.calls


# --- what is shown


def test_in_a_pipe_the_text_is_what_the_model_wrote(bourn: Bourn) -> None:
    """No styles, no wrapping, not even escape sequences removed; a last line feed is added."""
    text = "# **a** " + "long " * 99 + ESCAPE
    assert bourn.answers(answer(text)).chat("hi").out == text + "\n"
    assert bourn.answers(answer("a\n")).chat("hi").out == "a\n"


def test_on_a_terminal_markdown_is_rendered(bourn: Bourn) -> None:
    """Styles, and no escape sequence of the model's."""
    out = bourn.answers(answer("**a** ", ESCAPE)).chat("hi", terminal=True).out
    assert out.startswith("\x1b[0;1ma\x1b[0m ")
    assert "\x1b]" not in out
    assert "\x07" not in out


@pytest.mark.parametrize("way", ["--plain", "--no-markdown", "NO_COLOR", "TERM"])
def test_on_a_terminal_without_markdown(bourn: Bourn, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """On request, or where no style can be shown, the text stays as written; still no escape sequence gets through."""
    if way.startswith("-"):
        outcome = bourn.answers(answer("**a**", ESCAPE)).chat("hi", way, terminal=True)
    else:
        monkeypatch.setenv(way, {"NO_COLOR": "1", "TERM": "dumb"}[way])
        outcome = bourn.answers(answer("**a**", ESCAPE)).chat("hi", terminal=True)
        assert "\x1b" not in outcome.err
    assert outcome.out == "**a**␛]0;title␇\n"


def test_the_footer(bourn: Bourn) -> None:
    """Model, time to the first event, tokens; the finish reason only if it is not the usual one; nothing when quiet."""
    footer = bourn.answers(answer("a", "b")).chat("hi").err
    assert footer.startswith("openai/gpt-test · first event ")
    assert footer.endswith("ms · tokens: 12 in, 3 out\n")
    assert "finish: length" in bourn.answers(answer("a", reason="length")).chat("hi").err
    assert bourn.answers(answer("a")).chat("hi", "-q").err == ""
    assert "tokens" not in bourn.answers(answer("a", usage=None)).chat("hi").err


def test_warnings_are_told(bourn: Bourn) -> None:
    """What the dialect cannot express is said on standard error."""
    outcome = bourn.answers(answer("a")).chat("hi", "--reasoning", "2048")
    assert outcome.status == 0
    assert "warning: " in outcome.err
    assert outcome.out == "a\n"


THOUGHT: list[Event] = [
    Start("id", "gpt-test", "openai"),
    ReasoningStart(0),
    ReasoningDelta(0, "hm\x1b"),
    ReasoningEnd(0),
    TextStart(1),
    TextDelta(1, "so"),
    TextEnd(1),
    Finish("stop", "stop", USAGE),
]


def test_thinking_is_dim_on_a_terminal_and_absent_elsewhere(bourn: Bourn) -> None:
    """Thinking goes to standard error, dim and harmless, and only to a terminal; never to standard output."""
    seen = bourn.answers(wire(THOUGHT)).chat("hi", terminal=True)
    assert seen.out == "so\n"
    assert "\x1b[2mhm␛\x1b[0m" in seen.err
    unseen = bourn.answers(wire(THOUGHT)).chat("hi")
    assert unseen.out == "so\n"
    assert "hm" not in unseen.err


CALL: list[Event] = [
    Start("id", "gpt-test", "openai"),
    ToolCallStart(0, "c1", "weather"),
    ToolCallDelta(0, '{"city":'),
    ToolCallDelta(0, '"Rome"}'),
    ToolCallEnd(0),
    Finish("tool_calls", "tool_calls", USAGE),
]


def test_tool_calls_are_shown_readably(bourn: Bourn) -> None:
    """A call is one line on standard error; one that was cut says so."""
    whole = bourn.answers(wire(CALL)).chat("hi")
    assert whole.out == ""
    assert '→ weather({"city":"Rome"})\n' in whole.err
    assert "finish: tool_calls" in whole.err
    cut = bourn.answers(wire(CALL[:3])).chat("hi")
    assert cut.status == exits.CUT
    assert '→ weather({"city":) … cut off\n' in cut.err


def test_sources_and_the_providers_own_tools_are_shown_beside_the_answer(bourn: Bourn) -> None:
    """A tool when it runs, the sources at the end, each once, all on standard error."""
    said: list[Event] = [TextStart(0), TextDelta(0, "so"), Citation(0, "https://a", "A"), Citation(0, "https://a")]
    notes: list[Event] = [ServerToolCall("0", "search", '{"q":1}'), *said, Citation(0, "https://b"), TextEnd(0)]
    shown = bourn.answers(wire([Start("id", "gpt-test", "openai"), *notes, Finish("stop", "stop", USAGE)])).chat("hi")
    assert shown.out == "so\n"
    assert '→ search({"q":1}), run by the provider\n' in shown.err
    assert "[1] A https://a\n[2] https://b\n" in shown.err


def test_a_refusal_is_the_answer(bourn: Bourn) -> None:
    """A model that refuses is heard on standard output."""
    events = [Start("id", "m", "openai"), RefusalStart(0), RefusalDelta(0, "No."), RefusalEnd(0), Finish("stop", "stop")]
    assert bourn.answers(wire(events)).chat("hi").out == "No.\n"


def test_text_and_asides_do_not_share_a_line_on_a_terminal(bourn: Bourn) -> None:
    """A tool call in the middle of a line begins a line of its own."""
    events = [CALL[0], TextStart(1), TextDelta(1, "wait"), TextEnd(1), *CALL[1:]]
    assert bourn.answers(wire(events)).chat("hi", terminal=True).out == "wait\n"


# --- JSON


def test_json_is_one_object(bourn: Bourn) -> None:
    """The whole response, the seconds, no error."""
    value = json.loads(bourn.answers(answer("a", "b")).chat("hi", "--json").out)
    assert value["text"] == "ab"
    assert value["complete"]
    assert value["error"] is None
    assert value["usage"]["output_tokens"] == 3
    assert 0 <= value["seconds"]["first_event"] <= value["seconds"]["total"]


def test_json_of_a_cut_answer(bourn: Bourn) -> None:
    """The object comes all the same, with what had arrived and the error."""
    outcome = bourn.answers(answer("a", "b")[:2]).chat("hi", "--json")
    value = json.loads(outcome.out)
    assert outcome.status == exits.CUT
    assert (value["text"], value["complete"], value["error"]["type"]) == ("a", False, "TruncatedError")
    assert value["error"]["exit_code"] == exits.CUT


def test_jsonl_is_an_event_a_line(bourn: Bourn) -> None:
    """Events as they come, in the library's words; an error is the last line."""
    lines = [json.loads(line) for line in bourn.answers(answer("a")).chat("hi", "--jsonl").out.splitlines()]
    assert [line["event"] for line in lines] == ["start", "text_start", "text_delta", "text_end", "finish"]
    cut = bourn.answers(answer("a")[:2]).chat("hi", "--jsonl").out.splitlines()
    assert json.loads(cut[-1])["event"] == "error"
    assert json.loads(cut[-1])["exit_code"] == exits.CUT


def test_json_on_a_terminal_is_harmless(bourn: Bourn) -> None:
    """Control characters that JSON lets through do not reach a terminal."""
    assert "\x9b" not in bourn.answers(answer("\x9b2J")).chat("hi", "--json", terminal=True).out


# --- how it ends


@pytest.mark.parametrize(
    "error",
    [
        errors.ConnectError("no connection"),
        errors.ConnectionLostError("lost"),
        errors.IdleTimeout("silent"),
        errors.TotalTimeout("too long"),
        errors.PayloadError("not JSON"),
        errors.FrameTooLargeError("too large"),
        errors.ModelError("overloaded"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_failing_stream(bourn: Bourn, error: BournError) -> None:
    """What arrived is shown; then one line says what happened, and the code is that of the error's class."""
    outcome = bourn.answers([*answer("par", "tial")[:2], error]).chat("hi")
    assert outcome.status == exits.code(error)
    assert outcome.out == "par\n"
    assert outcome.err.count("\n") == 1
    assert outcome.err.startswith(f"bourn: {error.message}")
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, 2), (401, 3), (403, 3), (404, 2), (413, 2), (429, 4), (500, 4), (503, 4), (529, 4), (302, 2)],
)
def test_an_http_status(bourn: Bourn, status: int, code: int) -> None:
    """An HTTP error is one line with the server's words, made harmless, and its code."""
    body = b'{"error": {"message": "not\\n today\\u001b[31m", "type": "t"}}'
    outcome = bourn.answers([body], status=status, headers={"content-type": "application/json"}).chat("hi", terminal=True)
    assert outcome.status == code
    assert outcome.out == ""
    assert outcome.err.count("\n") == 1
    assert "\x1b[31m" not in outcome.err


def test_a_truncated_answer(bourn: Bourn) -> None:
    """The text that came, and a sentence that says it is not all."""
    outcome = bourn.answers(answer("a ", "b")[:3]).chat("hi")
    assert (outcome.status, outcome.out) == (exits.CUT, "a b\n")
    assert "cut off" in outcome.err
    assert "ask again" in outcome.err


def test_an_answer_that_ends_in_an_error(bourn: Bourn) -> None:
    """A finish reason that says error is a failure."""
    events = [*text_events("a")[:-1], Finish("error", "error")]
    outcome = bourn.answers(wire(events)).chat("hi")
    assert outcome.status == exits.MODEL
    assert "bourn: the provider ended the answer with an error (error); ask again" in outcome.err


def test_an_empty_answer_is_an_answer(bourn: Bourn) -> None:
    """Nothing said, and well ended: nothing on standard output, code 0."""
    outcome = bourn.answers(answer()).chat("hi")
    assert (outcome.status, outcome.out) == (0, "")


@pytest.mark.parametrize("words", [["-m", "nonsense"], []], ids=["before", "during"])
def test_debug_shows_a_traceback(bourn: Bourn, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    """With BOURN_DEBUG the traceback of an error, before or during the answer, comes before the sentence."""
    monkeypatch.setenv("BOURN_DEBUG", "1")
    outcome = bourn.answers(answer("a")[:2]).chat("hi", *words)
    assert "Traceback" in outcome.err
    assert outcome.err.splitlines()[-1].startswith("bourn: ")


def test_a_full_disk(bourn: Bourn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output that cannot be written ends the program with a sentence."""

    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    bourn.answers(answer("a"))
    err = io.StringIO()
    for name, stream in (("stdin", None), ("stdout", Full()), ("stderr", err)):
        monkeypatch.setattr(sys, name, stream)
    assert main(["chat", "-m", MODEL, "hi"]) == exits.BUG
    assert err.getvalue() == "bourn: No space left on device\n"
