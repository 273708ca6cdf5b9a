"""Which dialect a request speaks, and whether it is one that the provider would take.

A request that a real provider would refuse is refused with the provider's own status and error body, and with a sentence that
says what to write instead. House rule: the paths and the key's header come from the dialects, so a new one is served at once.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from http import HTTPStatus

import msgspec

from bourn import dialects
from bourn.dialects.base import Dialect, HttpCall, WireError
from bourn.errors import BournError
from bourn.messages import Message, Request
from bourn.mock.http import HttpRequest

REQUIRED_HEADERS: dict[str, dict[str, str]] = {"anthropic": {"anthropic-version": "2023-06-01"}}
"""Dialect to the headers its provider insists on, with a value that it takes."""

QUERY_KEYS: dict[str, str] = {"gemini": "key"}
"""Dialect to the query parameter in which its provider takes the key, too."""

KEYLESS = frozenset({"ollama"})
"""Dialects whose servers ask for no key, though one may be sent."""

OTHER_ROOTS: dict[str, tuple[str, ...]] = dict.fromkeys(("openai-chat", "openai-responses"), ("/openai/v1",))
"""Dialect to further roots under which it is served: what Groq's SDK adds to its base URL, and Azure's pages to a resource."""

_SIGNATURE = re.compile("AWS4-HMAC-SHA256 Credential=([^/]+)/")

ERROR_WORDS: dict[int, tuple[str, str | None]] = {
    400: ("invalid_request_error", None),
    401: ("authentication_error", "invalid_api_key"),
    404: ("not_found_error", None),
    405: ("invalid_request_error", "method_not_allowed"),
    415: ("invalid_request_error", None),
}
"""Status to the ``type`` and ``code`` of the error body."""


class RefusedRequest(Exception):
    """The request is answered with this status and error, in this dialect."""

    def __init__(self, dialect: Dialect, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        type_, usual = ERROR_WORDS.get(status, ("api_error", None))
        self.dialect, self.status, self.error = dialect, status, WireError(message, type_, code or usual)


class Route(msgspec.Struct, frozen=True):
    """A dialect, and the pattern of the paths that it answers."""

    dialect: Dialect
    pattern: re.Pattern[str]


def routes() -> list[Route]:
    """The routes of all dialects that there are."""
    table = []
    for name in dialects.DIALECTS:
        dialect = dialects.get(name)
        for root in (dialect.root, *OTHER_ROOTS.get(name, ())):
            table += [Route(dialect, re.compile(re.escape(root) + f"(?:{path})")) for path in dialect.paths]
    return table


def find(table: list[Route], request: HttpRequest, path: str, base: str) -> Dialect:
    """The dialect that answers ``path`` below ``base``. Raises ``RefusedRequest`` where none does."""
    for route in table:
        if route.pattern.fullmatch(path):
            if request.method != "POST":
                message = f"{path} is called with POST, not {request.method}"
                raise RefusedRequest(route.dialect, HTTPStatus.METHOD_NOT_ALLOWED, message)
            return route.dialect
    raise _lost(table, request, path, base)


def _lost(table: list[Route], request: HttpRequest, path: str, base: str) -> RefusedRequest:
    """A wrong path: what the caller meant is the dialect whose path ends like it, else the one whose key header it has."""
    for dialect in {route.dialect.name: route.dialect for route in table}.values():
        own = _example(dialect)
        ending = own if own.endswith("/MODEL") else own[own.rindex("/") :]
        if re.fullmatch(".*" + re.escape(ending).replace("MODEL", ".+"), path):
            right = f"the base URL for {dialect.name} is {base}{dialect.root}, and its clients add {own}"
            return RefusedRequest(dialect, HTTPStatus.NOT_FOUND, f"wrong path {path}: {right}")
    keyed = [route.dialect for route in table if route.dialect.auth[0] in request.headers]
    message = f"nothing is served at {request.method} {path}; the base URLs are: {_bases(table, base)}"
    return RefusedRequest(keyed[0] if keyed else table[0].dialect, HTTPStatus.NOT_FOUND, message)


def _example(dialect: Dialect) -> str:
    """The path that a client of the dialect adds to the base URL, without its query."""
    return dialect.call(Request("MODEL", (Message("user", "hi"),))).path.partition("?")[0]


def _bases(table: list[Route], base: str) -> str:
    rows = {route.dialect.name: base + route.dialect.root for route in table}
    return ", ".join(f"{url} for {name}" for name, url in rows.items())


def read(dialect: Dialect, request: HttpRequest, path: str, keys: Collection[str] | None) -> Request:
    """The request in our words. Raises ``RefusedRequest`` for a bad key, header or body."""
    _check_key(dialect, request, keys)
    for name, value in REQUIRED_HEADERS.get(dialect.name, {}).items():
        if name not in request.headers:
            message = f"{name}: header is required; send for example {name}: {value}"
            raise RefusedRequest(dialect, HTTPStatus.BAD_REQUEST, message)
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media_type != "application/json":
        message = f"the content type must be application/json, not {media_type}"
        raise RefusedRequest(dialect, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message)
    try:
        return dialect.parse(HttpCall(path.removeprefix(dialect.root), request.body, request.headers))
    except BournError as error:
        raise RefusedRequest(dialect, HTTPStatus.BAD_REQUEST, error.message) from None


def _check_key(dialect: Dialect, request: HttpRequest, keys: Collection[str] | None) -> None:
    name, word = dialect.auth
    given = _keys(dialect, request)
    if not given and dialect.name in KEYLESS:
        return
    if not given:
        takes = "; this server takes any" if keys is None else ""
        raise RefusedRequest(dialect, HTTPStatus.UNAUTHORIZED, f"no API key: send one in the header {name}: {word}KEY{takes}")
    if keys is not None and given.isdisjoint(keys):
        raise RefusedRequest(dialect, HTTPStatus.UNAUTHORIZED, "the API key is none of those that this server was given")


def _keys(dialect: Dialect, request: HttpRequest) -> set[str]:
    """The keys that a request brings: in the dialect's header, as a bearer token, in a signature (its id), in the query."""
    name, word = dialect.auth
    own, bearer = request.headers.get(name, ""), request.headers.get("authorization", "")
    signed = _SIGNATURE.match(bearer)
    found = {
        own.removeprefix(word) if own.startswith(word) else "",
        bearer.removeprefix("Bearer ") if bearer.startswith("Bearer ") else "",
        signed[1] if signed else "",
        request.query.get(QUERY_KEYS.get(dialect.name, ""), ""),
    }
    return {key.strip() for key in found} - {""}
