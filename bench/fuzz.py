"""``python -m bench.fuzz openai-chat body --seconds 60``: a search, guided by coverage, for input that breaks a reader.

What is read: an answer's ``body``, a ``refusal``'s body, a ``request`` at the mock, of one dialect; with ``framer``, frames.
The same checks that the tests make are made of every input; the first that fails ends the search, and the input is left in the
working directory (``--again FILE`` reads it again). Needs the dependency group ``fuzz``.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["bourn"]):
    from tests.dialects.spoilt import reads, reads_error, reads_request, samples

    from bourn import dialects
    from bourn.dialects.base import Dialect
    from bourn.errors import BournError
    from bourn.testing.spoiling import spoil, spoil_json

    ALL = {name: dialects.get(name) for name in dialects.DIALECTS}  # imported here, to be watched

MOST = {"framer": 1024}
"""Check to the longest input tried, in bytes; for the others it is ``LONG``, enough for every seed."""

LONG = 32_768


def body(dialect: Dialect, data: bytes) -> None:
    """A decoder's food, in each of the framings that the service chooses from."""
    for media_type in dialect.framings():
        reads(dialect, data, "fuzz", media_type=media_type)


def refusal(dialect: Dialect, data: bytes) -> None:
    """The body of a refusal."""
    reads_error(dialect, 400, {}, data)


def request(dialect: Dialect, data: bytes) -> None:
    """A request's body, at the usual path."""
    reads_request(dialect, samples(dialect.name)[0].path, data)


def framer(dialect: Dialect, data: bytes) -> None:
    """Frames, or an error, the same whole and byte by byte; a small limit is reached, too."""
    for make in set(dialect.framings().values()):
        for limit in (16, 1 << 20):
            assert _frames(make, limit, [data]) == _frames(make, limit, [data[at : at + 1] for at in range(len(data))])


def _frames(make: Callable[[int], object], limit: int, chunks: list[bytes]) -> str:
    frames, cutter = [], make(limit)
    end: object
    try:
        for chunk in chunks:
            frames += cutter.feed(chunk)  # type: ignore[attr-defined]  # every framer has it
        cutter.feed(b"")  # type: ignore[attr-defined]
        end = cutter.close()  # type: ignore[attr-defined]
    except BournError as error:
        end = error
    return f"{frames} {end!r}"


CHECKS = {one.__name__: one for one in (body, refusal, request, framer)}


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """One step of the search: half of the time with the JSON in mind, half of the time libFuzzer's own."""
    dice = random.Random(seed)
    if data and dice.random() < 0.5:
        data = dice.choice((spoil, spoil, spoil_json))(data, dice)[:most]
    return bytes(atheris.Mutate(data, most)) if dice.random() < 0.5 else data


def main() -> None:
    """Read the arguments and search; ends the process."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("dialect", choices=ALL)
    parser.add_argument("check", choices=CHECKS)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--again", type=Path, help="an input that was found")
    asked = parser.parse_args()
    dialect, check = ALL[asked.dialect], CHECKS[asked.check]
    if asked.again:
        check(dialect, asked.again.read_bytes())
        return
    with tempfile.TemporaryDirectory() as seeds:
        for number, sample in enumerate(samples(dialect.name)):
            Path(seeds, str(number)).write_bytes(sample.asked if check is request else sample.body)
        options = [
            f"-max_total_time={asked.seconds}",
            f"-max_len={MOST.get(asked.check, LONG)}",
            "-timeout=20",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], seeds, *options], lambda data: check(dialect, data), custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
