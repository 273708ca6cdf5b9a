"""A guard that refuses connections to other machines, and look-ups of their names.

It stands in Python's socket module: what goes round that (uvloop, clients in C, other processes) it does not see.

House rule: the refusal is no ``OSError``, which the code under test would take for bad weather and try again.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

_HERE = frozenset({"", "localhost", "localhost.localdomain", "ip6-localhost", socket.gethostname().lower()})
_METHODS = ("connect", "connect_ex", "sendto")
_INTERNET = frozenset({socket.AF_INET, socket.AF_INET6})


class NetworkRefusedError(RuntimeError):
    """A test tried to reach another machine."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"the test tried to reach {where}: this guard lets tests reach their own machine only; "
            "point the client at the mock (llm.base_url()), or mark the test with @pytest.mark.allow_network"
        )


_plain: dict[str, Any] = {}


def raise_it() -> None:
    """Refuse from now on. Raising it twice is nothing."""
    if _plain:
        return
    _plain["getaddrinfo"] = socket.getaddrinfo
    socket.getaddrinfo = _look_up
    for name in _METHODS:
        _plain[name] = getattr(socket.socket, name)
        setattr(socket.socket, name, _guarded(_plain[name]))


def lower_it() -> None:
    """Refuse no more."""
    if not _plain:
        return
    socket.getaddrinfo = _plain.pop("getaddrinfo")
    for name in _METHODS:
        setattr(socket.socket, name, _plain.pop(name))


def is_here(host: object) -> bool:
    """Whether a host's name or address is this machine's."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if name is None or (isinstance(name, str) and name.lower() in _HERE):
        return True
    try:
        address = ipaddress.ip_address(str(name).partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any(each.is_loopback or each.is_unspecified for each in (address, mapped) if each is not None)


def _look_up(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
    __tracebackhide__ = True
    if not is_here(host):
        raise NetworkRefusedError(f"{host!s}:{port!s}")
    return _plain["getaddrinfo"](host, port, *args, **kwargs) if _plain else socket.getaddrinfo(host, port, *args, **kwargs)


def _guarded(plain: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: socket.socket, *args: Any) -> Any:
        __tracebackhide__ = True
        address = args[-1]  # of sendto, too
        if self.family in _INTERNET and isinstance(address, tuple) and not is_here(address[0]):
            raise NetworkRefusedError(f"{address[0]}:{address[1]}")
        return plain(self, *args)

    return method
