"""The address of a service: its places filled in, and checked before anything is sent there.

A base URL is text with places in braces: ``{NAME}`` is the value of that environment variable, ``{A|B}`` of the first
that is set, ``{A=text}`` has a value to use when none is, and ``{model}`` is the model's name, quoted for a path.

House rule: what is missing is named; a value from outside cannot break out of its place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from bourn.errors import InputError

_PLACE = re.compile(r"\{(?P<names>[A-Z][A-Z0-9_|]*)(?:=(?P<default>[^}]*))?\}|\{model\}")


def variables(template: str) -> tuple[str, ...]:
    """The environment variables that ``template`` reads, in order."""
    return tuple(name for place in _PLACE.finditer(template) if place["names"] for name in place["names"].split("|"))


class Places(msgspec.Struct, frozen=True):
    """What fills the places of one call's address: the model, and the environment; the provider's name is for errors."""

    provider: str
    model: str
    environ: Mapping[str, str]

    def base_url(self, template: str) -> str:
        """The base URL that ``template`` is for this call; raises ``InputError`` that names the variable that is wrong."""
        return _PLACE.sub(self._part, template)

    def query(self, templates: Mapping[str, str]) -> str:
        """The query of this call; raises ``InputError`` that names the variable that is not set."""
        if not templates:
            return ""
        return urlencode({word: _PLACE.sub(lambda place: self._found(place)[1], text) for word, text in templates.items()})

    def words(self, templates: tuple[str, ...]) -> tuple[str, ...]:
        """The words that say how this call is signed; raises ``InputError`` that names the variable that is wrong."""
        return tuple(_PLACE.sub(self._word, text) for text in templates)

    def _part(self, place: re.Match[str]) -> str:
        """What stands at a place of an address: the scheme and host, and perhaps more, at its beginning, else one word."""
        if place.start() == 0:
            name, found = self._found(place)
            return checked(found, name)
        return self._word(place)

    def _word(self, place: re.Match[str]) -> str:
        """One word, which cannot reach beyond its place."""
        name, found = self._found(place)
        if name and quote(found, safe="") != found:
            raise InputError(f"{name} holds characters that have no place in an address: {found!r}")
        return quote(found, safe="/@:")  # a model's name may have several parts

    def _found(self, place: re.Match[str]) -> tuple[str, str]:
        """What fills ``place``: the name of the variable, if it came from one, and the text."""
        if place["names"] is None:
            return "", self.model
        names = place["names"].split("|")
        for name in names:
            if self.environ.get(name):
                return name, self.environ[name]
        if place["default"] is None:
            raise InputError(f"{self.provider} wants to know its address: set {' or '.join(names)}, or pass base_url=")
        return "", place["default"]


def checked(url: str, what: str = "base_url") -> str:
    """``url`` without a slash at its end; raises ``InputError`` where it is no address, or holds a secret."""
    if not isinstance(url, str):
        raise InputError(f"{what} must be a string like https://host/v1, not {type(url).__name__}")
    return _normal(url, what)


@lru_cache(maxsize=64)
def _normal(url: str, what: str) -> str:
    """The same for each call to one address; what is wrong is said anew."""
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or 0 < parts.port < 65536
    except ValueError as error:
        raise InputError(f"{what} {url!r} is not a URL: {error}") from error
    if parts.username or parts.password:
        raise InputError(f"{what} holds a user name or password; pass the key as api_key=")
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_fits:
        raise InputError(f"{what} {url!r} must look like https://host/v1 or http://127.0.0.1:8080/v1")
    if parts.query or parts.fragment:
        raise InputError(f"{what} {re.split('[?#]', url)[0]!r} must not have a query or a fragment")
    return url.rstrip("/")
