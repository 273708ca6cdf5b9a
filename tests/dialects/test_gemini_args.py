"""Streamed arguments of Gemini: pieces with JSON paths become one JSON text that only grows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.gemini.args import ArgumentWriter, PartialArg
from bourn.testing.strategies import texts


def written(*pieces: PartialArg) -> list[str]:
    """What each piece adds, and the end."""
    writer = ArgumentWriter()
    return [*(writer.take(piece) for piece in pieces), writer.close()]


def text(path: str, value: str | None = "", *, more: bool = False) -> PartialArg:
    return PartialArg(path, value, will_continue=more or None)


def number(path: str, value: float | int = 1) -> PartialArg:
    return PartialArg(path, number_value=value)


@pytest.mark.parametrize(
    ("pieces", "added"),
    [
        ([], [""]),
        ([text("$.a", "b")], ['{"a":"b"', "}"]),
        ([text("$.a", "b", more=True), text("$.a", "c", more=True), text("$.a")], ['{"a":"b', "c", '"', "}"]),
        ([text("$.a", "b", more=True), text("$.a", None)], ['{"a":"b', '"', "}"]),
        ([text("$.a", "b", more=True)], ['{"a":"b', '"}']),
        ([text("$.a", "b", more=True), number("$.c")], ['{"a":"b', '","c":1', "}"]),
        ([text("$.a", 'é"\\\n', more=True), text("$.a", '"')], ['{"a":"é\\"\\\\\\n', '\\""', "}"]),
        ([number("$.a", 2), number("$.b", 0.5), number("$.c", -1e21)], ['{"a":2', ',"b":0.5', ',"c":-1e21', "}"]),
        ([PartialArg("$.a", bool_value=False), PartialArg("$.b")], ['{"a":false', ',"b":null', "}"]),
        ([number("$.a.b.c"), number("$.a.d"), number("$.e")], ['{"a":{"b":{"c":1', '},"d":1', '},"e":1', "}"]),
        ([number("$.a[0]"), number("$.a[1]"), number("$.b[0][0]")], ['{"a":[1', ",1", '],"b":[[1', "]]}"]),
        ([number("$.a[0].b"), number("$.a[0].c"), number("$.a[1].b")], ['{"a":[{"b":1', ',"c":1', '},{"b":1', "}]}"]),
        ([number("$.a[1]"), number("$.a[4]")], ['{"a":[null,1', ",null,null,1", "]}"]),
        ([number("$['a b']"), number('$["c.d"].e'), number(r"$['it\'s']")], ['{"a b":1', ',"c.d":{"e":1', '},"it\'s":1', "}"]),
    ],
)
def test_each_piece_adds_its_text(pieces: list[PartialArg], added: list[str]) -> None:
    """Names, brackets and commas come with the value that needs them; the end closes what is open."""
    assert written(*pieces) == added
    if pieces:
        json.loads("".join(added))


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ([number("$.a"), number("$.a")], r"two values for \$\['a'\]"),
        ([number("$.a"), number("$.a.b")], "two values"),
        ([number("$.a.b"), number("$.a")], "two values"),
        ([number("$.a.b"), number("$.c"), number("$.a.d")], "'a' comes again after what follows it"),
        ([number("$.a[1]"), number("$.a[0]")], "0 comes again"),
        ([number("$.a[0]"), number("$.a.b")], "two values"),
        ([text("$.a", "b"), text("$.a", "c")], "two values"),
        ([number("$")], "'\\$' is no path of a value"),
        ([number("a")], "'a' is no path"),
        ([number("")], "'' is no path"),
        ([number("$.a[b]")], "no path"),
        ([number("$.a[*]")], "no path"),
        ([number("$..a")], "no path"),
    ],
)
def test_what_would_change_the_text_is_refused(pieces: list[PartialArg], words: str) -> None:
    """A value that comes twice or too late, and a path that is none."""
    with pytest.raises(ValueError, match=words):
        written(*pieces)


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(texts, inner, min_size=1, max_size=3),
    max_leaves=8,
)
"""What pieces can say: nothing in them is an empty list or object."""


def pieces_of(value: Any, path: str) -> Iterator[PartialArg]:
    """The pieces that Vertex would send for ``value``."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from pieces_of(inner, f"{path}['{name.replace(chr(92), chr(92) * 2).replace(chr(39), chr(92) + chr(39))}']")
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from pieces_of(inner, f"{path}[{at}]")
    elif isinstance(value, str):
        half = len(value) // 2
        yield text(path, value[:half], more=True)
        yield text(path, value[half:], more=True)
        yield text(path)
    elif isinstance(value, bool) or value is None:
        yield PartialArg(path, bool_value=value)
    else:
        yield number(path, value)


@given(st.dictionaries(texts, values, min_size=1, max_size=4))
def test_any_arguments_come_back(arguments: dict[str, Any]) -> None:
    """Whatever the names and values, the text joined is the JSON of them, in their order."""
    whole = "".join(written(*pieces_of(arguments, "$")))
    assert json.loads(whole) == arguments
    assert json.loads(whole, object_pairs_hook=list) == json.loads(json.dumps(arguments), object_pairs_hook=list)


def test_a_short_path_makes_no_long_text() -> None:
    """Elements may be left out, but not so many that a few bytes become gigabytes of ``null``."""
    assert written(number("$.a[1000]"))[0] == '{"a":[' + "null," * 1000 + "1"
    with pytest.raises(ValueError, match="999999999 elements before 999999999 are left out"):
        written(number("$.a[999999999]"))
