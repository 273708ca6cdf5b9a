"""A proxy records what passes; what it saved, replayed, is the same to the byte, at the same times, with the same end."""

from __future__ import annotations

import asyncio
import json
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

import bourn
from bourn import dialects
from bourn.errors import InputError
from bourn.mock import MockServer, faults, http_error, ops, recording, reply, serve, text
from bourn.mock.recorder import Recorder
from bourn.mock.replay import Replay
from tests.mock.rawpeer import NAMES, Heard, ask, hear, request_for

SAID = text("Schöne Grüße ", 0.25, "aus ", 1.5, "Zürich.").paced(first=0.5, rate=20, jitter=0.3)
KEY = "sk-secret-0123456789"

BROKEN: dict[str, faults.Fault] = {
    "whole": faults.Rechunk(),
    "reset": faults.Reset(event=3),
    "reset inside a character": faults.Reset(inside="character"),
    "fin": faults.Fin(event=3),
    "fin inside a frame": faults.Fin(inside="frame"),
    "clean end": faults.CleanEnd(event=3),
    "stall": faults.Stall(event=3),
    "one write": faults.OneWrite(),
    "gzip": faults.Gzip(),
    "html": faults.Html(),
    "empty": faults.Empty(),
    "cut head": faults.CutHead(),
}


class Timed(Heard):
    """What a peer heard, and when each read came."""

    def __init__(self, raw: bytes, end: str, reads: list[tuple[float, bytes]]) -> None:
        super().__init__(raw, end)
        self.reads = reads


async def listen(server: MockServer, request: bytes, patience: float = 60.0) -> Timed:
    """Send a request; hear it to its end, or until nothing has come for so many seconds."""
    loop = asyncio.get_running_loop()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    began, reads, end = loop.time(), [], "eof"
    try:
        writer.write(request)
        while True:
            async with asyncio.timeout(patience):
                piece = await reader.read(1 << 20)
            if not piece:
                break
            reads.append((loop.time() - began, piece))
    except ConnectionResetError:
        end = "reset"
    except TimeoutError:
        end = "stalled"
    finally:
        writer.transport.abort()
    return Timed(b"".join(piece for _, piece in reads), end, reads)


def arrivals(heard: Timed) -> dict[int, float]:
    """How many bytes of the answer's body had come, and when, for every moment at which some came."""
    counts = [0, *accumulate(of_the_body(heard))]
    ends = accumulate(len(piece) for _, piece in heard.reads)
    out: dict[int, float] = {}
    for (at, _), end in zip(heard.reads, ends, strict=True):
        if end > len(heard.head):
            out.setdefault(counts[end], at)
    return out


def of_the_body(heard: Heard) -> bytes:
    """For every byte that was heard a 1 if it is one of the body, and a 0 if it is of the head or of a chunk's frame."""
    chunked = heard.headers.get("transfer-encoding") == "chunked"
    marks, rest = bytes(len(heard.head)), heard.rest
    while rest:
        line, found, after = rest.partition(b"\r\n") if chunked else (b"", b"", rest)
        size = int(line, 16) if found and line else 0 if chunked else len(rest)
        marks += bytes(len(line + found)) + b"\1" * len(after[:size]) + bytes(len(after[size : size + 2]))
        rest = after[size + 2 :]
    return marks


def folders(root: Path) -> list[Path]:
    """The recordings in a folder."""
    return sorted(root.iterdir())


async def record(folder: Path, server: MockServer, name: str = "openai-chat", **options: Any) -> Timed:
    """Ask a server through a recorder; what its client heard."""
    async with serve(Recorder(server.url, folder, **options)) as proxy:
        heard = await listen(proxy, request_for(dialects.get(name), proxy, key=KEY))
        await proxy.journal.ended()
    return heard


@pytest.mark.parametrize("name", NAMES)
async def test_a_client_of_the_recorder_hears_what_the_service_sends(tmp_path: Path, name: str) -> None:
    """Every byte passes as it is, at the time at which it came."""
    async with serve(SAID, seed=5) as server:
        direct = await listen(server, request_for(dialects.get(name), server, key=KEY))
    async with serve(SAID, seed=5) as server:
        through = await record(tmp_path, server, name)
    assert (through.raw, through.end) == (direct.raw, direct.end)
    assert list(arrivals(through)) == list(arrivals(direct))
    assert list(arrivals(through).values()) == pytest.approx(list(arrivals(direct).values()), abs=1e-5)


@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN.keys())
async def test_a_recording_is_replayed_with_the_same_bytes_times_and_end(tmp_path: Path, fault: faults.Fault) -> None:
    """Whatever went wrong on the wire goes wrong again."""
    async with serve(SAID, fault=fault) as server:
        first = await record(tmp_path, server)
    async with serve(Replay(recording.load(tmp_path))) as server:
        again = await listen(server, request_for(dialects.get("openai-chat"), server))
    assert (again.status, again.body, again.end, again.whole) == (first.status, first.body, first.end, first.whole)
    if not first.status:
        assert again.raw == first.raw
    else:
        assert again.headers == first.headers
        assert list(arrivals(again)) == list(arrivals(first))
        assert list(arrivals(again).values()) == pytest.approx(list(arrivals(first).values()), abs=1e-5)


@pytest.mark.parametrize(("speed", "seconds"), [(10.0, 0.1), (float("inf"), 0.0), (0.5, 2.0)])
async def test_time_can_be_warped(tmp_path: Path, speed: float, seconds: float) -> None:
    """A speed divides all times; an infinite one does not wait."""
    async with serve(text("a", 0.75, "b", 0.25, "c")) as server:
        first = await record(tmp_path, server)
    async with serve(Replay(recording.load(tmp_path), speed=speed)) as server:
        again = await listen(server, request_for(dialects.get("openai-chat"), server))
    assert again.body == first.body
    assert again.reads[-1][0] == pytest.approx(seconds, abs=1e-5)


async def test_what_is_written_down(tmp_path: Path) -> None:
    """The folder tells the request, the head, the reads with their times, and how it ended."""
    async with serve(text("a", 0.75, "b"), fault=faults.Reset(event=4)) as server:
        heard = await record(tmp_path, server)
        host = server.origin.removeprefix("http://")
    told = json.loads((tmp_path / "0001-openai-chat" / "response.json").read_text())
    asked = json.loads((tmp_path / "0001-openai-chat" / "request.json").read_text())
    assert (tmp_path / "0001-openai-chat" / "body.bin").read_bytes() == heard.body
    assert (told["status"], told["ending"], told["wire_format"], told["framing"]) == (200, "reset", "openai-chat", "sse")
    assert (told["vendor"], told["model"], told["stream_requested"]) == (host, "m", True)
    assert sum(size for _, size in told["reads"]) == told["bytes"] == len(heard.body)
    assert {round(at, 6) for at, _ in told["reads"]} == {0.0, 0.75}
    assert asked["url"] == f"http://{host}/v1/chat/completions"
    assert asked["body"]["model"] == "m"


async def test_no_key_is_in_the_folder(tmp_path: Path) -> None:
    """Neither that of a header, nor one of a query or body, nor a named one, even where the service says it back."""
    other, named = "key-in-the-query-42", "named-secret-77"

    def parrot(request: Any) -> reply.Reply:
        said = f"{request.headers['authorization']} {request.query} {request.body.decode()} {named}".encode()
        return reply.Reply(200, {"content-type": "text/plain", "set-cookie": "session=abcdefghijk", "x-key": KEY}, [said])

    body = json.dumps({"model": "m", "tools": [{"authorization": "mcp-secret-value"}], "note": named}).encode()
    lines = f"authorization: Bearer {KEY}\r\ncookie: a=cookie-value-1\r\ncontent-length: {len(body)}\r\n"
    async with serve(parrot) as server, serve(Recorder(server.url, tmp_path, secrets=[named])) as proxy:
        request = f"POST /v1/thing?key={other}&a=b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{lines}\r\n".encode() + body
        heard = await hear(proxy, request)
        await proxy.journal.ended()
    assert KEY.encode() in heard.body, "the client itself gets every byte"
    written = b"".join(each.read_bytes() for folder in folders(tmp_path) for each in folder.iterdir())
    for secret in (KEY, other, named, "mcp-secret-value", "cookie-value-1", "abcdefghijk"):
        assert secret.encode() not in written
    (kept,) = recording.load(tmp_path)
    assert len(kept.body) == len(heard.body)
    assert kept.response.fidelity == "wire,scrubbed"
    assert kept.request.query == "key=***&a=b"


async def test_a_client_that_leaves_takes_the_upstream_along(tmp_path: Path) -> None:
    """The service sees its client go at once; what had passed is kept, and is replayed up to there."""
    async with serve(text("a", "b", ops.WaitFor("never"), "c")) as server, serve(Recorder(server.url, tmp_path)) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(request_for(dialects.get("openai-chat"), proxy))
        await reader.readuntil(b'"b"')
        writer.transport.abort()
        (seen,) = await server.journal.closed()
        assert seen.peer in ("eof", "reset")
        await proxy.journal.ended()
    (kept,) = recording.load(tmp_path)
    assert kept.response.ending == "open"
    async with serve(Replay([kept])) as server:
        again = await ask(server, "openai-chat")
    assert (again.end, again.body) == ("stalled", kept.body)


async def test_bytes_pass_before_the_answer_is_whole(tmp_path: Path) -> None:
    """Nothing is held back: a piece is with the client while the service still waits for its signal."""
    async with serve(text("first", ops.WaitFor("go"), "second")) as server, serve(Recorder(server.url, tmp_path)) as proxy:
        stream = bourn.stream("openai/m", "hi", base_url=proxy.base_url(), api_key=KEY)
        pieces = []
        async for piece in stream.text():
            pieces.append(piece)
            server.signal("go")
        assert pieces == ["first", "second"]


async def test_an_upstream_that_refuses_is_said_and_not_saved(tmp_path: Path) -> None:
    """No connection is a 502 that says so, and no recording."""
    async with serve() as server, serve(Recorder(server.refusing_origin, tmp_path)) as proxy:
        heard = await ask(proxy, "openai-chat")
        assert heard.status == 502
        assert b"no connection to 127.0.0.1:" in heard.body
        assert proxy.journal.exchanges[0].notes[0].startswith("no connection to")
    assert folders(tmp_path) == []


async def test_what_is_not_http_is_replayed_too(tmp_path: Path) -> None:
    """Bytes that are no response, or part of one, pass to the client, and come again."""
    for number, said in enumerate((b"SSH-2.0-nope\r\n\r\nwho are you?", b"HTTP/1.1 200 O"), 1):
        async with serve([ops.Send(said), ops.Wait(2), ops.Close()]) as server:
            request = request_for(dialects.get("openai-chat"), server)
            assert (await record(tmp_path / str(number), server)).raw == said
        (kept,) = recording.load(tmp_path / str(number))
        assert (kept.response.status, kept.response.ending, kept.body) == (0, "cut", said)
        async with serve(Replay([kept])) as server:
            again = await listen(server, request)
            assert (again.raw, again.end) == (said, "eof")
            assert server.now() == pytest.approx(2)


async def test_a_body_that_breaks_its_framing_passes_and_is_not_saved(tmp_path: Path) -> None:
    """It cannot be told which of its bytes are the body; the journal says so."""
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    async with serve([ops.Send(head + b"zz\r\nhm"), ops.Close()]) as server, serve(Recorder(server.url, tmp_path)) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(request_for(dialects.get("openai-chat"), proxy))
        assert await reader.read() == head + b"zz\r\nhm"
        writer.close()
        assert proxy.journal.exchanges[0].notes == ["not saved: not a chunk size: b'zz'"]
    assert folders(tmp_path) == []


async def test_an_upstream_with_a_path_stands_before_the_clients_path(tmp_path: Path) -> None:
    """`--upstream https://host/base` and a request for `/x` is a request for `/base/x`; numbers go on where they were."""
    async with serve() as server:
        mount = server.add(http_error(429, retry_after=3), name="busy")
        for number in ("0001", "0002"):
            async with serve(Recorder(mount.base_url(), tmp_path)) as proxy:
                request = request_for(dialects.get("openai-chat"), proxy).replace(b"/v1/chat", b"/chat", 1)
                assert (await hear(proxy, request)).status == 429
                await proxy.journal.ended()
            assert (tmp_path / f"{number}-openai-chat").is_dir()
    assert {each.request.path for each in recording.load(tmp_path)} == {"/s/busy/v1/chat/completions"}


@pytest.mark.parametrize(
    ("upstream", "said"),
    [
        ("api.openai.com", "must be a whole URL"),
        ("ftp://x", "must be a whole URL"),
        ("https://user:pw@x", "leave out keys"),
        ("https://x/v1?key=1", "leave out keys"),
        ("https://x:port", "no URL"),
    ],
)
def test_an_upstream_must_be_an_address(tmp_path: Path, upstream: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        Recorder(upstream, tmp_path)
    assert "pw" not in str(caught.value)
