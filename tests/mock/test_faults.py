"""For each fault: the bytes before it are delivered, to the byte, and the peer sees exactly that end."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from bourn import dialects
from bourn.errors import InputError, PayloadError, TruncatedError
from bourn.events import Other
from bourn.mock import Answer, MockServer, faults, reasoning, text, tool_call
from bourn.mock.faults import FAULTS, Fault, describe, fault
from tests.mock.rawpeer import NAMES, Heard, ask, chunk, names_for
from tests.recordings import decode

SAID: Answer = reasoning("Hmm.") + text("Hello, wörld! How do you do?") + tool_call("f", {"city": "Zürich"})
LAST = b"0\r\n\r\n"
ALL = pytest.mark.parametrize("name", NAMES)


def fits(which: str) -> pytest.MarkDecorator:
    """Every dialect in whose framing a fault can be written."""
    return pytest.mark.parametrize("name", names_for(FAULTS[which]))


async def clean(name: str) -> Heard:
    """The same answer without a fault."""
    async with MockServer(SAID) as server:
        heard = await ask(server, name)
    assert (heard.end, heard.whole, heard.after, heard.status) == ("eof", True, b"", 200)
    return heard


async def broken(name: str, broken_by: Fault | list[Fault | str], **options: Any) -> Heard:
    async with MockServer(SAID, fault=broken_by) as server:
        return await ask(server, name, **options)


def place(frames: list[bytes], number: int) -> bytes:
    return b"".join(chunk(frame) for frame in frames[:number])


def meaning(name: str, body: bytes) -> list[Any]:
    """The events that the client's half reads in a body, without those that the vocabulary does not model."""
    decoded = decode(dialects.get(name), [body])
    assert decoded.error is None
    return [event for event in decoded.events if type(event) is not Other]


@ALL
@pytest.mark.parametrize(("kind", "end"), [(faults.Reset, "reset"), (faults.Fin, "eof"), (faults.Stall, "stalled")])
@pytest.mark.parametrize("event", [0, 1, 4])
async def test_a_cut_before_an_event_delivers_the_events_before_it_and_nothing_else(
    name: str, kind: Any, end: str, event: int
) -> None:
    whole = await clean(name)
    heard = await broken(name, kind(event=event))
    assert heard.rest == place(whole.chunks, event)
    assert (heard.head, heard.end, heard.whole) == (whole.head, end, False)


@ALL
@pytest.mark.parametrize(("kind", "end"), [(faults.Reset, "reset"), (faults.Fin, "eof"), (faults.Stall, "stalled")])
async def test_a_cut_after_any_byte_delivers_so_many_bytes_of_the_body(name: str, kind: Any, end: str) -> None:
    whole = await clean(name)
    for byte in (0, 1, 17, len(whole.chunks[0]), len(whole.chunks[0]) + 1, len(whole.body) - 1):
        heard = await broken(name, kind(byte=byte))
        assert (heard.body, heard.end, heard.whole) == (whole.body[:byte], end, False)


@ALL
@pytest.mark.parametrize(("kind", "end"), [(faults.Reset, "reset"), (faults.Fin, "eof"), (faults.Stall, "stalled")])
async def test_a_cut_can_be_inside_a_line_a_frame_or_a_chunk_header(name: str, kind: Any, end: str) -> None:
    frames = (await clean(name)).chunks
    inside_line = await broken(name, kind(event=3, inside="line"))
    assert inside_line.rest.startswith(place(frames, 3) + f"{len(frames[3]):x}\r\n".encode())
    assert frames[3].startswith(inside_line.chunks[-1])
    assert 0 < len(inside_line.chunks[-1]) < len(frames[3]) - 1
    inside_frame = await broken(name, kind(event=3, inside="frame"))
    assert inside_frame.chunks[-1] == frames[3][:-1]
    inside_header = await broken(name, kind(event=3, inside="chunk_header"))
    assert inside_header.rest == place(frames, 3) + f"{len(frames[3]):x}".encode()[:1]
    assert {inside_line.end, inside_frame.end, inside_header.end} == {end}


@ALL
async def test_a_cut_can_be_inside_a_character_where_there_is_one_on_the_wire(name: str) -> None:
    body, odd = (await clean(name)).body, "ö".encode()
    if odd in body:
        heard = await broken(name, faults.Reset(event=0, inside="character"))
        assert heard.body == body[: body.index(odd) + 1]
    else:  # base64
        with pytest.raises(InputError, match="never struck"):
            await broken(name, faults.Reset(event=0, inside="character"))


@ALL
@pytest.mark.parametrize("inside", [None, "line", "frame", "chunk_header"])
async def test_after_a_stall_with_an_end_the_rest_comes_as_if_nothing_had_been(name: str, inside: Any) -> None:
    whole = await clean(name)
    async with MockServer(SAID, fault=faults.Stall(event=3, inside=inside, seconds=500)) as server:
        heard = await ask(server, name)
        assert (heard.body, heard.end, heard.whole) == (whole.body, "eof", True)
        (exchange,) = server.journal.exchanges
        assert exchange.ended_at is not None
        assert exchange.ended_at - exchange.at == pytest.approx(500)


@ALL
async def test_a_clean_end_is_well_framed_wherever_it_is(name: str) -> None:
    frames = (await clean(name)).chunks
    heard = await broken(name, faults.CleanEnd(event=3))
    assert (heard.rest, heard.end) == (place(frames, 3) + LAST, "eof")
    inside = await broken(name, faults.CleanEnd(event=3, inside="line"))
    assert (inside.whole, inside.body) == (True, b"".join(frames)[: len(inside.body)])
    assert isinstance(decode(dialects.get(name), [inside.body]).error, TruncatedError)


@fits("no-finish")
async def test_without_its_finish_an_answer_ends_cleanly_and_is_truncated(name: str) -> None:
    whole = await clean(name)
    heard = await broken(name, faults.NoFinish())
    assert (heard.whole, heard.end, whole.body.startswith(heard.body)) == (True, "eof", True)
    decoded = decode(dialects.get(name), [heard.body])
    assert isinstance(decoded.error, TruncatedError)
    assert decoded.response.text == "Hello, wörld! How do you do?"


@fits("pings")
@pytest.mark.parametrize("kind", ["comment", "event"])
async def test_pings_come_at_their_times_and_nothing_else(name: str, kind: Any) -> None:
    frames = (await clean(name)).chunks
    async with MockServer(SAID, fault=faults.Pings(event=2, every=7, kind=kind)) as server:
        loop, start = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        heard = await ask(server, name, most=len((await clean(name)).head) + len(place(frames, 2)) + 400)
        pings = heard.chunks[2:]
        assert heard.chunks[:2] == frames[:2]
        assert len(set(pings)) == 1
        assert b"ping" in pings[0]
        assert loop.time() - start == pytest.approx(7 * len(pings))


@fits("pings")
async def test_after_its_count_of_pings_the_answer_goes_on(name: str) -> None:
    whole = await clean(name)
    heard = await broken(name, faults.Pings(event=2, every=1, count=3))
    assert heard.chunks == [*whole.chunks[:2], *[b": ping\n\n"] * 3, *whole.chunks[2:]]


SAME_BODY: dict[str, Fault] = {
    "drip": faults.Drip(),
    "one-write": faults.OneWrite(),
    "rechunk": faults.Rechunk(),
}


@ALL
@pytest.mark.parametrize("which", SAME_BODY)
async def test_other_cuts_change_no_byte_of_the_body(name: str, which: str) -> None:
    whole = await clean(name)
    heard = await broken(name, SAME_BODY[which])
    assert (heard.body, heard.end, heard.whole, heard.after) == (whole.body, "eof", True, b"")
    sizes = [len(piece) for piece in heard.chunks]
    assert {"drip": set(sizes) == {1}, "one-write": len(sizes) == 1, "rechunk": max(sizes) <= 40 and len(set(sizes)) > 5}[which]


SAME_MEANING: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "bom": lambda frames: [b"\xef\xbb\xbf", *frames],
    "crlf": lambda frames: [b"\r\n".join(frame.splitlines()) + frame[-1:].replace(b"\n", b"\r\n") for frame in frames],
    "cr": lambda frames: [b"\r".join(frame.splitlines()) + frame[-1:].replace(b"\n", b"\r") for frame in frames],
    "comments": lambda frames: [piece for frame in frames for piece in (b": bourn\n\n", frame)],
    "bytes-after-end": lambda frames: [*frames, b'data: {"type":"bourn.late"}\n\n'],
}


@pytest.mark.parametrize(("which", "name"), [(which, name) for which in SAME_MEANING for name in names_for(FAULTS[which])])
async def test_an_oddity_that_every_reader_must_bear_is_as_described(name: str, which: str) -> None:
    whole = await clean(name)
    heard = await broken(name, [which])
    assert (heard.chunks, heard.end, heard.whole) == (SAME_MEANING[which](whole.chunks), "eof", True)
    assert meaning(name, heard.body) == meaning(name, whole.body)


@fits("ping-events")
async def test_unknown_events_and_pings_stand_between_the_events_and_mean_nothing(name: str) -> None:
    whole = await clean(name)
    for which, word in (("unknown-events", b"bourn.unknown"), ("ping-events", b"event: ping")):
        heard = await broken(name, [which])
        own = [frame for frame in heard.chunks if word not in frame or frame in whole.chunks]
        assert [frame for frame in own if b"ping" not in frame] == [frame for frame in whole.chunks if b"ping" not in frame]
        assert len(heard.chunks) > len(whole.chunks) + 5
        assert decode(dialects.get(name), [heard.body]).response.text == "Hello, wörld! How do you do?"


@fits("bytes-after-end")
async def test_bytes_after_the_end_of_the_body_follow_on_the_connection(name: str) -> None:
    whole = await clean(name)
    heard = await broken(name, faults.BytesAfterEnd(data="more", where="connection"))
    assert heard.raw == whole.raw + b"more"


@fits("invalid-utf8")
async def test_invalid_utf8_stands_inside_the_first_text_from_its_event_on(name: str) -> None:
    whole = await clean(name)
    heard = await broken(name, faults.InvalidUtf8())
    changed = [(a, b) for a, b in zip(whole.chunks, heard.chunks, strict=True) if a != b]
    assert [b.replace(b"\xff\xfe", b"", 1) for _, b in changed] == [a for a, _ in changed]
    assert len(changed) == 1
    with pytest.raises(UnicodeDecodeError):
        heard.body.decode()
    response = decode(dialects.get(name), [heard.body]).response
    assert (response.reasoning + response.text).startswith("�")


@fits("malformed-json")
async def test_malformed_json_is_one_frame_that_no_reader_can_read(name: str) -> None:
    whole = await clean(name)
    heard = await broken(name, faults.MalformedJson(event=3))
    changed = [number for number, (a, b) in enumerate(zip(whole.chunks, heard.chunks, strict=True)) if a != b]
    assert changed == [3]
    assert len(heard.chunks[3]) == len(whole.chunks[3]) - 1
    assert isinstance(decode(dialects.get(name), [heard.body]).error, PayloadError)


@fits("duplicate-finish")
async def test_a_duplicate_finish_repeats_only_the_last_frames(name: str) -> None:
    whole = await clean(name)
    heard = await broken(name, faults.DuplicateFinish())
    once = list(dict.fromkeys(heard.chunks))
    assert once == list(dict.fromkeys(whole.chunks))
    twice = [frame for frame in once if heard.chunks.count(frame) > whole.chunks.count(frame)]
    assert twice == once[-len(twice) :]
    assert twice
    assert meaning(name, heard.body) == meaning(name, whole.body)


@fits("huge-line")
async def test_a_huge_line_is_one_event_of_its_size_before_its_event(name: str) -> None:
    whole = await clean(name)
    heard = await broken(name, faults.HugeLine(size=1_000_000, event=3))
    frames = whole.chunks
    assert heard.body.startswith(b"".join(frames[:3]))
    assert heard.body.endswith(b"".join(frames[3:]))
    line = max(heard.body.split(b"\n"), key=len)
    assert 1_000_000 < len(line) < 1_000_200
    assert meaning(name, heard.body)[-1] == meaning(name, whole.body)[-1]


@fits("endless")
async def test_an_endless_answer_repeats_its_last_text_and_stops_when_the_peer_leaves(name: str) -> None:
    whole = await clean(name)
    async with MockServer(SAID, fault="endless") as server:
        heard = await ask(server, name, most=300_000)
        frames = heard.chunks[:-1]
        assert whole.body.startswith(b"".join(list(dict.fromkeys(frames))))
        assert frames.count(frames[-1]) > 500
        await server.journal.closed()
        assert server.journal.exchanges[0].ending == "peer left"


INSTEAD = {"html": "text/html; charset=utf-8", "json": "application/json", "empty": None}


@ALL
@pytest.mark.parametrize("which", INSTEAD)
async def test_a_200_can_hold_something_else(name: str, which: str) -> None:
    heard = await broken(name, [which])
    assert (heard.status, heard.end, heard.whole) == (200, "eof", True)
    assert heard.headers["content-type"] == (INSTEAD[which] or (await clean(name)).headers["content-type"])
    assert (heard.body == b"") == (which == "empty")
    assert b"Hello" not in heard.body


@ALL
async def test_a_wrong_content_type_changes_nothing_else(name: str) -> None:
    whole = await clean(name)
    wrong = await broken(name, faults.WrongContentType())
    none = await broken(name, faults.WrongContentType(value=""))
    assert wrong.body == none.body == whole.body
    assert wrong.headers["content-type"] == "text/plain; charset=utf-8"
    assert "content-type" not in none.headers


@ALL
@pytest.mark.parametrize("stream", [True, False])
async def test_gzip_unfolds_to_the_same_body(name: str, stream: bool) -> None:
    async with MockServer(SAID) as server:
        whole = await ask(server, name, stream=stream)
    heard = await broken(name, faults.Gzip(), stream=stream)
    assert heard.headers["content-encoding"] == "gzip"
    assert gzip.decompress(heard.body) == whole.body
    assert heard.whole


async def test_a_gzip_bomb_is_small_on_the_wire_and_large_unfolded():
    whole = await clean("openai-chat")
    heard = await broken("openai-chat", faults.GzipBomb(size=50_000_000))
    unfolder, size = zlib.decompressobj(wbits=31), 0
    for piece in heard.chunks:
        size += len(unfolder.decompress(piece))
    assert unfolder.eof
    assert size == len(whole.body) + 50_000_000
    assert len(heard.body) < 100_000


@ALL
async def test_a_redirect_leads_to_another_origin(name: str) -> None:
    async with MockServer(SAID, fault="redirect") as server:
        heard = await ask(server, name)
        assert (heard.status, heard.body, heard.whole) == (307, b"", True)
        assert heard.headers["location"] == f"http://localhost:{server.port}/elsewhere"
    elsewhere = await broken(name, faults.Redirect(location="http://192.0.2.1/", status=301))
    assert (elsewhere.status, elsewhere.headers["location"]) == (301, "http://192.0.2.1/")


@ALL
async def test_slow_headers_take_their_time_and_lose_nothing(name: str) -> None:
    whole = await clean(name)
    start = asyncio.get_running_loop().time()
    heard = await broken(name, faults.SlowHeaders(seconds=90))
    assert heard.raw == whole.raw
    assert asyncio.get_running_loop().time() - start == pytest.approx(90)


@pytest.mark.parametrize("many", [False, True])
async def test_a_huge_header_has_its_size_and_the_answer_follows(many: bool) -> None:
    whole = await clean("anthropic")
    heard = await broken("anthropic", faults.HugeHeader(size=3_000_000, many=many))
    assert 3_000_000 <= len(heard.head) - len(whole.head) < 3_100_000
    assert heard.rest == whole.rest
    assert heard.head.count(b"\r\n") > 10_000 if many else heard.head.count(b"\r\n") < 20


@ALL
async def test_a_cut_head_has_so_many_bytes_and_ends_with_a_reset(name: str) -> None:
    heard = await broken(name, faults.CutHead(byte=30))
    assert (heard.raw, heard.end) == ((await clean(name)).raw[:30], "reset")


async def test_refused_is_a_port_that_refuses_beside_one_that_answers():
    async with MockServer(SAID) as server:
        refusing = server.add(SAID, fault="refused")
        with pytest.raises(ConnectionRefusedError):
            await ask(refusing, "anthropic")
        assert (await ask(server, "anthropic")).whole
    async with MockServer(SAID, fault="refused") as server:
        with pytest.raises(ConnectionRefusedError):
            await ask(server, "anthropic")


@ALL
async def test_faults_compose_whatever_their_order(name: str) -> None:
    whole = await clean(name)
    cut = faults.Reset(byte=200)
    for both in ([cut, faults.Rechunk()], [faults.Rechunk(), cut]):
        heard = await broken(name, [*both, faults.SlowHeaders(seconds=10), "wrong-content-type"])
        assert (heard.body, heard.end) == (whole.body[:200], "reset")
        assert len(heard.chunks) > 5


@ALL
@pytest.mark.parametrize("which", ["reset", "fin", "clean-end"])
async def test_an_answer_that_is_not_streamed_can_be_cut_as_well(name: str, which: str) -> None:
    async with MockServer(SAID) as server:
        whole = await ask(server, name, stream=False)
    heard = await broken(name, fault(which, byte=50), stream=False)
    assert heard.body == whole.body[:50]
    assert heard.end == ("reset" if which == "reset" else "eof")
    assert heard.headers["content-length"] == ("50" if which == "clean-end" else whole.headers["content-length"])


async def test_a_fault_that_never_strikes_is_reported_when_the_server_is_left():
    for never in (faults.Reset(event=99), faults.Stall(byte=10**6), faults.MalformedJson(event=99), faults.HugeLine(event=99)):
        with pytest.raises(InputError, match=f"the fault {never.label.split('(')[0]}.* never struck"):
            await broken("openai-chat", never)


async def test_a_fault_that_cannot_be_written_in_the_media_type_is_refused_with_the_reason():
    with pytest.raises(InputError, match="comments needs text/event-stream, and this answer is application/json"):
        await broken("openai-chat", ["comments"], stream=False)


async def test_the_journal_names_the_fault_and_the_moment_it_struck():
    async with MockServer(SAID, fault=[faults.Reset(event=1), "drip"]) as server:
        await ask(server, "anthropic")
        (exchange,) = server.journal.exchanges
        assert exchange.faults == ("reset(event=1)", "drip")
        assert exchange.notes == ["fault: reset(event=1)"]
        assert (exchange.ending, exchange.connection.peer) == ("cut", "open")


def test_faults_are_found_by_name_and_a_wrong_name_or_field_is_told_the_right_ones():
    assert fault("reset", byte=3) == faults.Reset(byte=3)
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("rset", {}, "unknown fault 'rset'; did you mean 'reset'"),
        ("zzz", {}, "known are reset, fin"),
        ("reset", {"evnt": 1}, "unknown field `evnt`; its fields are: event, byte, inside"),
        ("reset", {"event": -1}, "Expected `int` >= 0"),
        ("reset", {"byte": 1, "inside": "line"}, "byte or inside, not both"),
        ("clean-end", {"inside": "chunk_header"}, "use fin"),
    ]
    for name, fields, words in wrong:
        with pytest.raises(InputError, match=words):
            fault(name, **fields)


def test_every_fault_says_what_it_does_in_one_sentence():
    for name, kind in FAULTS.items():
        assert describe(kind).endswith((".", ":")), name
        assert fault(name) == kind()


TESTED_HERE = {"reset", "fin", "stall", "clean-end", "no-finish", "pings", *SAME_BODY, *SAME_MEANING, "unknown-events"} | {
    *("ping-events", "invalid-utf8", "malformed-json", "duplicate-finish", "huge-line", "endless", *INSTEAD),
    *("wrong-content-type", "gzip", "gzip-bomb", "redirect", "slow-headers", "huge-header", "cut-head", "refused"),
}


def test_every_fault_of_the_table_is_tested_here():
    assert set(FAULTS) == TESTED_HERE
