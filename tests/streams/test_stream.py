"""What `Stream` promises, on the transport in memory and in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import weakref
from collections.abc import Sequence
from typing import Any

import pytest

import bourn
from bourn import dialects
from bourn.transport.memory import MemoryTransport, Step
from tests.plain import answer, chunks, wire

NEVER = float("inf")


def make(steps: Sequence[Step], **options: Any) -> tuple[bourn.Stream, MemoryTransport]:
    status, headers = options.pop("status", 200), options.pop("headers", None)
    transport = MemoryTransport(steps, status=status, headers=headers)
    client = bourn.Client(transport=transport)
    stream = client.stream("openai/m", "hi", base_url="http://test", dialect="plain", **options)
    return stream, transport


async def rest(stream: bourn.Stream) -> list[bourn.Event]:
    return [event async for event in stream]


def words(events: list[bourn.Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, bourn.TextDelta))


class TestProtocol:
    async def test_nothing_is_sent_before_the_first_event_is_asked_for(self) -> None:
        """A stream that is made and closed sends nothing."""
        stream, transport = make(chunks(answer("a")))
        assert transport.calls == []
        await stream.aclose()
        assert transport.calls == []
        assert stream.is_closed()

    async def test_it_is_its_own_iterator(self) -> None:
        """`__aiter__` gives the stream itself."""
        stream, _ = make(chunks(answer("a")))
        assert stream.__aiter__() is stream
        await stream.aclose()

    async def test_all_events_come_in_order_and_start_knows_the_provider(self) -> None:
        """Every event is given once, in order; `Start` has provider and warnings."""
        stream, _ = make(chunks(answer("a", "b")), seed=1)
        events = await rest(stream)
        assert events[0] == bourn.Start("id-1", "m", "openai", ("seed is not supported",))
        assert events[1:] == answer("a", "b")[1:]
        assert stream.response.complete
        assert stream.response.text == "ab"
        assert stream.response.usage == bourn.Usage(1, 2)

    async def test_the_end_is_sticky(self) -> None:
        """After StopAsyncIteration every call raises it again, without a new request."""
        stream, transport = make(chunks(answer("a")))
        await rest(stream)
        for _ in range(3):
            with pytest.raises(StopAsyncIteration):
                await anext(stream)
        assert len(transport.calls) == 1
        assert transport.wires[0].closed == "released"

    async def test_an_error_is_sticky_and_fresh_each_time(self) -> None:
        """After an error every call raises an equal error, and nothing reconnects."""
        stream, transport = make([*chunks(answer("a", finish=False)), bourn.ConnectionLostError("cut")])
        seen = []
        with pytest.raises(bourn.ConnectionLostError, match="cut") as first:
            async for event in stream:
                seen.append(event)
        assert words(seen) == "a"
        for _ in range(3):
            with pytest.raises(bourn.ConnectionLostError, match="cut") as again:
                await anext(stream)
            assert again.value is not first.value
            assert again.value.response is first.value.response
        assert len(transport.calls) == 1
        assert transport.wires[0].closed == "aborted"
        assert stream.is_closed()

    async def test_two_readers_exclude_each_other(self) -> None:
        """The second reader gets BusyError; the first one is not disturbed."""
        stream, _ = make([1.0, *chunks(answer("a"))])
        first = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        with pytest.raises(bourn.BusyError):
            await anext(stream)
        assert isinstance(await first, bourn.Start)
        assert words(await rest(stream)) == "a"


FAILURES: dict[str, tuple[Sequence[Step], dict[str, Any], type[bourn.BournError]]] = {
    "refused": ([b"no"], {"status": 401}, bourn.AuthenticationError),
    "another content type": ([b"<html>"], {"headers": {"content-type": "text/html"}}, bourn.ContentTypeError),
    "no first event": ([NEVER], {}, bourn.FirstEventTimeout),
    "truncated before anything": ([], {}, bourn.TruncatedError),
    "an error event": ([b"event: error\ndata: hot\n\n"], {}, bourn.ModelError),
}
"""What happens before any event comes: the wire, its head, and the error that it is."""


class TestErrors:
    @pytest.mark.parametrize(("steps", "head", "kind"), FAILURES.values(), ids=FAILURES)
    async def test_an_error_before_any_event_has_an_empty_response(
        self, steps: Sequence[Step], head: dict[str, Any], kind: type[bourn.BournError]
    ) -> None:
        """Refused or failed, the error has the response of its stream, with nothing in it, the first time and again."""
        stream, _ = make(steps, **head)
        for _ in range(2):
            with pytest.raises(kind) as caught:
                await stream.collect()
            assert caught.value.response is stream.response
            assert (stream.response.text, stream.response.complete) == ("", False)

    async def test_an_error_of_the_reader_has_the_response(self) -> None:
        """Also where a stream is read when it is closed, or while another task waits on it."""
        stream, _ = make([1.0, *chunks(answer("a"))])
        first = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        with pytest.raises(bourn.BusyError) as busy:
            await anext(stream)
        await first
        await stream.aclose()
        with pytest.raises(bourn.ClosedError) as closed:
            await anext(stream)
        assert busy.value.response is closed.value.response is stream.response

    async def test_an_error_before_there_is_a_stream_has_none(self) -> None:
        """Nothing was asked, so there is no response to read."""
        with pytest.raises(bourn.InputError) as caught:
            make([], temperature="hot")
        assert caught.value.response is None


class TestOutcomes:
    async def test_a_body_that_ends_early_is_truncated(self) -> None:
        """A clean end without the end mark raises TruncatedError, with the response so far."""
        stream, _ = make(chunks(answer("a", "b", finish=False)))
        with pytest.raises(bourn.TruncatedError) as caught:
            await rest(stream)
        assert caught.value.response is stream.response
        assert stream.response.text == "ab"
        assert stream.response.others == [bourn.Other("held back")]
        assert not stream.response.complete
        assert (caught.value.provider, caught.value.model) == ("openai", "m")

    async def test_a_connection_that_dies_after_the_end_evidence_changes_nothing(self) -> None:
        """Once the end evidence came, a lost connection is a complete answer."""
        stream, _ = make([*chunks(answer("a", finish=False)), b"event: end\ndata: x\n\n", bourn.ConnectionLostError("late")])
        events = await rest(stream)
        assert events[-1] == bourn.Finish("stop", verified=True)
        assert stream.response.complete

    async def test_usage_after_the_end_evidence_is_waited_for_a_bounded_time(self) -> None:
        """Usage that follows is in `Finish`; where none follows the wait is `settle_seconds`, not the body's end."""
        head = [*chunks(answer("a", finish=False)), b"event: end\ndata: x\n\n"]
        stream, _ = make([*head, 1.0, b'event: usage\ndata: {"input_tokens":7}\n\n', NEVER])
        loop = asyncio.get_running_loop()
        before = loop.time()
        events = await rest(stream)
        assert events[-1] == bourn.Finish("stop", usage=bourn.Usage(7))
        assert loop.time() - before == pytest.approx(2.0)

    async def test_bytes_after_the_last_mark_are_ignored(self) -> None:
        """The stream ends at the last mark and neither waits for the body's end nor reads on."""
        stream, transport = make([*chunks(answer("a")), b"data: junk\n\n", NEVER])
        loop = asyncio.get_running_loop()
        before = loop.time()
        assert words(await rest(stream)) == "a"
        assert loop.time() - before == pytest.approx(0.1)
        assert transport.wires[0].closed == "aborted"

    async def test_a_service_without_end_marks_ends_unverified(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """With the quirk `no_end_mark` a clean end is a finish that says it is not verified; a cut frame is truncated."""
        import msgspec

        from bourn import providers

        row = msgspec.structs.replace(providers.PROVIDERS["openai"], quirks=frozenset({"no_end_mark"}))
        monkeypatch.setitem(providers.PROVIDERS, "openai", row)
        stream, _ = make(chunks(answer("a", finish=False)))
        assert (await rest(stream))[-1] == bourn.Finish("other", verified=False)
        cut, _ = make([*chunks(answer("a", finish=False)), b"data: {"])
        with pytest.raises(bourn.TruncatedError):
            await rest(cut)

    async def test_what_arrived_is_given_before_the_error_however_slow_the_reader(self) -> None:
        """Events that came in the same read as an undecodable frame are given first."""
        whole = b"".join(chunks(answer("a", "b", "c", finish=False))) + b"data: {bad\n\n"
        stream, _ = make([whole])
        seen = []
        with pytest.raises(bourn.PayloadError) as caught:
            async for event in stream:
                seen.append(event)
                await asyncio.sleep(5)
        assert words(seen) == "abc"
        assert caught.value.raw == b"{bad"

    async def test_what_came_before_a_frame_that_is_too_large_is_given(self) -> None:
        """The frame limit raises FrameTooLargeError after everything in front of it."""
        big = b"data: " + b"x" * 5000 + b"\n\n"
        stream, _ = make([b"".join(chunks(answer("a", "b", finish=False))) + big], limits=bourn.Limits(frame_bytes=1000))
        seen = []
        with pytest.raises(bourn.FrameTooLargeError):
            async for event in stream:
                seen.append(event)
        assert words(seen) == "ab"

    async def test_an_error_event_is_a_model_error(self) -> None:
        """An error event inside the stream raises ModelError."""
        stream, _ = make([*chunks(answer("a", finish=False)), b"event: error\ndata: overloaded\n\n"])
        with pytest.raises(bourn.ModelError, match="overloaded"):
            await rest(stream)
        assert stream.response.text == "a"

    async def test_usage_that_was_told_before_a_cut_is_in_the_response(self) -> None:
        """What the provider told of usage stays readable after a truncated answer."""
        stream, _ = make([b'event: usage\ndata: {"input_tokens":7}\n\n', *chunks(answer("a", finish=False))])
        with pytest.raises(bourn.TruncatedError):
            await rest(stream)
        assert stream.response.usage == bourn.Usage(7)


class TestHead:
    @pytest.mark.parametrize(
        ("status", "kind"),
        [(400, bourn.BadRequestError), (401, bourn.AuthenticationError), (403, bourn.PermissionDeniedError),
         (404, bourn.NotFoundError), (413, bourn.RequestTooLargeError), (429, bourn.RateLimitError),
         (500, bourn.ServerError), (503, bourn.OverloadedError), (529, bourn.OverloadedError), (302, bourn.BadRequestError)],
    )  # fmt: skip
    async def test_an_error_status_is_its_typed_error(self, status: int, kind: type[bourn.StatusError]) -> None:
        """Each status raises its class with the provider's message, its request id and the wait it asks for."""
        headers = {"x-request-id": "r-1", "retry-after": "7"}
        stream, transport = make([b"slow ", b"down"], status=status, headers=headers)
        with pytest.raises(kind) as caught:
            await rest(stream)
        assert caught.value.status == status
        assert caught.value.request_id == "r-1"
        assert caught.value.retry_after == 7
        assert status == 302 or caught.value.message == "slow down"
        assert transport.wires[0].closed == "aborted"

    @pytest.mark.parametrize("dialect", [name for name in dialects.DIALECTS if name != "plain"])
    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (b'{"foo": 1}\n', '{"foo": 1}'),
            (b"", "HTTP status 400 without a message"),
            (b"{}", "HTTP status 400 without a message"),
        ],
    )
    async def test_an_error_body_of_unknown_shape_is_itself_the_message(self, dialect: str, body: bytes, message: str) -> None:
        """JSON that the dialect finds no words in is shown as it came; an empty one gives the status at least."""
        client = bourn.Client(transport=MemoryTransport([body], status=400, headers={}))
        with pytest.raises(bourn.BadRequestError) as caught:
            await client.stream("openai/m", "hi", base_url="http://test", dialect=dialect).collect()
        assert caught.value.message == message

    async def test_retry_after_as_a_date_is_seconds(self) -> None:
        """A date in Retry-After becomes a wait; one in the past becomes none."""
        stream, _ = make([b"x"], status=429, headers={"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"})
        with pytest.raises(bourn.RateLimitError) as caught:
            await rest(stream)
        assert caught.value.retry_after == 0.0

    async def test_an_error_body_is_read_to_its_limit_only(self) -> None:
        """An endless error body costs `error_bytes`, and a cut one still gives the status."""
        stream, _ = make([b"x" * 1000] * 500, status=500, headers={}, limits=bourn.Limits(error_bytes=2500))
        with pytest.raises(bourn.ServerError) as caught:
            await rest(stream)
        assert len(caught.value.message) == 2500
        cut, _ = make([b"oops", bourn.ConnectionLostError("cut")], status=500, headers={})
        with pytest.raises(bourn.ServerError, match="oops"):
            await rest(cut)

    async def test_a_200_that_is_not_a_stream_is_an_error(self) -> None:
        """A 200 with HTML raises ContentTypeError with the body; without a content type the body is believed."""
        stream, _ = make([b"<html>login</html>"], headers={"content-type": "text/html; charset=utf-8"})
        with pytest.raises(bourn.ContentTypeError, match="text/html") as caught:
            await rest(stream)
        assert caught.value.body == b"<html>login</html>"
        bare, _ = make(chunks(answer("a")), headers={})
        assert words(await rest(bare)) == "a"

    async def test_a_key_that_the_server_repeats_is_blotted_out(self) -> None:
        """No error shows the key, even when the server does."""
        stream, _ = make([b"bad key sk-secret-123"], status=401, headers={}, api_key="sk-secret-123")
        with pytest.raises(bourn.AuthenticationError) as caught:
            await rest(stream)
        assert "sk-secret-123" not in str(caught.value) + repr(caught.value) + repr(caught.value.__dict__)
        assert "***" in str(caught.value)

    async def test_a_key_that_comes_back_anywhere_is_blotted_out(self) -> None:
        """Neither a body of the wrong type nor an error inside the stream brings the key into an error."""
        key = "sk-secret-0123456789"
        for steps, headers in (
            ([b"<html>%s</html>" % key.encode()], {"content-type": "text/html"}),
            ([b"event: error\ndata: bad key %s\n\n" % key.encode()], None),
            ([b"data: {%s\n\n" % key.encode()], None),
        ):
            stream, _ = make(steps, headers=headers, api_key=key)
            with pytest.raises(bourn.BournError) as caught:
                await rest(stream)
            assert key not in str(caught.value) + repr(caught.value.__dict__)

    async def test_a_dummy_key_garbles_no_message(self) -> None:
        """A short key is blotted out where it stands as a word, and not inside other words."""
        stream, _ = make([b"too many requests with any"], status=429, headers={}, api_key="any")
        with pytest.raises(bourn.RateLimitError) as caught:
            await rest(stream)
        assert caught.value.message == "too many requests with ***"

    async def test_an_error_on_entering_is_raised_there(self) -> None:
        """`async with` raises the error of the head, and the stream is closed."""
        stream, _ = make([b"no"], status=401, headers={})
        with pytest.raises(bourn.AuthenticationError):
            async with stream:
                raise AssertionError("entered")
        assert stream.is_closed()


class TestClosing:
    @pytest.mark.parametrize("after", range(6))
    async def test_closing_is_idempotent_at_every_event(self, after: int) -> None:
        """`aclose` works after any number of events, twice, and in parallel; what had arrived is in the response."""
        stream, transport = make(chunks(answer("a", "b")))
        for _ in range(after):
            await anext(stream)
        await asyncio.gather(stream.aclose(), stream.aclose())
        await stream.aclose()
        assert stream.is_closed()
        assert all(wire.closed for wire in transport.wires)
        with pytest.raises((bourn.ClosedError, StopAsyncIteration)):
            await anext(stream)

    async def test_a_close_wakes_the_waiting_reader(self) -> None:
        """A reader that waits gets ClosedError at once when another task closes."""
        stream, transport = make([*chunks(answer("a", finish=False)), NEVER])
        for _ in range(3):
            await anext(stream)
        reader = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(1)
        await stream.aclose()
        with pytest.raises(bourn.ClosedError):
            await reader
        assert transport.wires[0].closed == "aborted"

    async def test_what_was_read_and_not_given_is_in_the_response(self) -> None:
        """Closing early keeps what had already been decoded."""
        stream, _ = make([b"".join(chunks(answer("a", "b", finish=False)))])
        await anext(stream)
        await stream.aclose()
        assert stream.response.text == "ab"

    async def test_leaving_the_context_closes(self) -> None:
        """`break`, an exception and the normal end all close under `async with`."""
        for leave in (None, RuntimeError("mine")):
            stream, transport = make([*chunks(answer("a", finish=False)), NEVER])
            with pytest.raises(RuntimeError, match="mine") if leave else contextlib.nullcontext():
                async with stream:
                    async for _ in stream:
                        if leave:
                            raise leave
                        break
            assert stream.is_closed()
            assert transport.wires[0].closed == "aborted"

    async def test_the_last_reference_closes_with_the_collector_off(self) -> None:
        """A stream that is dropped in mid-answer, or after an error, dies by reference count and closes its connection."""
        gc.disable()
        try:
            for tail in (NEVER, bourn.ConnectionLostError("cut")):
                stream, transport = make([*chunks(answer("a", finish=False)), tail])
                alive = weakref.ref(stream)
                for _ in range(3):
                    await anext(stream)
                if tail is not NEVER:
                    with contextlib.suppress(bourn.ConnectionLostError):
                        await anext(stream)
                del stream
                assert alive() is None
                assert transport.wires[0].closed == "aborted"
        finally:
            gc.enable()

    async def test_a_cancelled_close_still_closes(self) -> None:
        """`aclose` that is cancelled in its drain has closed the connection all the same."""
        stream, transport = make([*chunks(answer("a")), NEVER])
        for _ in range(5):
            await anext(stream)
        closing = asyncio.ensure_future(stream.aclose())
        await asyncio.sleep(0.01)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        assert stream.is_closed()
        assert transport.wires[0].closed == "aborted"


class TestCancellation:
    async def test_a_cancelled_read_loses_nothing(self) -> None:
        """Polling with a timeout gives every event exactly once."""
        steps: list[Step] = []
        for chunk in chunks(answer("a", "b", "c")):
            steps += [0.7, chunk[:9], 0.7, chunk[9:]]
        stream, transport = make(steps)
        seen: list[bourn.Event] = []
        gave_up = 0
        while True:
            try:
                seen.append(await asyncio.wait_for(anext(stream), 0.25))
            except TimeoutError:
                gave_up += 1
            except StopAsyncIteration:
                break
        assert seen[1:] == answer("a", "b", "c")[1:]
        assert gave_up > 20
        assert len(transport.calls) == 1

    async def test_cancellation_at_every_suspension_point(self) -> None:
        """Cancelled at its n-th suspension for every n, a reading task ends as cancelled and leaves no connection."""
        n = 0
        while True:
            n += 1
            stream, transport = make([0.1, *chunks(answer(*"abcdef"))[:4], 0.1, *chunks(answer(*"abcdef"))[4:]])
            task = asyncio.ensure_future(collect(stream))
            hit = await cancel_at(task, n)
            del stream
            if not hit:
                assert not task.cancelled()
                break
            assert task.cancelled()
            assert all(wire.closed for wire in transport.wires)
        assert n > 2

    async def test_a_full_buffer_yields_to_the_loop(self) -> None:
        """With thousands of events buffered, another task runs at least every 64 events."""
        stream, _ = make([b"".join(chunks(answer(*("x" * 5000))))])
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.ensure_future(other())
        longest, before = 0, 0
        count = 0
        async for _ in stream:
            count += 1
            if turns != before:
                longest, before, count = max(longest, count - 1), turns, 0
        task.cancel()
        assert 0 < longest <= 64

    async def test_tasks_may_take_turns(self) -> None:
        """Read in one task, read in another, close in a third: nothing is bound to a task."""
        stream, _ = make([0.1, *chunks(answer("a", finish=False)), NEVER])
        await asyncio.create_task(_anext(stream))
        await asyncio.create_task(_anext(stream))
        await asyncio.create_task(stream.aclose())
        assert stream.is_closed()

    async def test_no_context_variable_is_touched(self) -> None:
        """Reading changes no context variable of the reader."""
        before = dict(contextvars.copy_context())
        stream, _ = make(chunks(answer("a")))
        await rest(stream)
        assert dict(contextvars.copy_context()) == before


class TestTime:
    @pytest.mark.parametrize(
        ("steps", "timeouts", "kind", "at"),
        [
            ([NEVER], bourn.Timeouts(first_event=5), bourn.FirstEventTimeout, 5),
            ([*chunks(answer(finish=False))[:1], NEVER], bourn.Timeouts(first_event=5, idle=1), bourn.FirstEventTimeout, 5),
            ([*chunks(answer("a", finish=False)), NEVER], bourn.Timeouts(idle=3), bourn.IdleTimeout, 3),
            ([*chunks(answer("a", finish=False)), *[1.0, b": p\n\n"] * 90], bourn.Timeouts(idle=9.5), bourn.IdleTimeout, 9.5),
            ([*chunks(answer("a", finish=False)), *[1.0, b"d"] * 90], bourn.Timeouts(idle=9.5), bourn.IdleTimeout, 9.5),
            ([*chunks(answer("a", finish=False)), 1.0, b":\n\n", NEVER], bourn.Timeouts(idle_bytes=2), bourn.IdleTimeout, 3),
            ([*chunks(answer("a", finish=False)), *[1.0, wire(bourn.TextDelta(0, "x"))] * 90],
             bourn.Timeouts(idle=2, total=7.5), bourn.TotalTimeout, 7.5),
        ],
    )  # fmt: skip
    async def test_each_limit_fires_at_its_time(
        self, steps: list[Step], timeouts: bourn.Timeouts, kind: type[Exception], at: float
    ) -> None:
        """Every limit raises its own error exactly at its time, pings and drips notwithstanding."""
        stream, transport = make(steps, timeouts=timeouts)
        loop = asyncio.get_running_loop()
        before = loop.time()
        with pytest.raises(kind) as caught:
            await rest(stream)
        assert isinstance(caught.value, TimeoutError)
        assert loop.time() - before == pytest.approx(at, abs=0.01)
        assert transport.wires[0].closed == "aborted"

    async def test_the_consumers_time_does_not_count(self) -> None:
        """A slow reader never trips a limit."""
        stream, _ = make([0.5, *chunks(answer("a", "b"))], timeouts=bourn.Timeouts(first_event=1, idle=1, total=2))
        count = 0
        async for _ in stream:
            count += 1
            await asyncio.sleep(60)
        assert count == 6

    async def test_a_timer_is_not_made_for_each_event(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A thousand waits within one limit cost a handful of timers."""
        loop = asyncio.get_running_loop()
        made = 0
        call_at = loop.call_at

        def counting(when: float, callback: Any, *args: Any, **rest: Any) -> Any:
            nonlocal made
            made += "_fire" in repr(callback)
            return call_at(when, callback, *args, **rest)

        monkeypatch.setattr(loop, "call_at", counting)
        steps: list[Step] = [chunks(answer(finish=False))[0]]
        for chunk in chunks(answer(*("x" * 1000)))[1:]:
            steps += [0.01, chunk]
        stream, _ = make(steps, timeouts=bourn.Timeouts(idle=5, first_event=5))
        await rest(stream)
        assert 0 < made < 10


class TestFaces:
    async def test_text_gives_only_the_text(self) -> None:
        """`text()` yields the pieces and closes with its context."""
        stream, transport = make(chunks(answer("a", "b")))
        async with stream.text() as text:
            assert [piece async for piece in text] == ["a", "b"]
        assert text.response.complete
        assert transport.wires[0].closed == "released"

    async def test_collect_gives_the_whole_response(self) -> None:
        """`collect()` reads to the end and closes; on failure the error carries the rest."""
        stream, _ = make(chunks(answer("a", "b")))
        response = await stream.collect()
        assert (response.text, response.complete) == ("ab", True)
        assert stream.is_closed()
        cut, _ = make(chunks(answer("a", finish=False)))
        with pytest.raises(bourn.TruncatedError) as caught:
            await cut.collect()
        assert caught.value.response is not None
        assert caught.value.response.text == "a"

    async def test_its_repr_says_its_state(self) -> None:
        """`repr` names the model and whether it is open."""
        stream, _ = make(chunks(answer("a")), api_key="sk-secret")
        assert repr(stream) == "<Stream openai/m open>"
        await stream.aclose()
        assert repr(stream) == "<Stream openai/m closed>"


async def collect(stream: bourn.Stream) -> bourn.Response:
    return await stream.collect()


async def _anext(stream: bourn.Stream) -> bourn.Event:
    return await anext(stream)


async def cancel_at(task: asyncio.Future[Any], n: int) -> bool:
    """Cancel `task` at its n-th suspension; false when it was done before."""
    for _ in range(n):
        if task.done():
            return False
        await asyncio.sleep(0.01 if n > 3 else 0)
    if task.done():
        return False
    task.cancel()
    await asyncio.wait([task])
    return True
