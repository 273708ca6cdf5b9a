"""The address of a server, out of the words in which the server itself was told where to listen.

``OLLAMA_HOST`` is the one such variable: a host, an IP address, a port, any of them alone, with a scheme or without, and
perhaps a path. Source: ``envconfig/config.go`` of https://github.com/ollama/ollama.

House rule: an address to listen at becomes one to connect to; what is no address is refused as any other base URL is.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from bourn.providers.address import checked

_HOST = re.compile(
    r"""(?:(?P<scheme>https?)://)?
        (?P<host> \[[^\]]*\] | [0-9a-f]*:[0-9a-f:.]*:[0-9a-f:.]* | [^:/@\[\]]*)
        (?: :(?P<port>\d+) )?
        (?P<path>/.*)?""",
    re.VERBOSE | re.IGNORECASE,
)

_CONNECTABLE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]", "[::]": "[::1]"}  # noqa: S104 - not bound, but left
"""Where everything is listened to, and where that can be reached."""


def base_url(told: str, variable: str, usual: str) -> str:
    """The base URL that ``told`` means; without a scheme its port is that of the ``usual`` one, if it names none.

    Raises ``InputError`` that names the variable where it is no address, or holds a secret.
    """
    told = told.strip().strip("\"'")
    found = _HOST.fullmatch(told)
    if found is None:
        return checked(told, variable)
    scheme, host, port, path = found.group("scheme", "host", "port", "path")
    host = _CONNECTABLE.get(host, host)
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    if not (scheme or port):
        port = str(urlsplit(usual).port)
    return checked(f"{scheme or 'http'}://{host}{f':{port}' if port else ''}{path or ''}", variable)
