"""Plain payloads: read where there is nothing but words, refused where there is anything else, and asked for in reason."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import msgspec
import pytest

from bourn import dialects
from bourn.dialects.plain import Plain
from tests.recordings import decode


class Words(msgspec.Struct, forbid_unknown_fields=True):
    words: str
    note: msgspec.Raw = msgspec.Raw()


PLAIN = b'{"note":{"of":["no",1]},"words":"caf\xc3\xa9"}'
REFUSED = (b'{"words":"a","usage":1}', b'{"words":1}', b'{"note":1}', b'{"words":"\xff"}', b"{", b"[]", b"[" * 100_000)


def plain() -> Plain[Words]:
    return Plain(msgspec.json.Decoder(Words))


@pytest.mark.parametrize("data", REFUSED, ids=range(len(REFUSED)))
def test_only_what_is_plain_is_read(data: bytes) -> None:
    """A field that is not known, or not what it should be, bad bytes and no JSON are left to the decoder, without an error."""
    reader = plain()
    assert reader.read(data) is None
    read = reader.read(PLAIN)
    assert read is not None
    assert read.words == "café"


def test_where_each_payload_has_more_to_tell_it_is_not_asked_for_ever() -> None:
    """Eight refusals in a row are enough, and one that is read in between lets the count begin anew."""
    reader = plain()
    for _ in range(3):
        assert [reader.read(data) for data in (REFUSED * 2)[:7]] == [None] * 7
        assert reader.read(PLAIN) is not None
    assert [reader.read(data) for data in (REFUSED * 2)[:8]] == [None] * 8
    assert reader.read(PLAIN) is None


TOKEN = '{"token":{"id":1,"text":"%s","logprob":%s,"special":%s},"generated_text":%s,"details":%s,"index":1}'
SAID = '{"model":"m","created_at":"now","message":{"role":"assistant","content":"%s","thinking":"%s"},"done":%s}'

CHUNK = '{"id":"1","object":"chunk","model":"m","choices":[{"index":%s,"delta":{%s},"finish_reason":%s}],"usage":%s}'

PAYLOADS: dict[str, list[str]] = {
    "openai-chat": [
        *[CHUNK % (0, f'"content":"{words}"', "null", "null") for words in ("a", "b c", "", "\\n")],
        CHUNK % (0, '"role":"assistant","content":"a"', "null", "null"),
        CHUNK % (1, '"content":"a"', "null", "null"),
        CHUNK % (0, '"content":"a"', '"stop"', "null"),
        CHUNK % (0, '"content":"a"', "null", '{"prompt_tokens":1}'),
        CHUNK % (0, '"content":"a","refusal":"b"', "null", "null"),
        CHUNK % (0, '"reasoning_content":"a"', "null", "null"),
        CHUNK % (0, '"content":"a","color":1', "null", "null"),
        '{"choices":[{"delta":{"content":"a"},"logprobs":{"content":[]}}],"obfuscation":"xyz"}',
        '{"choices":[{"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]}',
        '{"choices":[{"delta":{"content":"a"}}],"obfuscation":"xyz"}',
        '{"error":{"message":"e"}}',
        "[DONE]",
    ],
    "huggingface-tgi": [
        *[TOKEN % (words, 0, "false", "null", "null") for words in ("a", "b c", "", "\\n")],
        TOKEN % ("a", -0.5, "false", "null", "null"),
        TOKEN % ("</s>", 0, "true", "null", "null"),
        TOKEN % ("a", 0, "false", "null", '{"finish_reason":"length","seed":7}'),
        TOKEN % ("a", 0, "false", '"whole"', "null"),
        '{"token":{"text":"a","color":1}}',
        '{"error":"e","error_type":"t"}',
    ],
    "cloudflare": [
        *[f'{{"response":"{words}"}}' for words in ("a", "b c", "", "\\n")],
        '{"response":"a","p":"abc"}',
        '{"response":{"a":1}}',
        '{"response":"a","usage":{"prompt_tokens":1}}',
        '{"response":"a","color":1}',
        '{"choices":[{"index":0,"delta":{"reasoning_content":"a"}}]}',
        "[DONE]",
    ],
    "ollama": [
        *[SAID % (words, "", "false") for words in ("a", "b c", "", "\\n")],
        *[SAID % (words, "c", "false") for words in ("", "a")],
        SAID % ("a", "", "true"),
        '{"message":{"content":"a","images":["AA=="]}}',
        '{"message":{"content":"a"},"color":1}',
        '{"response":"a"}',
        '{"error":"e"}',
    ],
}
"""Dialect to what may come in one answer, in any order."""


def bodies(name: str) -> Iterator[bytes]:
    """After words every two payloads, the second of them as an event of either name, and words again."""
    first, *_ = told = PAYLOADS[name]
    for one, other, event in product(told, told, ("", "error")):
        if name == "ollama":
            yield "".join(f"{line}\n" for line in (first, one, other, first)).encode()
        else:
            yield f"data: {first}\n\ndata: {one}\n\nevent: {event}\ndata: {other}\n\ndata: {first}\n\n".encode()


@pytest.mark.parametrize("name", PAYLOADS)
def test_an_answer_is_the_same_as_if_every_payload_was_read_as_a_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever comes, in whatever order: the same events, and the same error after them."""
    plain = [decode(dialects.get(name), [body]) for body in bodies(name)]
    monkeypatch.setattr("bourn.dialects.plain._TRIES", 0)
    whole = [decode(dialects.get(name), [body]) for body in bodies(name)]
    for one, other in zip(plain, whole, strict=True):
        assert one.events == other.events
        assert (type(one.error), str(one.error)) == (type(other.error), str(other.error))
