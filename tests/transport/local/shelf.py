"""A small HTTP server for the tests of downloads: files that it hands out as told, and what it was asked for."""

from __future__ import annotations

import http.server
import re
import socket
import struct
import threading
from typing import Self

import msgspec


class File(msgspec.Struct):
    """What an address gives: `sent` is how much of the body is really sent before the connection ends.

    With `reset` it ends with a reset.
    """

    body: bytes
    type: str = "application/octet-stream"
    status: int = 200
    ranges: bool = True
    sent: int | None = None
    reset: bool = False
    location: str | None = None
    wants: str | None = None
    """The `Authorization` header without which it is 401."""


class Shelf:
    """`shelf["/path"] = File(...)` puts a file there; `asked` lists path, range and authorization of each request."""

    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self.asked: list[tuple[str, str | None, str | None]] = []

    def __setitem__(self, path: str, file: File) -> None:
        self.files[path] = file

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), type("Handler", (Handler,), {"on": self}))
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that hang up: some tests are about that."""


class Handler(http.server.BaseHTTPRequestHandler):
    on: Shelf

    def do_GET(self) -> None:
        asked = self.headers["Range"], self.headers["Authorization"]
        self.on.asked.append((self.path, *asked))
        file = self.on.files.get(self.path, File(b"not here", status=404))
        if file.wants and asked[1] != file.wants:
            file = File(b"who are you?", status=401)
        self._answer(file, asked[0] if file.ranges else None)

    def _answer(self, file: File, wanted: str | None) -> None:
        begin = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted else 0  # type: ignore[index]  # ours are all like that
        body = file.body[begin:]
        self.send_response(206 if wanted and file.status == 200 else file.status)
        if wanted:
            self.send_header("Content-Range", f"bytes {begin}-{len(file.body) - 1}/{len(file.body)}")
        if file.location:
            self.send_header("Location", file.location)
        self.send_header("Content-Type", file.type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: file.sent])
        if file.reset:
            self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, *_: object) -> None:
        """Say nothing."""
