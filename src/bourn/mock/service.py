"""From a request to the script that answers it: which mount, which dialect, which scenario, with which faults.

House rule: whatever a request may be wrong about is answered, never raised; what the test is wrong about (a fault that cannot
be carried out, a scenario out of turns) is raised, and reported by the server.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection
from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec

from bourn.dialects.base import Dialect
from bourn.messages import Request
from bourn.mock import answering, routing
from bourn.mock.http import HttpRequest
from bourn.mock.journal import Exchange
from bourn.mock.mounts import Mount
from bourn.mock.ops import Script
from bourn.mock.reply import Reply, json_reply, text_reply

if TYPE_CHECKING:
    from bourn.mock.server import MockServer

INTERNAL = "/__bourn__/"


class Service:
    """Answers requests for a server. ``mounts`` are by name; the one called ``""`` answers at the plain base URL."""

    def __init__(self, server: MockServer, seed: int | str, keys: Collection[str] | None) -> None:
        self._server = server
        self._seed = seed
        self._keys = keys
        self._routes: list[routing.Route] = []
        self.mounts: dict[str, Mount] = {}

    async def script(self, request: HttpRequest, exchange: Exchange) -> Script:
        """The script that answers a request."""
        name, path = _split(request.raw_path)
        if path.startswith(INTERNAL):
            return self._internal(path.removeprefix(INTERNAL), request).script()
        mount = self.mounts.get(name)
        if mount is not None and mount.handler is not None:
            exchange.scenario = name
            answer = mount.handler(request)
            answer = await answer if inspect.isawaitable(answer) else answer
            return answer.script() if isinstance(answer, Reply) else answer
        try:
            reply = self._answer(request, exchange, name, path)
        except routing.RefusedRequest as refused:
            exchange.dialect = refused.dialect.name
            exchange.notes.append(f"refused: {refused}")
            reply = answering.error_reply(refused.dialect, refused.status, refused.error)
        return _on_connection(reply, request).script()

    def _answer(self, request: HttpRequest, exchange: Exchange, name: str, path: str) -> Reply:
        if not self._routes:
            self._routes = routing.routes()
        base = self._server.origin + (f"/s/{name}" if name else "")
        dialect = routing.find(self._routes, request, path, base)
        exchange.dialect = dialect.name
        asked = routing.read(dialect, request, path, self._keys)
        mount = self._mount(dialect, asked, name)
        exchange.scenario = mount.name
        turn, dice = mount.next_turn(self._seed)
        assert mount.scenario is not None
        answer = mount.scenario.pick(asked, turn)
        exchange.faults = tuple(fault.label for fault in answer.faults)
        return answering.reply(dialect, asked, answer, dice, self._server.origin)

    def _mount(self, dialect: Dialect, asked: Request, name: str) -> Mount:
        """The scenario for a request: by the model's name, else by the token, else the server's own."""
        known = [each for each, mount in self.mounts.items() if each and mount.scenario is not None]
        wanted = asked.model.removeprefix("mock/")
        if wanted in known:
            return self.mounts[wanted]
        if name and name not in self.mounts:
            message = f"no scenario {name!r} was added to this server: known are {', '.join(known) or 'none'}"
            raise routing.RefusedRequest(dialect, 404, message)
        if name not in self.mounts or asked.model.startswith("mock/"):
            message = f"the model {asked.model!r} does not exist: the scenarios of this server are {', '.join(known) or 'none'}"
            raise routing.RefusedRequest(dialect, 404, message, "model_not_found")
        return self.mounts[name]

    def _internal(self, path: str, request: HttpRequest) -> Reply:
        if path == "journal":
            return json_reply(200, msgspec.json.encode(self._server.journal.to_dict()))
        if path.startswith("signal/") and request.method == "POST":
            self._server.signal(path.removeprefix("signal/"))
            return text_reply(200, "signalled\n")
        return text_reply(404, f"GET {INTERNAL}journal or POST {INTERNAL}signal/NAME\n")


def _split(path: str) -> tuple[str, str]:
    """The token in a path, and the path without it."""
    if not path.startswith("/s/"):
        return "", path
    name, slash, rest = path.removeprefix("/s/").partition("/")
    return unquote(name), slash + rest


def _on_connection(reply: Reply, request: HttpRequest) -> Reply:
    """The reply as the peer's version of HTTP allows: 1.0 knows no chunks, and each side says when it will close."""
    if request.minor == 0 and reply.framing == "chunked":
        return msgspec.structs.replace(reply, framing="close")
    if request.minor == 0 and request.keep_alive:
        return reply.with_headers({"connection": "keep-alive"})
    return reply if request.keep_alive else reply.with_headers({"connection": "close"})
