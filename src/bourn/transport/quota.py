"""What a provider tells of its rate limits in the head of an answer, in every family of headers seen, as typed data.

====================================================  ==============================================================
headers                                               sent by
====================================================  ==============================================================
``x-ratelimit-{limit,remaining,reset}-{unit}``        OpenAI, Groq, xAI, Hugging Face; resets like ``6m0s``, ``120ms``
the same beside ``x-ratelimit-renewalperiod-{unit}``  Azure, GitHub Models; resets in milliseconds
``x-ratelimit-{field}-{unit}-{window}``               Cerebras; Mistral, whose unit is ``req``; seconds
``x-ratelimit-{field}``                               OpenRouter (a moment in milliseconds), Together; requests
``anthropic-ratelimit-{unit}-{field}``                Anthropic; resets as RFC 3339
``ratelimitbysize-{field}``                           Mistral, until 2024; tokens a minute
``ratelimit-{field}``                                 draft-ietf-httpapi-ratelimit-headers-06; Hugging Face, Replicate
``ratelimit``, ``ratelimit-policy``                   the same draft, 07 and later
====================================================  ==============================================================

``Retry-After`` is no allowance: some services send it with every answer. Of a refusal it is ``StatusError.retry_after``.

House rule: one table; what cannot be read is not there, and no header but these is looked at, so nothing secret gets in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Literal

import msgspec

Unit = Literal["requests", "tokens", "input_tokens", "output_tokens"]


class Allowance(msgspec.Struct, frozen=True):
    """One limit: ``limit`` of ``unit`` in ``window`` seconds, of which ``remaining`` are left; ``None`` was not told.

    ``reset`` is in how many seconds all of it is there again. It comes back little by little where ``refills``, else all at
    once.
    """

    unit: Unit
    limit: float | None = None
    remaining: float | None = None
    reset: float | None = None
    window: float | None = None
    refills: bool = False


class Quota(msgspec.Struct, frozen=True):
    """What the provider told of its limits with one answer; empty where it told nothing."""

    allowances: tuple[Allowance, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.allowances)

    def get(self, unit: Unit) -> Allowance | None:
        """The tightest of the allowances of a unit: the one that has the smallest share left."""
        of_unit = [each for each in self.allowances if each.unit == unit]
        return min(of_unit, key=_share, default=None)


_UNITS: dict[str, Unit] = {
    "requests": "requests",
    "req": "requests",
    "tokens": "tokens",
    "input-tokens": "input_tokens",
    "output-tokens": "output_tokens",
}
_WINDOWS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0, "month": 30 * 86400.0}
_UNIT = "|".join(_UNITS)
_FIELD = "limit|remaining|reset"


class _Family(msgspec.Struct, frozen=True):
    """Names of headers, with the groups ``field`` and perhaps ``unit`` and ``window``; and what these leave unsaid."""

    names: re.Pattern[str]
    unit: str = "requests"
    window: float | None = None
    refills: bool = False


FAMILIES = (
    _Family(re.compile(rf"x-ratelimit-(?P<field>{_FIELD})-(?P<unit>{_UNIT})"), refills=True),
    _Family(re.compile(rf"x-ratelimit-(?P<field>{_FIELD})-(?P<unit>{_UNIT})-(?P<window>{'|'.join(_WINDOWS)})")),
    _Family(re.compile(rf"x-ratelimit-(?P<field>{_FIELD})(?:-(?P<window>{'|'.join(_WINDOWS)}))?")),
    _Family(re.compile(rf"anthropic-ratelimit-(?P<unit>{_UNIT})-(?P<field>{_FIELD})"), window=60.0, refills=True),
    _Family(re.compile(rf"ratelimitbysize-(?P<field>{_FIELD})"), unit="tokens", window=60.0),
    _Family(re.compile(rf"ratelimit-(?P<field>{_FIELD})")),
)
"""Every family but the last of the list above, which is one header of structured fields."""


_UNTOLD = Quota()


def read_quota(headers: Mapping[str, str]) -> Quota:
    """The limits that a response's headers (names in lower case) tell of."""
    if "ratelimit" not in " ".join(headers):
        return _UNTOLD
    told: dict[tuple[int, Unit, float | None], dict[str, float | None]] = {}
    for name, text in headers.items():
        if "ratelimit" not in name:
            continue
        for at, family in enumerate(FAMILIES):
            found = family.names.fullmatch(name)
            if found is not None:
                groups = found.groupdict()
                unit, window = groups.get("unit") or family.unit, _WINDOWS.get(groups.get("window") or "", family.window)
                key = at, _UNITS[unit], window or _window(headers, unit)
                read = _seconds(text, headers, unit) if groups["field"] == "reset" else _number(text)
                told.setdefault(key, {})[groups["field"]] = read
                break
    made = [Allowance(unit, window=window, refills=FAMILIES[at].refills, **words) for (at, unit, window), words in told.items()]
    return Quota(tuple(each for each in (*made, *_structured(headers)) if each.limit is not None or each.remaining is not None))


def _share(allowance: Allowance) -> float:
    if allowance.remaining is None:
        return float("inf")
    return allowance.remaining / allowance.limit if allowance.limit else allowance.remaining


def _number(text: str | None) -> float | None:
    """What a header counts; ``-1`` and words count nothing. The older draft has policies behind the number."""
    try:
        number = float((text or "").partition(",")[0].partition(";")[0])
    except ValueError:
        return None
    return number if isfinite(number) and number >= 0 else None


def _window(headers: Mapping[str, str], unit: str) -> float | None:
    return _number(headers.get(f"x-ratelimit-renewalperiod-{unit}"))


_SPAN = re.compile(r"(?:(\d+(?:\.\d+)?)(ms|[dhms]))+")
_PIECE = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])")
_SPANS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}

_MOMENTS = ((1e11, 0.001), (1e9, 1.0))
"""From so large on, a number is no span but a moment, since 1970, in units of so many seconds."""


def _seconds(text: str, headers: Mapping[str, str], unit: str) -> float | None:
    """Seconds from the answer to a reset, which is a span or a moment, in any of the ways of writing it."""
    if _SPAN.fullmatch(text):
        return sum(float(count) * _SPANS[span] for count, span in _PIECE.findall(text))
    number = _number(text)
    if number is None:
        return _until(text, headers)
    for least, each in _MOMENTS:
        if number >= least:
            return max(0.0, number * each - _answered(headers).timestamp())
    return number * 0.001 if f"x-ratelimit-renewalperiod-{unit}" in headers else number


def _until(moment: str, headers: Mapping[str, str]) -> float | None:
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0.0, (at - _answered(headers)).total_seconds())


def _answered(headers: Mapping[str, str]) -> datetime:
    """When the answer was given, by the clock of who gave it, where it says so: moments are of the same clock."""
    from email.utils import parsedate_to_datetime  # as slow to load as all of this package; the HTTP client has it

    try:
        moment = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return datetime.now(UTC)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


_NAME = re.compile(r'"([^"]*)"')
_PARAMETER = re.compile(r"\b(q|r|t|w|qu|limit|remaining|reset)\s*=\s*\"?([\w.]+)")


def _structured(headers: Mapping[str, str]) -> Iterator[Allowance]:
    """``RateLimit: "name";r=49;t=30`` with ``RateLimit-Policy: "name";q=50;w=60``; draft 07 has ``limit=50, remaining=49``."""
    if not ("ratelimit" in headers or "ratelimit-policy" in headers):
        return
    text = headers.get("ratelimit", "")
    policies = {_called(item): dict(_PARAMETER.findall(item)) for item in headers.get("ratelimit-policy", "").split(",")}
    for item in [text] if "remaining=" in text else text.split(","):
        said = {**policies.get(_called(item), {}), **dict(_PARAMETER.findall(item))}
        if said.get("qu", "requests") == "requests":  # the draft's others are bytes, and requests at the same time
            yield Allowance(
                "requests",
                _number(said.get("q") or said.get("limit")),
                _number(said.get("r") or said.get("remaining")),
                _number(said.get("t") or said.get("reset")),
                _number(said.get("w")),
            )


def _called(item: str) -> str:
    """The name of a policy, which stands before its parameters: the last one, where a service writes two."""
    return next(reversed(_NAME.findall(item.partition("=")[0])), "")
