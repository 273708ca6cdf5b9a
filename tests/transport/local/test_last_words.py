"""What is said of a child process that ended."""

from __future__ import annotations

import io

import pytest

from bourn.transport.local.last_words import last_words

LOG = b"""0.00.002.9 W srv init: security: no API key is set
0.00.024.0 E llama_model_load: error loading model: tensor 'blk.16' is not within the file bounds
0.00.024.5 E srv          init: exiting due to model loading error
"""


@pytest.mark.parametrize(
    ("said", "status", "words"),
    [
        (LOG, 1, "error loading model: tensor 'blk.16' is not within the file bounds"),
        (b"Traceback\n  File x\nMemoryError: no\n\n", 1, "MemoryError: no"),
        (b"\xff\xfe\n", 1, "\ufffd\ufffd"),
        (b"", 3, "it said nothing and ended with status 3"),
        (b" \n", -11, "it said nothing and ended with SIGSEGV"),
        (b"", -9999, "it said nothing and ended with signal 9999"),
        (b"x" * 100_000, 1, "x" * 300),
    ],
    ids=["a log", "a traceback", "not UTF-8", "a status", "a signal", "a strange signal", "too much"],
)
def test_the_last_words_are_the_cause_in_one_line(said: bytes, status: int, words: str) -> None:
    """The first error of a log, else the last line; else how it ended."""
    assert last_words(io.BytesIO(said), status) == words
