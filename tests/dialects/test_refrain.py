"""The refrain of a part's payloads: believed once it was proven, and only for what it was proven for."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects import refrain
from bourn.dialects.openai_chat.chunk import Chunk
from bourn.dialects.openai_chat.decoder import ChatDecoder
from bourn.dialects.refrain import Refrain
from bourn.events import Event
from bourn.wire.sse import SSEFrame, SSEFramer
from tests.recordings import Recording, needs_corpus, recordings

SPACES = '{ "id": "1", "index": 0 , "text" :%s, "usage": null}'


def payload(words: str, form: str = '{"id":"1","text":%s,"usage":null}') -> bytes:
    return (form % json.dumps(words)).encode()


def read(data: bytes) -> str | None:
    """A decoder's own reader: the words under `text`, where nothing else is told."""
    try:
        told = json.loads(data)
    except ValueError:
        return None
    return told["text"] if told.get("usage") is None else None


def taught(data: bytes, words: str) -> Refrain:
    learnt = Refrain()
    learnt.learn(data, words, read)
    return learnt


@pytest.mark.parametrize("form", ['{"id":"1","text":%s,"usage":null}', SPACES, '{"text":%s}'])
@given(words=st.text(min_size=1))
def test_it_finds_any_words(form: str, words: str) -> None:
    """Between the bytes that were learnt, any JSON string is read as a JSON reader reads it."""
    assert taught(payload("one", form), "one").words(payload(words, form)) == words


@pytest.mark.parametrize(
    "data",
    [
        b'{"id":"2","text":"one","usage":null}',
        b'{"id":"1","text":"one","usage":{}}',
        b'{"id":"1","text":"one","more":"","usage":null}',
        b'{"id":"1","text":null,"usage":null}',
        b'{"id":"1","text":"","usage":null}',
        b'{"id":"1","text":"\xff","usage":null}',
        b'{"id":"1","text":"a\nb","usage":null}',
        b'{"id":"1","text":"\\ud800","usage":null}',
        b'{"id":"1","text":,"usage":null}',
        b"[DONE]",
        b"",
    ],
)
def test_all_else_is_left_to_the_reader(data: bytes) -> None:
    """A payload with anything else in it, with empty words, or with a string that is none gives no words."""
    assert taught(payload("one"), "one").words(data) == ""


def test_nothing_is_believed_before_a_lesson_and_after_the_end_of_the_part() -> None:
    """A new refrain, and a forgotten one, know no payload."""
    learnt = Refrain()
    assert learnt.words(payload("one")) == ""
    learnt.learn(payload("one"), "one", read)
    assert learnt.words(payload("one")) == "one"
    learnt.forget()
    assert learnt.words(payload("one")) == ""


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"id":"x","text":"x"}', "x"),  # the first "x" is not the words
        (b'{"id":"a","text":":"}', ":"),  # ":" stands between a key and a string, too
        (b'{"text":"\\u00e9"}', "é"),  # written otherwise than we would
        (b'{"text":"one","usage":{"n":1}}', "one"),  # there is more than words
    ],
)
def test_what_cannot_be_proven_is_not_believed(data: bytes, words: str) -> None:
    """Where a word of our own in the place of the words is not found by the reader, nothing is learnt."""
    assert taught(data, words).words(data) == ""


def test_learning_in_vain_ends() -> None:
    """After eight lessons without a payload that fits the reader is not asked any more; one that fits allows eight again."""
    asked: list[bytes] = []

    def counted(data: bytes) -> str | None:
        asked.append(data)
        return read(data)

    learnt = Refrain()
    for at in range(20):
        learnt.learn(b'{"id":"%d","text":"one"}' % at, "one", counted)
    assert len(asked) == 8
    assert learnt.words(b'{"id":"7","text":"two"}') == "two"
    for at in range(20):
        learnt.learn(b'{"id":"%d","text":"one"}' % at, "one", counted)
    assert len(asked) == 16


def test_a_long_refrain_is_not_kept() -> None:
    """A stream does not hold a payload of megabytes because it began with words."""
    data = b'{"more":"%s","text":"one"}' % (b"x" * 5000)
    assert taught(data, "one").words(data) == ""


def decoded(body: bytes) -> list[Event]:
    decoder, events = ChatDecoder(), list[Event]()
    try:
        for frame in SSEFramer(1 << 24).feed(body):
            events += decoder.feed(frame)
    except Exception as error:
        events.append(error)  # type: ignore[arg-type]  # only compared
    return events


@needs_corpus
@pytest.mark.parametrize("recording", recordings("openai-chat"), ids=repr)
def test_no_recording_is_decoded_otherwise(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    """The events of every recorded answer are those that come without learning, and without looking for plain payloads."""
    events = decoded(recording.body)
    monkeypatch.setattr("bourn.dialects.plain._TRIES", 0)
    monkeypatch.setattr(refrain, "_LESSONS", 0)
    assert repr(events) == repr(decoded(recording.body))


def test_most_payloads_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a hundred payloads that differ in their words two are read as a whole: the first, and a probe made from the second."""
    asked: list[bytes] = []
    reader = ChatDecoder.read

    def counted(self: ChatDecoder, data: bytes) -> Chunk:
        asked.append(data)
        return reader(self, data)

    monkeypatch.setattr(ChatDecoder, "read", counted)
    decoder = ChatDecoder()
    events = [
        event
        for at in range(100)
        for event in decoder.feed(SSEFrame("", b'{"id":"1","choices":[{"index":0,"delta":{"content":"w%d"}}]}' % at))
    ]
    assert (len(events), len(asked)) == (102, 2)
