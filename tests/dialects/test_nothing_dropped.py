"""Nothing that was recorded is dropped: every word and number of every payload is in an event, or in the table of what is not.

The table has the reasons. A field that it does not name, and that no event holds, fails the test.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from bourn.dialects import get
from bourn.events import ServerToolCall
from bourn.wire.base import FRAME_LIMIT
from bourn.wire.eventstream import EventStreamFrame
from bourn.wire.json_array import JsonArrayFramer
from tests.dialects.spoilt import OURS, samples
from tests.recordings import Recording, decode, needs_corpus, recordings

FORMATS = {
    "openai-chat": "openai-chat",
    "mistral": "mistral",
    "openai-responses": "openai-responses",
    "openai-completions": "openai-completions",
    "anthropic-messages": "anthropic",
    "gemini": "gemini",
    "bedrock-converse": "bedrock-converse",
    "bedrock-invoke": "bedrock-invoke",
    "cohere-v2": "cohere",
    "ollama": "ollama",
    "cloudflare-ai-run": "cloudflare",
    "huggingface-tgi": "huggingface-tgi",
}
RECORDED = [(dialect, recording) for format, dialect in FORMATS.items() for recording in recordings(format)]

Path = tuple[str, ...]

NAMES = {
    **dict.fromkeys(("p", "obfuscation"), "padding of random length"),
    **dict.fromkeys(("type", "object", "role", "format", "language"), "says which event it became, or is always the same"),
    **dict.fromkeys(
        ("index", "contentBlockIndex", "output_index", "content_index", "summary_index"), "the order of the events"
    ),
    **dict.fromkeys(("annotation_index", "sequence_number", "groundingChunkIndices"), "the order of the events"),
    **dict.fromkeys(("created", "created_at", "completed_at"), "when the service says it was; a caller has a clock"),
    **dict.fromkeys(("total_tokens", "totalTokens", "totalTokenCount"), "a sum of what is told"),
    **dict.fromkeys(("system_fingerprint", "token_id"), "which build it was; a token's number beside its text"),
    **dict.fromkeys(("status", "outcome"), "whether it is done, or good: the end of a part, and is_error"),
    **dict.fromkeys(("bytes",), "the bytes of a token, in base64 in the events"),
    **dict.fromkeys(("item_id",), "which item is spoken of; Copilot's differ from event to event"),
}
"""Names of fields that are not given, wherever they stand, and why."""

PATHS: dict[str, dict[Path, str]] = {
    "openai-chat": {
        ("id",): "the first one counts, where a service sends several",
        ("choices", "delta", "name"): "the role again",
        ("choices", "delta", "reasoning_details"): "told with the text; what it has beside it is an Other",
        ("usage", "completion_tokens"): "the last one counts, and xAI's without its thoughts",
        ("usage", "completion_tokens_details", "reasoning_tokens"): "the last one counts",
        ("__verbose",): "what llama.cpp tells those who debug it: the prompt and the settings again",
    },
    "openai-responses": {
        ("response",): "the request, repeated, and snapshots of what was told; the last event has tests of its own",
        ("item",): "snapshots of what the deltas say; items have tests of their own",
        ("part",): "snapshots of what the deltas say",
        ("text",): "a snapshot of what the deltas say, from which one recording of OpenAI's departs",
    },
    "anthropic": {
        ("message", "usage"): "the last count of each kind counts, and cached input is part of the input",
        ("usage", "input_tokens"): "cached input is part of the input",
    },
    "gemini": {
        ("usageMetadata", name): "the last one counts, and thoughts are part of the output"
        for name in ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "promptTokensDetails")
    },
    "bedrock-converse": {("usage", "inputTokens"): "cached input is part of the input"},
    "bedrock-invoke": {("message", "usage"): "the last count of each kind counts"},
    "huggingface-tgi": {
        ("token", "id"): "a token's number beside its text",
        ("generated_text",): "the text again, after the prompt",
    },
}
"""What is not given of a dialect's payloads, and why; a path stands for all that is below it."""


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The words and numbers in a value; what is null, empty or false says nothing."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from leaves(inner, path)
    elif value not in (None, "", False):
        yield path, value


def payload_of(frame: Any) -> Any:
    """The JSON of a frame; ``None`` where it holds none."""
    data = frame.payload if isinstance(frame, EventStreamFrame) else frame if isinstance(frame, bytes) else frame.data
    try:
        value = json.loads(data)
    except ValueError:
        return None
    if isinstance(value, dict) and "bytes" in value and value.keys() <= {"bytes", "p"}:
        return json.loads(msgspec.convert(value["bytes"], bytes))
    return value


def told(value: Any, into: set[Any]) -> set[Any]:
    """Every word and number that an event holds, also inside of texts that are JSON."""
    for _, leaf in leaves(value):
        into.add(leaf)
        if isinstance(leaf, str) and leaf[:1] in ("{", "["):
            try:
                told(json.loads(leaf), into)
            except ValueError:
                continue
    return into


def is_left_out(dialect: str, path: Path) -> bool:
    return path[-1] in NAMES or any(path[: len(known)] == known for known in PATHS.get(dialect, ()))


@needs_corpus
@pytest.mark.parametrize(("dialect", "recording"), RECORDED, ids=repr)
def test_every_word_that_was_recorded_is_in_an_event(dialect: str, recording: Recording) -> None:
    """Or in the tables above."""
    body, spoken = recording.body, get(dialect)
    if dialect == "gemini" and body.lstrip().startswith(b"["):
        spoken = msgspec.structs.replace(spoken, framer=JsonArrayFramer)
    decoded = decode(spoken, [body])
    response = decoded.response
    calls = [call.arguments for call in response.tool_calls]
    calls += [tool.arguments for tool in response.server_tools if isinstance(tool, ServerToolCall)]
    whole = "\0".join([response.text, response.reasoning, response.refusal or "", *calls])
    known = told([msgspec.to_builtins(event) for event in decoded.events] + calls, set())
    if decoded.error is not None:
        return  # what an answer that failed says is in its error
    for frame in spoken.framer(FRAME_LIMIT).feed(body):
        for path, leaf in leaves(payload_of(frame)):
            if not is_left_out(dialect, path):
                assert leaf in known or (isinstance(leaf, str) and leaf in whole), path


UNSEEN: dict[str, dict[str, str]] = {
    "openai-responses": dict.fromkeys(("response", "item", "part"), "snapshots of what the deltas say, and of the request"),
    "mistral": {"thinking": "the texts of a thought"},
}
"""Objects in which what is new is not looked for, and why."""


@pytest.mark.parametrize("name", OURS)
def test_what_nobody_knows_is_in_an_event(name: str) -> None:
    """A field that no service is known to send is given in an ``Other``, in whatever object of a payload it stands."""
    news: dict[str, Path] = {}
    frames = []
    for number, frame in enumerate(get(name).framer(FRAME_LIMIT).feed(samples(name)[0].body)):
        value = payload_of(frame)
        if isinstance(value, dict) and value.get("type") != "ping":
            add_news(value, (str(number),), news)
            frame = with_payload(frame, value)
        frames.append(frame)
    decoder = get(name).decoder()
    known = told([msgspec.to_builtins(event) for frame in frames for event in decoder.feed(frame)], set())
    known |= told([msgspec.to_builtins(event) for event in decoder.close()], set())
    missing = {path for new, path in news.items() if new not in known}
    assert {path for path in missing if not UNSEEN.get(name, {}).keys() & path} == set()


def add_news(value: Any, path: Path, news: dict[str, Path]) -> None:
    """Put a word that is nowhere else into every object of ``value``; it differs from path to path."""
    for inner in value if isinstance(value, list) else ():
        add_news(inner, path, news)
    if isinstance(value, dict):
        for name, inner in value.items():
            add_news(inner, (*path, name), news)
        new = "news of " + ".".join(path)
        news[new] = path
        value[new] = new


def with_payload(frame: Any, value: Any) -> Any:
    """A frame as ``frame``, with another payload."""
    data = json.dumps(value).encode()
    if isinstance(frame, EventStreamFrame):
        wrapped = json.dumps({"bytes": base64.b64encode(data).decode()}).encode()
        inside = json.loads(frame.payload).keys() <= {"bytes", "p"}
        return EventStreamFrame(frame.headers, wrapped if inside else data)
    return data if isinstance(frame, bytes) else msgspec.structs.replace(frame, data=data)


@needs_corpus
def test_the_tables_name_nothing_in_vain() -> None:
    """Each name of the tables occurs in some recording."""
    seen: set[str] = set()
    for dialect, recording in RECORDED:
        spoken = get(dialect)
        if not recording.body.lstrip().startswith(b"["):
            frames = spoken.framer(FRAME_LIMIT).feed(recording.body)
            seen |= {name for frame in frames for path, _ in leaves(payload_of(frame)) for name in path}
    assert seen >= NAMES.keys()
