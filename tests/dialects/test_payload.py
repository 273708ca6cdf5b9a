"""Payloads: typed where they are right, mended where services are sloppy, and one error with the bytes where they are wrong."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects import payload
from bourn.errors import PayloadError
from bourn.testing.strategies import json_values


class Answer(msgspec.Struct):
    """What a decoder would want of a payload; everything else in it is skipped."""

    text: str = ""
    count: int = 0
    share: float = 0.0
    name: str | None = None
    inner: Any = None


TYPED = msgspec.json.Decoder(Answer)
UNTYPED = msgspec.json.Decoder(Any)


def nested(depth: int, key: str = "inner", open: str = "[", close: str = "]") -> bytes:
    return f'{{"{key}":{open * depth}0{close * depth}}}'.encode()


GOOD: dict[str, tuple[bytes, Answer]] = {
    "all fields": (b'{"text":"a","count":1,"share":0.5,"name":"n","inner":{"x":[1]}}', Answer("a", 1, 0.5, "n", {"x": [1]})),
    "no field": (b"{}", Answer()),
    "unknown fields": (b'{"obfuscation":"x","text":"a","p":[{}]}', Answer("a")),
    "white space around and inside": (b' \r\n\t{ "text" : "a" } \n', Answer("a")),
    "padding after the value": (b'{"text":"a"          }', Answer("a")),
    "null where null may be": (b'{"name":null}', Answer()),
    "an integer where a number is wanted": (b'{"share":1}', Answer(share=1.0)),
    "minus zero": (b'{"count":-0}', Answer()),
    "escapes": (rb'{"text":"\u0041\n\"\\\/\u2028"}', Answer('A\n"\\/\u2028')),
    "a surrogate pair": (rb'{"text":"\ud83d\ude00"}', Answer("\U0001f600")),
    "NUL, escaped": (rb'{"text":"\u0000"}', Answer("\0")),
    "separators of lines, raw": ('{"text":"a\u2028b\u2029c\x85d"}'.encode(), Answer("a\u2028b\u2029c\x85d")),
    "DEL and C1, raw": ('{"text":"\x7f\x80"}'.encode(), Answer("\x7f\x80")),
    "deep nesting": (nested(300), Answer(inner=json.loads(nested(300))["inner"])),
}

SLOPPY: dict[str, tuple[bytes, Answer]] = {
    "invalid UTF-8": (b'{"text":"a\xffb"}', Answer("a\ufffdb")),
    "a character cut short": (b'{"text":"\xe2\x82"}', Answer("\ufffd")),
    "a character cut short, then ASCII": (b'{"text":"\xf0\x9f\x98x"}', Answer("\ufffdx")),
    "a surrogate as UTF-8": (b'{"text":"\xed\xa0\x80x"}', Answer("\ufffd\ufffd\ufffdx")),
    "overlong UTF-8": (b'{"text":"\xc0\x80"}', Answer("\ufffd\ufffd")),
    "invalid UTF-8 in free JSON": (b'{"inner":{"\xff":["\xff"]}}', Answer(inner={"\ufffd": ["\ufffd"]})),
    "invalid UTF-8 in a skipped field": (b'{"skipped":"\xff","text":"a"}', Answer("a")),
    "a lone high surrogate": (rb'{"text":"\ud83dx"}', Answer("\ufffdx")),
    "a lone low surrogate": (rb'{"text":"x\ude00"}', Answer("x\ufffd")),
    "surrogates the wrong way round": (rb'{"text":"\ude00\ud83d"}', Answer("\ufffd\ufffd")),
    "a lone surrogate beside a pair": (rb'{"text":"\ud83d\ud83d\ude00"}', Answer("\ufffd\U0001f600")),
    "a lone surrogate in a key": (rb'{"inner":{"\ud800":1}}', Answer(inner={"\ufffd": 1})),
    "a lone surrogate beside other text": (
        '{"text":"\\ud800 \u20ac \U0001f600 \u2028"}'.encode(),
        Answer("\ufffd \u20ac \U0001f600 \u2028"),
    ),
    "Infinity": (b'{"share":Infinity}', Answer(share=math.inf)),
    "minus Infinity": (b'{"share":-Infinity}', Answer(share=-math.inf)),
    "a number beyond the floats": (b'{"share":1e999}', Answer(share=math.inf)),
    "a key twice": (b'{"text":"a","text":"b"}', Answer("b")),
    "a key twice, and mended": (b'{"text":"a","text":"\xff"}', Answer("\ufffd")),
    "a huge integer": (b'{"count":123456789012345678901234567890}', Answer(count=123456789012345678901234567890)),
    "a huge integer in free JSON": (b'{"inner":123456789012345678901234567890}', Answer(inner=123456789012345678901234567890)),
    "an endless integer in a skipped field": (b'{"skipped":' + b"9" * 5000 + b',"text":"a"}', Answer("a")),
}

BAD: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "Expecting value"),
    "only white space": (b" \n", "Expecting value"),
    "cut short": (b'{"text":"a', "Unterminated string"),
    "cut after a key": (b'{"text":', "Expecting value"),
    "two values": (b"{}{}", "Extra data"),
    "text after the value": (b'{"text":"a"} x', "Extra data"),
    "HTML": (b"<html>", "Expecting value"),
    "single quotes": (b"{'text':'a'}", "double quotes"),
    "a comma too many": (b'{"text":"a",}', "double quotes|trailing comma"),
    "a leading zero": (b'{"count":01}', "delimiter"),
    "a raw line end in a string": (b'{"text":"a\nb"}', "control character"),
    "a raw NUL in a string": (b'{"text":"a\0b"}', "control character"),
    "UTF-16": ('{"text":"a"}'.encode("utf-16"), "Expecting value"),
    "another type at the top": (b"[1]", "Expected `object`, got `array`"),
    "null at the top": (b"null", "Expected `object`, got `null`"),
    "another type in a field": (b'{"count":"1"}', r"Expected `int`, got `str` - at `\$.count`"),
    "true for a number": (b'{"count":true}', r"Expected `int`, got `bool` - at `\$.count`"),
    "null where none may be": (b'{"text":null}', r"Expected `str`, got `null` - at `\$.text`"),
    "another type beside a sloppy one": (b'{"name":"\xff","count":[]}', r"Expected `int`, got `array` - at `\$.count`"),
    "an endless integer": (b'{"count":' + b"9" * 5000 + b"}", "Exceeds the limit"),
    "endless nesting": (nested(100_000), "nested too deeply"),
    "endless nesting in a skipped field": (nested(100_000, "skipped"), "nested too deeply"),
    "endless nesting of objects": (nested(100_000, "inner", '{"a":', "}"), "nested too deeply"),
    "endless nesting, cut": (b'{"inner":' + b"[" * 100_000, "nested too deeply"),
    "endless nesting and sloppy": (b'{"name":"\xff",' + nested(100_000)[1:], "nested too deeply"),
}


@pytest.mark.parametrize(("data", "answer"), [*GOOD.values(), *SLOPPY.values()], ids=[*GOOD, *SLOPPY])
def test_what_is_read(data: bytes, answer: Answer) -> None:
    """Right and sloppy payloads become the typed value."""
    assert payload.decode(TYPED, data) == answer


def test_nan_is_let_in() -> None:
    """NaN, which JSON has not, is read where a number is wanted."""
    assert math.isnan(payload.decode(TYPED, b'{"share":NaN}').share)


@pytest.mark.parametrize(("data", "words"), BAD.values(), ids=BAD)
def test_what_is_refused(data: bytes, words: str) -> None:
    """Anything else is a PayloadError that says what is wrong, keeps all bytes and shows the first of them."""
    with pytest.raises(PayloadError, match=words) as caught:
        payload.decode(TYPED, data)
    assert caught.value.raw == data
    assert len(str(caught.value)) < 800
    assert caught.value.message.startswith("undecodable payload (")
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("data", [data for data, _ in GOOD.values()], ids=GOOD)
def test_right_payloads_take_the_fast_way(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that is right pays for the slow way."""
    monkeypatch.delattr(payload, "_slow")
    payload.decode(TYPED, data)


@pytest.mark.parametrize("data", [data for data, _ in GOOD.values()], ids=GOOD)
def test_both_ways_agree_on_typed_payloads(data: bytes) -> None:
    """The slow way reads what the fast way reads."""
    assert payload._slow(Answer, data) == payload.decode(TYPED, data)


@given(json_values)
def test_both_ways_agree_on_any_json(value: Any) -> None:
    """Any JSON value, escaped or not, comes out the same by either way."""
    for data in (json.dumps(value).encode(), json.dumps(value, ensure_ascii=False).encode(), payload.dumps(value)):
        assert payload.decode(UNTYPED, data) == value
        assert payload._slow(Any, data) == value


@given(st.binary(max_size=30) | st.lists(st.sampled_from([*b'{}[]":,\\ud8e0123-.eE+tfn\xff\xe2\x82', 0, 10, 32])).map(bytes))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Whatever comes, it is a value without lone surrogates or a PayloadError with these bytes, and nothing else."""
    try:
        value = payload.decode(UNTYPED, data)
    except PayloadError as error:
        refused: bytes | None = error.raw
    else:
        refused = None
        json.dumps(value, ensure_ascii=False).encode()
    assert refused in (None, data)


@given(json_values.map(lambda value: json.dumps({"text": "abc", "inner": value}).encode()), st.data())
def test_spoilt_payloads_are_read_or_refused(data: bytes, draw: st.DataObject) -> None:
    """A right payload with one byte changed is an answer or a PayloadError."""
    at = draw.draw(st.integers(0, len(data) - 1))
    spoilt = data[:at] + bytes([draw.draw(st.integers(0, 255))]) + data[at + 1 :]
    try:
        value: object = payload.decode(TYPED, spoilt)
    except PayloadError as error:
        value = error
    assert isinstance(value, Answer) or (isinstance(value, PayloadError) and value.raw == spoilt)


@pytest.mark.parametrize("depth", [100, 400, 900, 1200, 2000, 5000])
@pytest.mark.parametrize("frames", [0, 300])
def test_no_depth_escapes(depth: int, frames: int) -> None:
    """At any depth, on an empty stack or a full one, there is a value or a PayloadError."""

    def down(frames: int) -> object:
        if frames:
            return down(frames - 1)
        try:
            return payload.decode(UNTYPED, nested(depth))
        except PayloadError as error:
            return error.raw

    outcome = down(frames)
    if isinstance(outcome, dict):  # how much the stack carries differs between Pythons
        inner, levels = outcome["inner"], 0
        while isinstance(inner, list):
            (inner,), levels = inner, levels + 1
        assert (inner, levels) == (0, depth)
    else:
        assert outcome == nested(depth)


@given(json_values)
def test_written_json_is_compact_and_readable(value: Any) -> None:
    """What is written is the shortest JSON of the value, other scripts as they are."""
    data = payload.dumps(value)
    assert json.loads(data) == value
    assert data.decode() == data.decode().strip()


def test_written_json_keeps_order_and_script() -> None:
    """Keys stay in their order, no space is added, nothing is escaped that need not be."""
    assert (
        payload.dumps({"b": [1, None, True], "a": "\u00e9\u20ac\u2028"})
        == '{"b":[1,null,true],"a":"\u00e9\u20ac\u2028"}'.encode()
    )


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"message":"no"}', {"message": "no"}),
        (rb'{"message":"\ud800"}', {"message": "\ufffd"}),
        (b'{"message":"\xff"}', {"message": "\ufffd"}),
        (b" not JSON \n", "not JSON"),
        (b"[" * 100_000, "[" * 100_000),
        (b"", ""),
    ],
)
def test_the_body_of_a_refusal_is_json_or_text(body: bytes, told: object) -> None:
    """Sloppy JSON is mended, and what is none, however deep, is the text that it is."""
    assert payload.told(body) == told


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    word: str = ""


class Middle(msgspec.Struct, forbid_unknown_fields=True):
    inner: Inner | None = None
    many: list[Inner] = []
    strays: Any = msgspec.field(default=None, name=payload.STRAYS)


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    middle: Middle | None = None
    free: Any = None
    strays: Any = msgspec.field(default=None, name=payload.STRAYS)


OUTER = msgspec.json.Decoder(Outer)
KNOWN = b'{"middle":{"inner":{"word":"w"},"many":[{"word":"v"}]},"free":{"x":1}}'
STRAYS: dict[str, tuple[bytes, Outer]] = {
    "none": (KNOWN, Outer(Middle(Inner("w"), [Inner("v")]), {"x": 1})),
    "at the top": (b'{"free":1,"a":[0],"b":"c"}', Outer(None, 1, {"a": [0], "b": "c"})),
    "in the nearest struct that takes them": (
        b'{"middle":{"a":1,"inner":{"b":2},"many":[{"c":3},{"d":4}]},"e":5}',
        Outer(Middle(Inner(), [Inner(), Inner()], {"a": 1, "b": 2, "c": 3, "d": 4}), None, {"e": 5}),
    ),
    "null or empty": (b'{"a":null,"b":[],"c":{},"d":""}', Outer()),
    "zero and false": (b'{"a":0,"b":false}', Outer(None, None, {"a": 0, "b": False})),
    "sloppy": (b'{"a":"\xff","free":"b"}', Outer(None, "b", {"a": "\ufffd"})),
    "of the field's own name": (b'{"$strays":{"a":1}}', Outer(None, None, {"a": 1})),
}


@pytest.mark.parametrize(("data", "value"), STRAYS.values(), ids=STRAYS)
def test_what_nobody_knows_is_gathered(data: bytes, value: Outer) -> None:
    """A field that no struct has is neither refused nor lost."""
    assert payload.decode_all(OUTER, data) == value


@pytest.mark.parametrize(
    "data", [b"{", b"[]", b'{"middle":1,"a":1}', b'{"middle":{"inner":{"word":1,"a":1}}}', nested(100_000, "a")]
)
def test_what_cannot_be_gathered_is_a_payload_error(data: bytes) -> None:
    """With the bytes, as always."""
    with pytest.raises(PayloadError) as caught:
        payload.decode_all(OUTER, data)
    assert caught.value.raw == data
