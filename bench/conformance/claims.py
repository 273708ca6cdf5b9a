"""Earlier measurements that the rules quote, and what became of them: the table at the end of the page.

House rule: what was seen is taken from the results; written here are what was said before, and why it is otherwise now.
"""

from __future__ import annotations

from typing import NamedTuple

_OPENAI = "bourn.contract.adapters.openai:chat openai-chat"
_HELPER = "bourn.contract.adapters.anthropic:messages_helper anthropic"
_RESPONSES = "bourn.contract.adapters.openai:responses openai-responses"
_ANTHROPIC = "bourn.contract.adapters.anthropic:messages anthropic"
_OPENAI_TOTAL = "bench.conformance.stricter:openai openai-chat"
_ANTHROPIC_TOTAL = "bench.conformance.stricter:anthropic anthropic"


class Claim(NamedTuple):
    """What was said of a rule, the subject that it was said of, the verdict that would confirm it, and a remark."""

    rule: str
    subject: str
    said: str
    expected: str
    remark: str = ""


CLAIMS = [
    Claim("1.1", _OPENAI, "a fresh generator per `async for`", "FAIL"),
    Claim("1.1", _ANTHROPIC, "a fresh generator per `async for`", "FAIL"),
    Claim("1.4", _OPENAI, "StopAsyncIteration after an error", "PASS"),
    Claim(
        "1.7",
        _RESPONSES,
        "IndexError on another mock's junk",
        "FAIL",
        "an answer that is well formed is read; junk is not judged",
    ),
    Claim("2.1", _OPENAI, "no `aclose()`", "FAIL", "the SDK has one since"),
    Claim("2.1", _ANTHROPIC, "no `aclose()`", "FAIL"),
    Claim("2.3", _OPENAI, "APIConnectionError when read after it was closed", "FAIL", "another exception now"),
    Claim("2.3", _ANTHROPIC, "a raw httpx2.ReadError when read after it was closed", "FAIL", "another exception now"),
    Claim("3.1", _OPENAI, "after `break`, 5 of 5 connections stayed open until a collection", "FAIL"),
    Claim("3.1", _ANTHROPIC, "the same", "FAIL", "its generator keeps a copy of the stream since, so that there is no cycle"),
    Claim("3.3", _OPENAI, "PoolTimeout with held iterators", "FAIL", "that was without a close; the rule closes each stream"),
    Claim(
        "3.5", _OPENAI, '"Task exception was never retrieved" of a client that nobody closed', "FAIL", "the kit closes clients"
    ),
    Claim("4.3", _OPENAI, "a clean end after a cancelled read; 5 of 6 tokens lost", "FAIL"),
    Claim("4.3", _ANTHROPIC, "a clean end after a cancelled read; 5 of 6 tokens lost", "FAIL"),
    Claim("6.1", _OPENAI, "an unread stream reaches a plateau", "PASS"),
    Claim("7.1", _OPENAI, "making the client blocks the loop for 55 to 133 ms, loading certificates", "FAIL", "see the note"),
    Claim("9.1", _OPENAI, "JSONDecodeError and UnicodeDecodeError come through", "FAIL"),
    Claim("9.1", _ANTHROPIC, "JSONDecodeError, UnicodeDecodeError and httpx2.ReadTimeout come through", "FAIL"),
    Claim("9.3", _OPENAI, "an `event: error` frame swallowed", "FAIL", "raised now, in every shape that is tried"),
    Claim("9.4", _OPENAI, "a page of HTML: no events, success", "FAIL"),
    Claim("9.4", _ANTHROPIC, "a page of HTML: no events, success", "FAIL"),
    Claim("10.1", _OPENAI, "silent at an end without end marks", "FAIL"),
    Claim("10.1", _ANTHROPIC, "silent at an end without end marks", "FAIL"),
    Claim("11.2", _OPENAI, "a byte-order mark: the first event lost", "FAIL"),
    Claim("11.2", _ANTHROPIC, "a byte-order mark: message_start lost", "FAIL"),
    Claim("11.2", _HELPER, "and in the helper an AssertionError", "FAIL", "see the message: no AssertionError any more"),
    Claim("12.1", _OPENAI_TOTAL, "`timeout=` never fired under pings or a drip of bytes", "FAIL"),
    Claim("12.1", _ANTHROPIC_TOTAL, "`timeout=` never fired under pings", "FAIL"),
]

UNHELD = "cohere's SDK (9.5, 10.1: it logs a frame that it cannot read and goes on) has no adapter here and was not held again."
