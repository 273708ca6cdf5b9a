"""The real model in a real llama.cpp: what only they can prove. Skipped where the file or xllamacpp is not there."""

from __future__ import annotations

import asyncio
import importlib.util
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import bourn
from bourn.errors import ModelFileError
from bourn.transport.local import models
from bourn.transport.local.child import PARAMETERS
from bourn.transport.local.server import Lease, Servers
from bourn.transport.local.transport import LocalTransport

NAME = "smollm2-135m"
QUESTION = [{"role": "user", "content": "Why is the sky blue?"}]
TOKENS = 24


def _missing() -> str:
    """What keeps these tests from running, if anything does."""
    if importlib.util.find_spec("xllamacpp") is None:
        return "xllamacpp is not installed: run `python3 -m pip install 'bourn[local]'`"
    try:
        models.find(NAME)
    except ModelFileError as error:
        return error.message
    return ""


pytestmark = pytest.mark.skipif(bool(_missing()), reason=_missing())

BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": QUESTION, "max_tokens": TOKENS},
    "/v1/responses": {"input": QUESTION, "max_output_tokens": TOKENS},
    "/v1/messages": {"messages": QUESTION, "max_tokens": TOKENS},
}


async def ask(lease: Lease, path: str, key: str) -> tuple[int, dict[str, Any]]:
    """One answer that is not streamed: status and body."""
    body = {"model": NAME, "temperature": 0, **BODIES[path]}
    headers = {"authorization": f"Bearer {key}", "connection": "close"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(lease.base_url + path, json=body, headers=headers) as response,
    ):
        return response.status, await response.json()


def told(path: str, answer: dict[str, Any]) -> str:
    """The text of an answer in the format of its path."""
    if path == "/v1/chat/completions":
        return str(answer["choices"][0]["message"]["content"])
    parts = answer["output"][0]["content"] if path == "/v1/responses" else answer["content"]
    return str(parts[0]["text"])


def test_the_model_answers_in_three_formats_and_only_with_the_key() -> None:
    """At temperature 0 the three say the same; a wrong key is refused by each; afterwards the process is gone."""

    async def main() -> None:
        servers = Servers()
        lease = await servers.acquire(NAME)
        (process,) = servers._running.values()
        answers = {path: await ask(lease, path, lease.key) for path in BODIES}
        assert {status for status, _ in answers.values()} == {200}
        texts = {told(path, answer) for path, (_, answer) in answers.items()}
        assert len(texts) == 1
        assert len(texts.pop().split()) > 10
        assert [(await ask(lease, path, "wrong"))[0] for path in BODIES] == [401, 401, 401]
        await lease.aclose()
        assert process._popen is not None
        assert process._popen.returncode == -signal.SIGKILL

    asyncio.run(main())


def test_one_program_streams_the_model_over_three_dialects() -> None:
    """Equal text, one server, nothing left: no thread, and no child once the client is closed."""

    async def main() -> None:
        servers = Servers()
        texts, usages = set(), []
        async with bourn.Client(transport=LocalTransport(servers=servers)) as client:
            for dialect in ("openai-chat", "openai-responses", "anthropic"):
                async with client.stream(
                    f"local/{NAME}", "Why is the sky blue?", dialect=dialect, temperature=0, max_tokens=TOKENS
                ) as stream:
                    assert isinstance([event async for event in stream][-1], bourn.Finish)
                texts.add(stream.response.text)
                usages.append(stream.response.usage)
            assert len(servers._running) == 1
        assert len(texts) == 1
        assert [usage and usage.output_tokens for usage in usages] == [TOKENS] * 3
        assert not servers._running
        for thread in threading.enumerate():
            if thread.name.startswith("bourn"):
                thread.join(20)
                assert not thread.is_alive()

    asyncio.run(main())


def test_more_streams_than_slots_take_turns() -> None:
    """Each gets its own answer, of the length it asked for."""
    lengths = range(2, 9)

    async def main() -> None:
        async with bourn.Client(transport=LocalTransport(servers=Servers())) as client:

            async def count(length: int) -> int | None:
                stream = client.stream(f"local/{NAME}", "Hello!", max_tokens=length, extra={"ignore_eos": True})
                usage = (await stream.collect()).usage
                return usage.output_tokens if usage else None

            assert await asyncio.gather(*map(count, lengths)) == [*lengths]

    assert len(lengths) > PARAMETERS["n_parallel"]
    asyncio.run(main())


def test_a_closed_stream_stops_the_generation() -> None:
    """The slot is free again long before the answer could be whole."""

    async def main() -> None:
        servers = Servers()
        transport = LocalTransport(servers=servers)
        async with bourn.Client(transport=transport) as client, aiohttp.ClientSession() as session:
            async with client.stream(f"local/{NAME}", "Count to 4000.", extra={"ignore_eos": True}) as stream:
                async for event in stream:
                    if isinstance(event, bourn.TextDelta):
                        break
            lease = transport._leases[NAME]
            busy = True
            for _ in range(500):  # some 4000 tokens would take half a minute
                async with session.get(
                    lease.base_url + "/slots", headers={"authorization": f"Bearer {lease.key}", "connection": "close"}
                ) as response:
                    busy = any(slot["is_processing"] for slot in await response.json())
                if not busy:
                    break
            assert not busy

    asyncio.run(main())


def test_a_damaged_copy_is_refused(tmp_path: Path) -> None:
    """One cut short, and one whose header is garbage: a sentence with llama.cpp's reason."""
    content = models.find(NAME).read_bytes()
    (tmp_path / "cut.gguf").write_bytes(content[: len(content) // 2])
    (tmp_path / "garbage.gguf").write_bytes(content[:40] + bytes(range(256)) * 16 + content[4136:100_000])

    async def main() -> None:
        with pytest.raises(ModelFileError, match=r"llama.cpp cannot load .*cut.gguf: .*corrupted or incomplete"):
            await Servers().acquire(str(tmp_path / "cut.gguf"))
        with pytest.raises(ModelFileError, match=r"llama.cpp cannot load .*garbage.gguf: "):
            await Servers().acquire(str(tmp_path / "garbage.gguf"))

    asyncio.run(main())


PARENT = """
import asyncio, sys
from bourn.transport.local.server import acquire
lease = asyncio.run(acquire(sys.argv[1], keep=True))
print(lease.base_url, flush=True)
sys.stdin.read()
"""


def test_a_killed_parent_takes_the_model_with_it() -> None:
    """A connection to the server ends with the server."""
    command = [sys.executable, "-c", PARENT, NAME]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:  # noqa: S603 - our own program
        assert parent.stdout is not None
        host, _, port = parent.stdout.readline().decode().strip().removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            parent.kill()
            assert connection.recv(1) == b""
