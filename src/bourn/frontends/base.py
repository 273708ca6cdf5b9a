"""The seam of a front end's protocol: an encoder of one answer, and the sentence that people read when it failed.

House rule: an encoder is pure, and never says that an answer is whole unless ``Finish`` came.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Protocol

import msgspec

from bourn import errors
from bourn.errors import BournError
from bourn.events import Event


class FrontEncoder(Protocol):
    """Events of one answer to the bytes of a protocol. Holds the state of one answer.

    ``says_restart`` tells whether the protocol can take back what was shown; elsewhere ``Restart`` fails the answer.
    """

    says_restart: ClassVar[bool]

    def encode(self, event: Event) -> bytes:
        """The bytes that ``event`` becomes; may be none."""
        ...

    def fail(self, failure: Failure) -> bytes:
        """The last bytes of an answer that failed."""
        ...


class Failure(msgspec.Struct, frozen=True):
    """What people are told: a sentence, and a word for the program in front of them."""

    message: str
    code: str


Explain = Callable[[BournError], Failure]
"""From the error to what people are told of it."""

_SENTENCES: dict[type[BournError], Failure] = {
    errors.RateLimitError: Failure("The model is busy. Please try again in a moment.", "rate_limited"),
    errors.OverloadedError: Failure("The model is busy. Please try again in a moment.", "overloaded"),
    errors.RequestTooLargeError: Failure("The conversation is too long for the model.", "too_large"),
    errors.DeadlineError: Failure("The model took too long to answer. Please try again.", "timeout"),
    errors.TruncatedError: Failure("The answer was cut off. Please try again.", "truncated"),
    errors.ConnectionLostError: Failure("The answer was cut off. Please try again.", "truncated"),
    errors.ClosedError: Failure("The answer was stopped.", "stopped"),
    errors.ModelError: Failure("The model reported an error. Please try again.", "model_error"),
    BournError: Failure("The answer could not be made. Please try again later.", "failed"),
}
"""Error to what people are told; the nearest class counts. Whoever wants to say more passes ``explain``."""


def explain(error: BournError) -> Failure:
    """What people are told of an error: which kind it was, and nothing of whom was asked, where, or with what."""
    return next(_SENTENCES[kind] for kind in type(error).__mro__ if kind in _SENTENCES)


CUT_CALL = Failure("The answer ended in the middle of a tool call.", "incomplete_tool_call")
"""What is told where a protocol cannot leave a call open."""

UNSAYABLE = Failure("The answer began anew, which cannot be shown here. Please try again.", "restarted")
"""What is told where an answer takes back what was shown, and the protocol has no word for that."""
