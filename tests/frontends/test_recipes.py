"""The recipes for web frameworks, each a server of its own: a browser that goes away closes the model's connection."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from bourn.mock import ThreadedServer, http_error, ops, text

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
RECIPES = {"fastapi": ("fastapi", "uvicorn"), "starlette": ("starlette", "uvicorn"), "aiohttp": ("aiohttp",)}
ENDLESS = text(*(f"word {n} " for n in range(100_000)), whole=True)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the servers are ended with a signal")


@pytest.fixture(params=RECIPES)
def recipe(request: pytest.FixtureRequest) -> str:
    """A recipe whose framework is installed."""
    name = str(request.param)
    for package in RECIPES[name]:
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    return name


@contextmanager
def running(name: str, model_server: ThreadedServer) -> Iterator[int]:
    """The example runs and asks the mock; its port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environ = os.environ | {"OPENAI_BASE_URL": model_server.base_url(), "OPENAI_API_KEY": "k", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-W", "error", str(EXAMPLES / f"serve_{name}.py"), str(port), "openai/any"]
    with subprocess.Popen(  # noqa: S603 - our own script
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ
    ) as server:
        try:
            assert server.stdout is not None
            said = []
            for line in server.stdout:
                said.append(line)
                if "unning on" in line:
                    break
            else:
                raise AssertionError("".join(said))
            yield port
        finally:
            server.terminate()
            rest = server.communicate(timeout=20)[0]
    assert "Traceback" not in rest, rest


@contextmanager
def browser(port: int) -> Iterator[socket.socket]:
    """A connection that has asked."""
    body = b'{"messages": [{"role": "user", "content": "hi"}]}'
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        head = b"POST /chat HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n"
        connection.sendall(head + b"content-length: %d\r\n\r\n" % len(body) + body)
        yield connection


def until(connection: socket.socket, word: bytes) -> bytes:
    """What was read when ``word`` came, or at the end."""
    seen = b""
    while word not in seen and (data := connection.recv(65536)):
        seen += data
    return seen


def test_the_answer_is_served(recipe: str) -> None:
    """The front end gets the headers of an event stream, and the whole answer as it comes."""
    with ThreadedServer(text("Hello, wörld!")) as model_server, running(recipe, model_server) as port, browser(port) as there:
        answer = until(there, b"never")
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"text/event-stream; charset=utf-8" in answer
    assert "wörld!".encode() in answer


def test_a_refusal_is_a_status(recipe: str) -> None:
    """What the model's server refuses at once is an HTTP status, with words for people."""
    refusing = http_error(429, "account 17 is over its limit")
    with ThreadedServer(refusing) as model_server, running(recipe, model_server) as port, browser(port) as there:
        answer = until(there, b"never")
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"The model is busy." in answer
    assert b"account" not in answer


@pytest.mark.parametrize("model", ["silent", "talking"])
def test_a_browser_that_leaves_ends_the_call(recipe: str, model: str) -> None:
    """While the model says nothing, and in the middle of its words: its server sees the connection close."""
    scenario = text("word ", ops.WaitFor("never")) if model == "silent" else ENDLESS
    with ThreadedServer(scenario) as model_server, running(recipe, model_server) as port:
        with browser(port) as connection:
            assert b"word" in until(connection, b"word")
        ended = model_server.wait(lambda journal: [exchange for exchange in journal.exchanges if exchange.ending != "open"])
        assert [exchange.ending for exchange in ended] == ["peer left"]
