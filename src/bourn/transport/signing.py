"""Signs calls for services that take a signature in the place of a key.

A row of the table of services says how (``Provider.sign``), and a call is signed only when no key is given. What signs is
loaded beside the loop on first use, and works beside it: to find credentials it may read files, start processes and ask
servers.

House rule: the signature covers what is sent, byte for byte, so it is made last; no secret is in an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bourn.errors import MissingKeyError
from bourn.providers import Endpoint
from bourn.transport import offload

SIGNERS: dict[str, tuple[str, str, str]] = {
    "aws-sigv4": ("bourn.transport.sigv4", "bourn[aws]", "AWS credentials"),
}
"""The word in a row to the module that signs (with its ``sign``), the extra that it needs, and what it signs with."""

Sign = Callable[[tuple[str, ...], str, str, Mapping[str, str], bytes], dict[str, str]]
"""Scope, method, URL, headers and body to the headers that the signature adds. It may block; raises ``CredentialsError``."""


class CredentialsError(Exception):
    """There are no credentials to sign with, or they cannot be had. The message says why, without a secret in it."""


async def signed(endpoint: Endpoint, method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """``headers``, and those that sign the call as ``endpoint.sign`` says. Raises ``MissingKeyError``."""
    way, *scope = endpoint.sign
    module, extra, means = SIGNERS[way]
    try:
        sign: Sign = (await offload.load(module)).sign
    except ImportError as error:
        raise _missing(endpoint, means, f"signing with them needs pip install '{extra}'") from error
    try:
        added = await offload.in_thread(lambda: sign(tuple(scope), method, url, headers, body))
    except CredentialsError as error:
        raise _missing(endpoint, means, str(error)) from error.__cause__
    return {**headers, **added}


def _missing(endpoint: Endpoint, means: str, why: str) -> MissingKeyError:
    names: Any = endpoint.provider.key_env
    return MissingKeyError(
        f"{endpoint.provider.name} wants an API key (set {names[0]}, or pass api_key=) or {means}: {why}",
        provider=endpoint.provider.name,
        model=endpoint.model,
    )
