"""Sees child processes come and go, without waiting for time to pass: each holds a connection that ends with it."""

from __future__ import annotations

import json
import socket
from typing import Any, Self

SECONDS = 20.0


class Child:
    """One child process as the witness sees it."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(SECONDS)
        self._connection = connection
        with connection.makefile("rb") as lines:
            self.told: dict[str, Any] = json.loads(lines.readline() or "{}")

    def ended(self) -> bool:
        """Wait for the child's end; raises `TimeoutError` if it lives on."""
        try:
            return self._connection.recv(1) == b""
        except ConnectionResetError:
            return True

    def answers(self) -> bool:
        """Whether the child, which echoes what it is told, still does."""
        self._connection.sendall(b"?")
        return self._connection.recv(1) == b"?"

    def close(self) -> None:
        """Look away."""
        self._connection.close()


class Witness:
    """A port on loopback that children connect to."""

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(SECONDS)
        self._children: list[Child] = []
        self.port = str(self._socket.getsockname()[1])
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._children:
            child.close()
        self._socket.close()

    def child(self) -> Child:
        """The next child that came."""
        self._children.append(Child(self._socket.accept()[0]))
        return self._children[-1]

    def saw_another(self) -> bool:
        """Whether a further child has come by now."""
        self._socket.settimeout(0)
        try:
            self._socket.accept()[0].close()
        except BlockingIOError:
            return False
        return True
