"""The address of a service: its places filled in, and checked before anything is sent there.

A base URL is text with places in braces: ``{GROQ_ACCOUNT}`` is the value of that environment variable, ``{A|B}`` of the first
that is set, ``{A=text}`` has a value to use when none is, and ``{model}`` is the model's name, quoted for a path.

House rule: what is missing is named; a value from outside cannot break out of its place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from bourn.errors import InputError

_PLACE = re.compile(r"\{(?P<names>[A-Z][A-Z0-9_|]*)(?:=(?P<default>[^}]*))?\}|\{model\}")


def variables(template: str) -> tuple[str, ...]:
    """The environment variables that ``template`` reads, in order."""
    return tuple(name for place in _PLACE.finditer(template) if place["names"] for name in place["names"].split("|"))


def filled(template: str, *, provider: str, model: str, environ: Mapping[str, str]) -> str:
    """``template`` with every place filled in; raises ``InputError`` that names the variable that is not set."""

    def value(place: re.Match[str]) -> str:
        if place["names"] is None:
            return quote(model, safe="")
        names = place["names"].split("|")
        name = next((name for name in names if environ.get(name)), None)
        if name is None and place["default"] is None:
            raise InputError(f"{provider} wants to know its address: set {' or '.join(names)}, or pass base_url=")
        if name is None:
            return str(place["default"])
        if place.start() == 0:  # the place is the scheme and host
            return checked(environ[name], name)
        if quote(environ[name], safe="") != environ[name]:
            raise InputError(f"{name} holds characters that have no place in an address: {environ[name]!r}")
        return environ[name]

    return _PLACE.sub(value, template)


def checked(url: str, what: str = "base_url") -> str:
    """``url`` without a slash at its end; raises ``InputError`` where it is no address, or holds a secret."""
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or 0 < parts.port < 65536
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{what} {url!r} is not a URL: {error}") from error
    if parts.username or parts.password:
        raise InputError(f"{what} holds a user name or password; pass the key as api_key=")
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_fits:
        raise InputError(f"{what} {url!r} must look like https://host/v1 or http://127.0.0.1:8080/v1")
    if parts.query or parts.fragment:
        raise InputError(f"{what} {url!r} must not have a query or a fragment")
    return url.rstrip("/")
