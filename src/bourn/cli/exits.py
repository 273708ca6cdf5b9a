"""What a failure becomes on the command line: an exit code, and one sentence that says what to do.

House rule: one table of codes, printed in every ``--help``; an error's class decides, never its words. A code never changes its
meaning.
"""

from __future__ import annotations

from bourn import errors
from bourn.errors import BournError

OK, BUG, INPUT, KEY, BUSY, NETWORK, CUT, MODEL, BROKEN, PARTLY, STOPPED, NO_READER = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130, 141

MEANINGS: dict[int, str] = {
    OK: "all is well; the answer is whole",
    BUG: "output cannot be written, or a bug (BOURN_DEBUG=1 shows the traceback)",
    INPUT: "the command line, the prompt, the model or its file (also HTTP 400, 404, 413)",
    KEY: "no key, a wrong one, or one that may not do this (401, 403)",
    BUSY: "the provider is busy or failing: try again later (429, 5xx)",
    NETWORK: "no connection, a lost one, or a time limit",
    CUT: "the answer was cut off, or its bytes are not what they should be",
    MODEL: "the provider reported an error in mid-answer",
    BROKEN: "bourn verify: the stream breaks a rule that it must keep",
    PARTLY: "bourn batch: every row has been asked, and some are errors",
    STOPPED: "stopped with Ctrl-C",
    NO_READER: "the reader of the output went away, as in `| head`",
}
"""Exit code to meaning."""

FAILURES: dict[type[BaseException], tuple[int, str]] = {
    errors.InputError: (INPUT, ""),
    errors.MissingKeyError: (KEY, ""),
    errors.AuthenticationError: (KEY, "check the key"),
    errors.PermissionDeniedError: (KEY, "use another key or another model"),
    errors.NotFoundError: (INPUT, "check the model's name and the address"),
    errors.RequestTooLargeError: (INPUT, "shorten the prompt"),
    errors.StatusError: (INPUT, ""),
    errors.RateLimitError: (BUSY, "ask again later"),
    errors.OverloadedError: (BUSY, "ask again later"),
    errors.ServerError: (BUSY, "ask again later"),
    errors.TransportError: (NETWORK, "ask again"),
    errors.ConnectError: (NETWORK, "check the network and the address"),
    errors.DeadlineError: (NETWORK, "ask again, or allow more time with --timeout"),
    errors.ProtocolError: (CUT, "ask again; if it stays so, check --base-url and --dialect"),
    errors.TruncatedError: (CUT, "ask again"),
    errors.ModelError: (MODEL, ""),
    errors.RoundsError: (MODEL, ""),
    errors.MismatchError: (CUT, "ask again"),
    BournError: (BUG, ""),
    UnicodeError: (INPUT, ""),
    OSError: (BUG, ""),
}
"""Error to exit code and advice; the nearest class in the error's family counts."""

WORDS: tuple[tuple[str, str], ...] = (
    ("in .response", "above"),
    ("api_key=", "--api-key-env VARIABLE"),
    ("base_url=", "--base-url URL"),
    ("port=0", "--port 0"),
    ("timeouts.", "--timeout "),
    ("retry.max_wait", "what --retries waits at most"),
    ("pace.requests_per_minute", "--rpm"),
    ("pace.tokens_per_minute", "--tpm"),
)
"""The library's words to those of the command line."""

_LONGEST = 600
"""Characters of somebody else's error message that are shown."""


def code(error: BaseException) -> int:
    """The exit code for an error."""
    return _row(error)[0]


def sentence(error: BaseException) -> str:
    """The error on one line: what went wrong, what to do, who was asked."""
    if isinstance(error, OSError) and error.strerror and not isinstance(error, BournError):
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if not isinstance(error, BournError):
        return _one_line(str(error)) or type(error).__name__
    message = error.message or type(error).__name__
    for theirs, ours in WORDS:
        message = message.replace(theirs, ours)
    context = str(error)[len(error.message) :]
    advice = _advice(error)
    return _one_line(message).rstrip(".;") + (f"; {advice}" if advice else "") + context


def table() -> str:
    """The exit codes, for a ``--help``."""
    return "exit codes:\n" + "\n".join(f"  {number:<5}{meaning}" for number, meaning in MEANINGS.items())


def _row(error: BaseException) -> tuple[int, str]:
    return next((FAILURES[kind] for kind in type(error).__mro__ if kind in FAILURES), (BUG, ""))


def _advice(error: BournError) -> str:
    wait = getattr(error, "retry_after", None)
    if wait is not None:
        return f"ask again in {wait:g} s"
    return _row(error)[1] or ("ask again" if error.retryable else "")


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "…"
