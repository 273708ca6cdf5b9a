"""How a model id becomes an endpoint.

House rule: what the call says goes before the environment, the environment before the table.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec

from bourn import dialects
from bourn.dialects.base import Dialect
from bourn.errors import InputError, MissingKeyError
from bourn.providers import address, secret
from bourn.providers.row import Provider
from bourn.providers.secret import Secret
from bourn.providers.table import PROVIDERS


class Endpoint(msgspec.Struct, frozen=True):
    """Where one call goes: the provider's row with everything that was overridden filled in."""

    provider: Provider
    model: str
    dialect: Dialect
    base_url: str | None
    key: Secret | None = None
    query: str = ""

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
    near = difflib.get_close_matches(name, PROVIDERS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "`bourn providers` lists them."
    raise InputError(
        f"unknown provider {name!r}; {hint} A service that speaks a known dialect is reached with openai/MODEL and base_url="
    )


def split_model_id(model_id: str) -> tuple[str, str]:
    """Provider and model of ``"provider/model"`` or ``"provider:model"``, split at the first separator."""
    if not isinstance(model_id, str):
        raise InputError(f"the model id must be a string like 'openai/gpt-5-mini', not {type(model_id).__name__}")
    cut = next((at for at, letter in enumerate(model_id) if letter in "/:"), -1)
    if cut <= 0 or cut == len(model_id) - 1:
        raise InputError(f"{model_id!r} is not a model id; write provider/model, for example openai/gpt-5-mini")
    return model_id[:cut], model_id[cut + 1 :]


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
    own_url = base_url or _first(provider.url_variables, environ)
    key = api_key if api_key is not None else _first(provider.key_env, environ)
    if not key and provider.key_env and not provider.key_optional and own_url is None:
        raise MissingKeyError(
            f"{name} wants an API key: set {provider.key_env[0]}, or pass api_key=", provider=name, model=model
        )

    def fill(template: str) -> str:
        return address.filled(template, provider=name, model=model, environ=environ)

    url = own_url if own_url or provider.base_url is None else fill(provider.base_url)
    return Endpoint(
        provider,
        model,
        dialects.get(dialect or provider.dialect),
        address.checked(url) if url else None,
        secret.checked(key, name) if key else None,
        urlencode({word: fill(value) for word, value in provider.query.items()}),
    )


def default_model(environ: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """The model id to use when none is named, and why: ``BOURN_MODEL``, else the first provider with a key, else local."""
    if named := environ.get("BOURN_MODEL"):
        return named, "BOURN_MODEL is set"
    for row in PROVIDERS.values():
        variable = next((name for name in row.key_env if environ.get(name)), None)
        if variable and row.default_model:
            return f"{row.name}/{row.default_model}", f"{variable} is set"
    return f"local/{PROVIDERS['local'].default_model}", "no API key is set"


def _first(variables: tuple[str, ...], environ: Mapping[str, str]) -> str | None:
    """The value of the first of the variables that is set to something."""
    return next((environ[name] for name in variables if environ.get(name)), None)
