"""Errors to exit codes and sentences."""

from __future__ import annotations

import re

import pytest

from bourn import errors
from bourn.cli import exits
from bourn.cli.exits import BUSY, CUT, INPUT, KEY, MODEL, NETWORK
from bourn.errors import BournError

CODES: dict[type[BournError], int] = {
    errors.InputError: INPUT,
    errors.MissingKeyError: KEY,
    errors.ModelFileError: INPUT,
    errors.BadRequestError: INPUT,
    errors.AuthenticationError: KEY,
    errors.PermissionDeniedError: KEY,
    errors.NotFoundError: INPUT,
    errors.RequestTooLargeError: INPUT,
    errors.RateLimitError: BUSY,
    errors.OverloadedError: BUSY,
    errors.ServerError: BUSY,
    errors.ConnectError: NETWORK,
    errors.ConnectionLostError: NETWORK,
    errors.ConnectTimeout: NETWORK,
    errors.FirstEventTimeout: NETWORK,
    errors.IdleTimeout: NETWORK,
    errors.TotalTimeout: NETWORK,
    errors.FrameTooLargeError: CUT,
    errors.ChecksumError: CUT,
    errors.PayloadError: CUT,
    errors.EventOrderError: CUT,
    errors.ContentTypeError: CUT,
    errors.TruncatedError: CUT,
    errors.ModelError: MODEL,
    errors.RoundsError: MODEL,
    errors.MismatchError: CUT,
}


def families(kind: type[BournError]) -> list[type[BournError]]:
    return [kind, *(deeper for child in kind.__subclasses__() for deeper in families(child))]


@pytest.mark.parametrize("kind", CODES)
def test_the_code_of_each_error(kind: type[BournError]) -> None:
    """Every error of the library has the code that the table of the help promises."""
    assert exits.code(kind("x")) == CODES[kind]


def test_no_error_is_forgotten() -> None:
    """An error class that nobody gave a code is one that cannot reach a user of the command line."""
    internal = {errors.ClosedError, errors.BusyError, errors.LaggedError}
    leaves = {kind for kind in families(BournError) if not kind.__subclasses__() and kind.__module__ == "bourn.errors"}
    assert leaves - internal <= CODES.keys()


def test_every_code_is_explained() -> None:
    """No code is given that the help does not explain."""
    assert {row[0] for row in exits.FAILURES.values()} <= exits.MEANINGS.keys()
    assert re.findall(r"^  (\d+)", exits.table(), re.MULTILINE) == [str(number) for number in exits.MEANINGS]


def test_the_sentence_says_what_to_do_and_who_was_asked() -> None:
    """What went wrong; what to do; who was asked, in the words of the command line."""
    cut = errors.TruncatedError("cut off: no [DONE]; what had arrived is in .response", provider="openai", model="m")
    assert exits.sentence(cut) == "cut off: no [DONE]; what had arrived is above; ask again [openai/m]"
    assert exits.sentence(errors.MissingKeyError("set K, or pass api_key=")) == "set K, or pass --api-key-env VARIABLE"


def test_the_wait_that_a_provider_asks_for_is_told() -> None:
    """`Retry-After` becomes the advice."""
    assert exits.sentence(errors.RateLimitError("too fast", status=429, retry_after=7)) == "too fast; ask again in 7 s"


def test_a_long_message_of_many_lines_becomes_one_short_line() -> None:
    """A server's error page does not fill the terminal."""
    said = exits.sentence(errors.ServerError("a\n\nb " + "c" * 5000))
    assert said.startswith("a b c")
    assert "\n" not in said
    assert len(said) < 700


def test_an_error_of_the_system_is_said_without_its_number() -> None:
    """File and reason; the number is of no use to a person."""
    assert exits.sentence(FileExistsError(17, "File exists", "a.json")) == "a.json: File exists"
    assert exits.sentence(OSError(28, "No space left on device")) == "No space left on device"
