"""A subject that is described wrongly gets one clear sentence."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from bourn import contract
from bourn.contract import Subject
from bourn.contract.reference import ReferenceStream, reference
from bourn.errors import InputError


async def numbers() -> AsyncGenerator[int, None]:
    yield 1


one_wanted: Any = lambda url: numbers()  # noqa: E731  # it takes one thing, likewise
none_asked: Any = lambda: numbers()  # noqa: E731  # it takes nothing, that is the point


WRONG: dict[str, tuple[Subject, str]] = {
    "no stream": (
        Subject(name="n", factory=lambda: 42),
        "factory= of 'n' gave 'int', which is no stream: an asynchronous iterator, iterable or generator is needed, a",
    ),
    "a list": (Subject(name="n", connect=lambda url: ["a"]), "connect= of 'n' gave 'list', which is no stream"),
    "wrong arguments": (
        Subject(name="n", factory=one_wanted),
        "factory= of 'n', called with nothing, gave no stream, but raised Type",
    ),
    "too few arguments": (
        Subject(name="n", connect=none_asked),
        "connect= of 'n', called with the base URL, or",
    ),
    "no client": (
        reference(client=lambda *_, **__: 1 / 0),
        "client= of 'reference' does not work: the client could not be made",
    ),
    "elsewhere": (
        Subject(name="n", connect=lambda url: numbers()),
        "connect= of 'n' gave a stream that never asked http://127",
    ),
    "wrong path": (
        reference(connect=lambda client: _moved(client)),
        "connect= of 'reference' asks for something that openai-chat does not serve; refused: wrong path",
    ),
    "wrong reader": (
        reference(text=lambda event: event.words),
        "'reference' cannot be read: its text= could not read Start(id='mock-",
    ),
    "wrong partial": (
        reference(partial=lambda stream: stream.soo_far),
        "'reference' cannot be read: its partial= could not read <",
    ),
}


def _moved(client: Any) -> ReferenceStream:
    client.base_url = client.base_url.removesuffix("/v1") + "/v2"
    return ReferenceStream(client)


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_description_is_one_sentence(case: str) -> None:
    """What is wrong with the subject is raised before any rule is checked."""
    subject, sentence = WRONG[case]
    with pytest.raises(InputError, match=re.escape(sentence)):
        contract.run(subject, rules="1.2")


def test_a_broken_stream_is_not_a_wrong_description() -> None:
    """A stream that fails at once is judged by the rules."""

    async def fails():
        yield 1
        raise ValueError("no more")

    assert (
        contract.run(Subject(name="n", factory=fails), rules="1.2")["1.2"].message
        == "the end was signalled by ValueError: no more"
    )


def test_a_subject_that_cannot_be_made_at_all_is_refused() -> None:
    """A subject needs a way to make a stream, and a dialect that exists."""
    with pytest.raises(InputError, match="the subject 'n' cannot be made: give factory=, connect=, or both"):
        Subject(name="n")
    with pytest.raises(InputError, match="has client= but no connect="):
        Subject(name="n", factory=numbers, client=lambda url: url)
    with pytest.raises(InputError, match="unknown dialect 'klingon'"):
        Subject(name="n", factory=numbers, dialect="klingon")


def test_what_the_subject_imports_is_imported_once() -> None:
    """Modules that a stream loads on first use are loaded before the checks' processes are forked."""

    async def lazy() -> AsyncGenerator[bool, None]:
        import colorsys

        yield colorsys.__name__ == "colorsys"

    sys.modules.pop("colorsys", None)
    assert contract.run(Subject(name="n", factory=lazy), rules="1.2").ok
    assert "colorsys" in sys.modules
