"""No secret in a recording: what carries a key by its name is left out, what is known to be a key is starred out everywhere.

A key is known when a request carries it (header, query, a field of the body) or when somebody names it. In bytes it is replaced
by as many asterisks, so that lengths and cuts stay what they were. Not seen: a key that a service says back in several pieces,
and one of fewer than ``SHORTEST`` characters outside the places that carry keys.

House rule: rather a harmless field too few in a recording than a key too many.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from bourn.dialects import payload
from bourn.mock.http import HttpRequest

SHORTEST = 8
"""Characters that a value must have to be looked for: a shorter one would be found in innocent text."""

_SECRET_NAME = re.compile("auth|key|token|cookie|secret|signature|credential|password", re.IGNORECASE)
_HARMLESS_NAMES = frozenset({"idempotency-key"})
_SECRET_ANSWER = re.compile("auth|api-?key|cookie|secret|credential", re.IGNORECASE)  # tokens are counted in answers' headers
_SECRET_FIELD = re.compile("authorization|api[_-]?key|x-api-key|(access|auth|bearer)[_-]?token|password|secret", re.IGNORECASE)
_ACCOUNT = frozenset({"openai-organization", "openai-project", "anthropic-organization-id"})
STARS = "***"


class Scrubber:
    """Knows some secrets, and keeps them out of text, bytes, headers and queries."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(re.escape(form.encode()) for form in longest_first)) if forms else None

    def data(self, data: bytes) -> bytes:
        """Bytes, equally long, with an asterisk for every byte of a secret."""
        if self._pattern is None:
            return data
        return self._pattern.sub(lambda found: b"*" * len(found[0]), data)

    def text(self, text: str) -> str:
        """Text, with asterisks for secrets."""
        return self.data(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def asked(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers of a request, without those that carry keys or cookies."""
        kept = {name: value for name, value in headers.items() if not _secret(name) and name not in _ACCOUNT}
        return {name: self.text(value) for name, value in kept.items()}

    def answered(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers of an answer, without cookies; whose account it is is starred out."""
        kept = {name: value for name, value in headers.items() if not _SECRET_ANSWER.search(name)}
        return {name: STARS if name in _ACCOUNT else self.text(value) for name, value in kept.items()}

    def query(self, query: str) -> str:
        """A query string, with the keys in it starred out."""
        pairs = parse_qsl(query, keep_blank_values=True)
        if not any(_secret(name) for name, _ in pairs):
            return self.text(query)
        return self.text(urlencode([(name, STARS if _secret(name) else value) for name, value in pairs], safe="*"))


def secrets_in(request: HttpRequest) -> set[str]:
    """Every key that a request carries in a place for keys."""
    found = {value for name, value in request.query.items() if _secret(name)}
    for name, value in request.headers.items():
        if _secret(name):
            found |= {value, value.partition(" ")[2], *_basic(value), *(_cookies(value) if "cookie" in name else ())}
    with suppress(*payload.UNREADABLE):  # what is not JSON has no fields
        found |= set(_fields(request.json()))
    return {value for value in found if len(value) >= SHORTEST}


def _secret(name: str) -> bool:
    return name.lower() not in _HARMLESS_NAMES and _SECRET_NAME.search(name) is not None


def _forms(secret: str) -> Iterator[str]:
    """A secret as it stands, inside a JSON string, and inside a URL."""
    yield from (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], quote(secret, safe=""))


def _basic(value: str) -> list[str]:
    """The password of HTTP's basic authentication."""
    word, _, coded = value.partition(" ")
    if word.lower() != "basic":
        return []
    try:
        return base64.b64decode(coded, validate=True).decode("utf-8", "replace").split(":", 1)
    except binascii.Error:
        return []


def _cookies(value: str) -> list[str]:
    return [cookie.partition("=")[2] for cookie in value.split("; ")]


def _fields(value: Any) -> Iterator[str]:
    """The strings under names that say they are secret, at any depth."""
    waiting = [value]
    while waiting:
        held = waiting.pop()
        if isinstance(held, dict):
            for name, inner in held.items():
                if isinstance(inner, str) and _SECRET_FIELD.fullmatch(name):
                    yield from {inner, inner.rpartition(" ")[2]}
            waiting += held.values()
        elif isinstance(held, list):
            waiting += held
