"""The table of services: one row each, and how a model id becomes an endpoint.

Adding a service that speaks a known dialect is one row here. What a service does differently from its dialect is a word in
``quirks``, never a branch in code.

House rule: data first; a key is looked up as late as possible, wrapped at once, and never shown.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from bourn import dialects
from bourn.dialects.base import Dialect
from bourn.errors import InputError, MissingKeyError


class Secret:
    """A key that does not show itself: ``repr`` and ``str`` hide it, :meth:`reveal` gives it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The key itself; for the one line that writes the header."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"


class Provider(msgspec.Struct, frozen=True):
    """A service: its ``dialect``, ``base_url``, the variables its key and its URL are read from, and its quirks.

    ``auth`` overrides the dialect's key header (name, word before the key); ``default_model`` is what ``bourn chat`` takes when
    only the key is set. Quirks: ``no_end_mark`` (sends no end evidence: a clean end is *unverified*, not *truncated*), and
    those that a dialect names. ``way`` says which transport reaches it.
    """

    name: str
    dialect: str
    base_url: str | None
    key_env: tuple[str, ...] = ()
    base_url_env: tuple[str, ...] = ()
    default_model: str | None = None
    auth: tuple[str, str] | None = None
    headers: Mapping[str, str] = {}
    quirks: frozenset[str] = frozenset()
    way: str = "http"


_ROWS = (
    Provider(
        "openai",
        "openai-chat",
        "https://api.openai.com/v1",
        ("OPENAI_API_KEY",),
        ("OPENAI_BASE_URL",),
        default_model="gpt-5-mini",
    ),
    Provider("openai-responses", "openai-responses", "https://api.openai.com/v1", ("OPENAI_API_KEY",), ("OPENAI_BASE_URL",)),
    Provider(
        "anthropic",
        "anthropic",
        "https://api.anthropic.com",
        ("ANTHROPIC_API_KEY",),
        ("ANTHROPIC_BASE_URL",),
        default_model="claude-sonnet-4-5",
    ),
    Provider("local", "openai-chat", None, default_model="smollm2-135m", way="local"),
)

PROVIDERS: dict[str, Provider] = {row.name: row for row in _ROWS}
"""Name to row, in the order in which ``bourn chat`` looks for a key."""


class Endpoint(msgspec.Struct, frozen=True):
    """Where one call goes: the provider's row with everything that was overridden filled in."""

    provider: Provider
    model: str
    dialect: Dialect
    base_url: str | None
    key: Secret | None = None

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
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(PROVIDERS)}."
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
    (model id, provider, dialect, URL) and ``MissingKeyError``.
    """
    name, model = split_model_id(model_id)
    provider = get(name)
    own_url = base_url or next((environ[key] for key in provider.base_url_env if environ.get(key)), None)
    key = api_key if api_key is not None else next((environ[key] for key in provider.key_env if environ.get(key)), None)
    if not key and provider.key_env and own_url is None:
        raise MissingKeyError(
            f"{name} wants an API key: set {provider.key_env[0]}, or pass api_key=", provider=name, model=model
        )
    return Endpoint(
        provider,
        model,
        dialects.get(dialect or provider.dialect),
        _checked_url(own_url or provider.base_url),
        Secret(_checked_key(key, name)) if key else None,
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


def _checked_key(key: str, provider: str) -> str:
    if not isinstance(key, str) or not key.isascii() or not key.isprintable() or key != key.strip():
        raise InputError(f"the API key for {provider} has a space at an end, or characters that no HTTP header can hold")
    return key


def _checked_url(url: str | None) -> str | None:
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or 0 < parts.port < 65536
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"base_url {url!r} is not a URL: {error}") from error
    if parts.username or parts.password:
        raise InputError("base_url holds a user name or password; pass the key as api_key=")
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_fits:
        raise InputError(f"base_url {url!r} must look like https://host/v1 or http://127.0.0.1:8080/v1")
    if parts.query or parts.fragment:
        raise InputError(f"base_url {url!r} must not have a query or a fragment")
    return url.rstrip("/")
