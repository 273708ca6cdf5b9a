"""How a model id becomes an endpoint.

House rule: what the call says goes before the environment, the environment before the table.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from bourn import dialects
from bourn.dialects.base import Dialect
from bourn.errors import InputError, MissingKeyError
from bourn.providers import address, host, secret
from bourn.providers.row import Provider
from bourn.providers.secret import Secret
from bourn.providers.table import PROVIDERS

_MODEL_ID = re.compile(r"([^/:]+)[/:](.+)", re.DOTALL)


class Endpoint(msgspec.Struct, frozen=True):
    """Where one call goes: the provider's row with everything that was overridden filled in.

    ``dialect_name`` is one that is known; its module is imported when ``dialect`` is first asked for, if it is not there yet.
    ``sign`` says how the call has to be signed; it is empty where there is a key, or where nobody asks for a signature.
    """

    provider: Provider
    model: str
    dialect_name: str
    base_url: str | None
    key: Secret | None = None
    query: str = ""
    sign: tuple[str, ...] = ()

    @property
    def dialect(self) -> Dialect:
        """What is spoken there."""
        return dialects.get(self.dialect_name)

    @property
    def address(self) -> str | None:
        """Host and port of the base URL; ``None`` where there is no URL."""
        return None if self.base_url is None else urlsplit(self.base_url).netloc or None

    def url(self, path: str) -> str:
        """The whole address of a call to ``path``; raises ``InputError`` where there is no base URL."""
        if self.base_url is None:
            raise InputError(f"provider {self.provider.name!r} has no address of its own; pass base_url=")
        path = self.provider.paths.get(path, path)
        joint = "&" if "?" in path else "?"
        return self.base_url + path + (joint + self.query if self.query else "")

    def headers(self) -> dict[str, str]:
        """The headers of every call: the provider's own and the one that carries the key."""
        headers = dict(self.provider.headers)
        if self.key is not None:
            name, word = self.provider.auth or self.dialect.auth
            headers[name] = word + self.key.reveal()
        return headers


def get(name: str) -> Provider:
    """The row called ``name``; raises ``InputError`` with the nearest names."""
    if name in PROVIDERS:
        return PROVIDERS[name]
    import difflib  # only for one who mistyped: as slow to load as the table

    near = difflib.get_close_matches(name, PROVIDERS, n=1, cutoff=0.7)
    hint = f"did you mean {near[0]!r}?" if near else "`bourn providers` lists them."
    raise InputError(
        f"unknown provider {name!r}; {hint} A service that speaks a known dialect is reached with openai/MODEL and base_url="
    )


def split_model_id(model_id: str) -> tuple[str, str]:
    """Provider and model of ``"provider/model"`` or ``"provider:model"``, split at the first separator."""
    if not isinstance(model_id, str):
        raise InputError(f"the model id must be a string like 'openai/gpt-6-luna', not {type(model_id).__name__}")
    found = _MODEL_ID.fullmatch(model_id)
    if found is None:
        raise InputError(f"{model_id!r} is not a model id; write provider/model, for example openai/gpt-6-luna")
    return found[1], found[2]


def resolve(
    model_id: str,
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    dialect: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Endpoint:
    """The endpoint for a model id: what the call says goes before the environment, the environment before the table.

    A key is demanded only where the provider's own address is used; a server of your own may want none. Raises ``InputError``
    (model id, provider, dialect, URL, a variable that the URL needs) and ``MissingKeyError``.
    """
    name, model = split_model_id(model_id)
    provider = get(name)
    own_url = _own_url(provider, base_url, environ)
    key = api_key if api_key is not None else _first(provider.key_env, environ)[1]
    if not key and provider.key_env and not (provider.key_optional or provider.sign) and own_url is None:
        raise MissingKeyError(
            f"{name} wants an API key: set {provider.key_env[0]}, or pass api_key=", provider=name, model=model
        )
    spoken = dialect or provider.dialect
    dialects.module(spoken)  # raises for one that is not known; it is imported where it is used
    places = address.Places(name, model, environ)
    return Endpoint(
        provider,
        model,
        spoken,
        own_url or (places.base_url(provider.base_url) if provider.base_url else None),
        secret.checked(key, name) if key else None,
        places.query(provider.query),
        () if key else _sign(provider, places),
    )


def default_model(environ: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """The model id to use when none is named, and why: ``BOURN_MODEL``, else the first provider with a key, else local."""
    if named := environ.get("BOURN_MODEL"):
        return named, "BOURN_MODEL is set"
    for row in PROVIDERS.values():
        variable, _ = _first(row.key_env, environ)
        if variable and row.default_model:
            return f"{row.name}/{row.default_model}", f"{variable} is set"
    return f"local/{PROVIDERS['local'].default_model}", "no API key is set"


def _own_url(provider: Provider, base_url: str | None, environ: Mapping[str, str]) -> str | None:
    """The address that the call or the environment puts in the place of the row's."""
    if base_url:
        return address.checked(base_url)
    variable, value = _first(provider.url_variables, environ)
    if value and variable in provider.host_env:
        return host.base_url(value, variable, provider.base_url or "")
    return address.checked(value, variable) if value else None


def _sign(provider: Provider, places: address.Places) -> tuple[str, ...]:
    """How a call without a key is signed; empty where it is not. Raises ``MissingKeyError`` where too little is known."""
    names = address.variables(" ".join(provider.sign))
    if names and not any(places.environ.get(name) for name in names):
        raise MissingKeyError(
            f"{provider.name} wants an API key: set {provider.key_env[0]}, or pass api_key=; to sign calls instead, "
            f"set {' or '.join(names)}",
            provider=provider.name,
            model=places.model,
        )
    return places.words(provider.sign)


def _first(variables: tuple[str, ...], environ: Mapping[str, str]) -> tuple[str, str | None]:
    """The first of the variables that is set to something, and its value."""
    return next(((name, environ[name]) for name in variables if environ.get(name)), ("", None))
