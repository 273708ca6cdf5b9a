"""Opens addresses as the package installer of this machine would: its proxy, its certificates, its credentials.

House rule: every failure is one typed error with one sentence, and no sentence shows credentials.
"""

from __future__ import annotations

import base64
import http.client
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from bourn.errors import ConnectError, ConnectionLostError, InputError, status_error_class

TIMEOUT = 30.0
"""Seconds without a byte after which a server counts as gone."""

BLOCK = 1 << 18
"""Bytes taken at once; small enough for a smooth progress bar."""


class Web:
    """Opens addresses, through ``proxy`` and with the file ``certificates`` where the installer's settings name them.

    Raises ``InputError`` for a certificate file that cannot be read.
    """

    def __init__(self, *, proxy: str | None = None, certificates: str | None = None) -> None:
        proxies = {"http": proxy, "https": proxy} if proxy else None  # None: the environment's
        try:
            context = ssl.create_default_context(cafile=certificates)
        except OSError as error:
            raise InputError(f"the certificate file {certificates} cannot be used: {_reason(error)}") from error
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler(proxies), urllib.request.HTTPSHandler(context=context)
        )

    def open(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        """Ask for an address and give the response, to be closed by the caller; credentials in it become a header.

        Raises a ``StatusError``, ``ConnectError``, or ``InputError`` for an address that is none.
        """
        plain, credentials = split_credentials(url)
        try:
            request = urllib.request.Request(plain, headers={"Accept-Encoding": "identity", **(headers or {})})  # noqa: S310
            if credentials:
                request.add_unredirected_header("Authorization", f"Basic {credentials}")
            return self._opener.open(request, timeout=TIMEOUT)
        except urllib.error.HTTPError as error:
            error.close()
            kind = status_error_class(error.code)
            raise kind(f"{plain} answered {error.code} {error.reason}", status=error.code) from None
        except (OSError, http.client.HTTPException) as error:
            raise ConnectError(f"{plain} cannot be reached: {_reason(error)}") from error
        except ValueError as error:
            raise InputError(f"{plain} is not an address: {error}") from None


def blocks(response: Any) -> Iterator[bytes]:
    """The body of a response, piece by piece; raises ``ConnectionLostError`` where it breaks off."""
    while True:
        try:
            block = response.read(BLOCK)
        except (OSError, http.client.HTTPException) as error:
            raise ConnectionLostError(f"the connection broke: {_reason(error)}") from error
        if not block:
            return
        yield block


def split_credentials(url: str) -> tuple[str, str]:
    """An address without its ``user:password@``, and those encoded for a header (empty if there are none)."""
    parts = urllib.parse.urlsplit(url)
    userinfo, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, ""
    plain = urllib.parse.unquote(userinfo)
    return parts._replace(netloc=host).geturl(), base64.b64encode(plain.encode()).decode()


def _reason(error: Exception) -> str:
    """What the operating system or the HTTP library says, without its wrappings."""
    inner = getattr(error, "reason", None) or error
    return getattr(inner, "strerror", None) or str(inner) or type(inner).__name__
