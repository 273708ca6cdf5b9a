"""Spoiling: seeded, framing kept where only a payload is spoilt, and every way to spoil does something."""

from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.testing import spoiling
from bourn.testing.spoiling import spoil, spoil_json, spoil_payloads
from bourn.wire import eventstream, sse
from bourn.wire.sse import SSEFramer

DOCUMENT = {"id": "x", "choices": [{"delta": {"content": "hi"}, "index": 0}], "usage": {"n": 1}}
FRAMED: dict[str, bytes] = {
    "sse": b"".join(sse.encode(json.dumps(DOCUMENT).encode(), "message") for _ in range(3)),
    "ndjson": b"".join(json.dumps(DOCUMENT).encode() + b"\n" for _ in range(3)),
    "array": json.dumps([DOCUMENT] * 3, indent=2).encode(),
    "eventstream": b"".join(eventstream.encode(json.dumps(DOCUMENT).encode(), {":event-type": "chunk"}) for _ in range(3)),
    "bytes in an eventstream": eventstream.encode(b'{"bytes":"eyJ0eXBlIjoieCJ9"}', {":event-type": "chunk"}),
}
seeds = st.integers(0, 2**32)


@pytest.mark.parametrize("body", FRAMED.values(), ids=FRAMED)
def test_the_same_dice_give_the_same_bytes(body: bytes) -> None:
    """A failure can be had again from its seed."""
    spoilt = [spoil(body, Random(seed)) for seed in range(100)]
    assert spoilt == [spoil(body, Random(seed)) for seed in range(100)]
    assert len(set(spoilt)) > 60


@given(seeds)
def test_the_framing_is_kept_where_a_payload_is_spoilt(seed: int) -> None:
    """The same number of events and of messages, checksums and all; one of them is another one."""
    events = SSEFramer().feed(spoil_payloads(FRAMED["sse"], Random(seed)))
    assert [event.event for event in events] == ["message"] * 3
    assert sum(json.dumps(DOCUMENT).encode() == event.data for event in events) in (2, 3)
    for name, count in (("eventstream", 3), ("bytes in an eventstream", 1)):
        framer = eventstream.EventStreamFramer()
        assert len(framer.feed(spoil_payloads(FRAMED[name], Random(seed)))) == count
        assert framer.close()


def test_what_a_payload_holds_in_base64_is_spoilt_too() -> None:
    """Bedrock's events are in there."""
    body = FRAMED["bytes in an eventstream"]
    frames = [eventstream.EventStreamFramer().feed(spoil_payloads(body, Random(seed)))[0].payload for seed in range(50)]
    assert sum(payload.startswith(b'{"bytes": "') for payload in frames) > 25
    assert len(set(frames)) > 10


@pytest.mark.parametrize("way", spoiling.JSON_WAYS, ids=lambda way: way.__name__)
def test_every_way_spoils_json(way: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by itself makes other documents of one, most of which are JSON."""
    monkeypatch.setattr(spoiling, "JSON_WAYS", (way,))
    document = json.dumps(DOCUMENT, separators=(",", ":")).encode()
    spoilt = {spoil_json(document, Random(seed)) for seed in range(60)} - {document}
    assert len(spoilt) > 3


@pytest.mark.parametrize("way", spoiling.BYTE_WAYS, ids=lambda way: way.__name__)
def test_every_way_spoils_bytes(way: object) -> None:
    """Each by itself makes other bytes."""
    assert callable(way)
    assert len({way(FRAMED["sse"], FRAMED["ndjson"], Random(seed)) for seed in range(60)} - {FRAMED["sse"]}) > 3


@given(st.binary(max_size=60), seeds)
def test_any_bytes_can_be_spoilt(body: bytes, seed: int) -> None:
    """Also those that have no frames, and none at all."""
    assert isinstance(spoil(body, Random(seed)), bytes)
    assert isinstance(spoil_payloads(body, Random(seed)), bytes)


def test_what_is_no_json_or_too_deep_stays_as_it_is() -> None:
    """There is no place in it to spoil."""
    for data in (b"", b"<html>", b"[" * spoiling.DEEP):
        assert spoil_json(data, Random(1)) == data
