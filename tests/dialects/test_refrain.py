"""The refrain of a part's payloads: believed once it was proven, and only for what it was proven for."""

from __future__ import annotations

import json
from collections.abc import Callable

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


def padded(words: str, padding: str) -> bytes:
    return b'{"id":"1","choices":[{"text":%s}],"usage":null,"p":"%s"}' % (json.dumps(words).encode(), padding.encode())


def read_padded(data: bytes) -> str | None:
    """A decoder's own reader of those: whatever the padding."""
    told = json.loads(data)
    return told["choices"][0]["text"] if told["usage"] is None else None


def taught_padding(reader: Callable[[bytes], str | None] = read_padded) -> Refrain:
    learnt = Refrain()
    learnt.learn(padded("one", "abc"), "one", reader)
    learnt.learn(padded("two", "abxyc"), "two", reader)
    return learnt


@given(st.text(min_size=1), st.text("abcXYZ0189", min_size=1))
def test_it_finds_any_words_before_any_padding(words: str, padding: str) -> None:
    """After two payloads that differ in a string behind the words, that one is no hindrance any more."""
    assert taught_padding().words(padded(words, padding)) == words


@pytest.mark.parametrize(
    "data",
    [
        padded("", "abc"),
        padded("one", ""),
        padded("one", 'a","b":"c'),
        padded("one", 'a\\"b'),
        padded("one", "ä"),
        padded("one", "abc").replace(b"null", b"{}"),
        padded("one", "abc").replace(b'"one"', b'"one","more":"x"'),
        padded("one", "abc").replace(b'"one"', b"null"),
        padded("one", "abc").replace(b'"p"', b'"more":"x","p"'),
        padded("one", "abc")[:-1],
        padded("one", "abc") + b" ",
        b'{"id":"1","choices":[{"text":"}',
        b"[DONE]",
    ],
)
def test_all_else_with_padding_is_left_to_the_reader(data: bytes) -> None:
    """A payload with anything but words and padding gives no words."""
    assert taught_padding().words(data) == ""


def test_words_are_no_padding() -> None:
    """A payload that ends with its words has no padding, however long they are."""
    learnt = Refrain()
    for data, words in ((b'{"t":"one","usage":null,"p":"abc"}', "one"), (b'{"t":"two","usage":null,"p":"xyz"}', "two")):
        learnt.learn(data, words, lambda data: json.loads(data)["t"])
    assert learnt.words(b'{"t":"three","usage":null,"p":"d"}') == "three"
    assert learnt.words(b'{"t":"%s"}' % (b"a" * 60)) == ""


def test_another_form_is_learnt_after_padding() -> None:
    """A part that goes on without padding, or around other bytes, is read in the new form."""
    learnt = taught_padding()
    learnt.learn(payload("three"), "three", read)
    assert learnt.words(payload("four")) == "four"
    learnt = Refrain()
    learnt.learn(padded("one", "abc"), "one", read_padded)
    other = padded("two", "xyz").replace(b'"id":"1"', b'"id":"2"')
    learnt.learn(other, "two", read_padded)
    assert learnt.words(other.replace(b"two", b"three")) == "three"


def test_padding_that_says_something_is_not_believed() -> None:
    """A string that differs is none if the reader finds more than words once another one stands there."""
    learnt = taught_padding(lambda data: read_padded(data) if json.loads(data)["p"] in ("abc", "abxyc") else None)
    assert learnt.words(padded("three", "abxyc")) == "three"
    assert learnt.words(padded("three", "abz")) == ""


@pytest.mark.parametrize(
    "other", ['{"text":"two","n":2,"p":"abd"}', '{"text":"two","n":1,"p":5}', '{"text":"two","n":1,"p":"ab-d"}']
)
def test_only_one_string_may_differ(other: str) -> None:
    """Two payloads that differ in more than one string of letters and digits teach no padding."""
    learnt = Refrain()
    for data, words in ((b'{"text":"one","n":1,"p":"abc"}', "one"), (other.encode(), "two")):
        learnt.learn(data, words, lambda data: json.loads(data)["text"])
    assert learnt.words(b'{"text":"three","n":1,"p":"xyz"}') == ""


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


def test_most_padded_payloads_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a hundred payloads that differ in words and padding three are read, and two probes made from them."""
    asked: list[bytes] = []
    reader = ChatDecoder.read

    def counted(self: ChatDecoder, data: bytes) -> Chunk:
        asked.append(data)
        return reader(self, data)

    monkeypatch.setattr(ChatDecoder, "read", counted)
    monkeypatch.setattr("bourn.dialects.plain._TRIES", 0)
    decoder = ChatDecoder()
    form = b'{"id":"1","choices":[{"index":0,"delta":{"content":"w%d"}}],"obfuscation":"%d"}'
    events = [event for at in range(100) for event in decoder.feed(SSEFrame("", form % (at, 7 * at + 1)))]
    assert (len(events), len(asked)) == (102, 5)
