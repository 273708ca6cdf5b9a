"""The synchronous stream keeps the promises of the asynchronous one: in memory, over a real connection, in virtual time."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

import bourn
from bourn.mock import ThreadedServer, error, faults, http_error, pause, text
from bourn.sync import thread as threads
from bourn.testing.clock import VirtualLoop
from bourn.testing.leaks import Belongings, collector_off
from bourn.transport.memory import MemoryTransport, Step
from tests.plain import answer, chunks
from tests.steering.streams import NEVER, words

ANSWER = [bourn.Start("id-1", "m", "openai"), *answer("a", "b", "c")[1:]]


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """No thread and no socket of a stream outlives it."""
    bourn.sync.stream("openai/any", "hi", mock="warm").collect()
    before = Belongings.now()
    yield
    assert Belongings.now().since(before) == []


@pytest.fixture
def virtual_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "NEW_LOOP", VirtualLoop)


def make(steps: Sequence[Step], **options: Any) -> tuple[bourn.sync.Stream, MemoryTransport]:
    transport = MemoryTransport(steps)
    client = bourn.Client(transport=transport)
    stream = client.stream("openai/m", "hi", base_url="http://test", dialect="plain", **options)
    return bourn.sync.Stream(stream), transport


class TestIteration:
    def test_all_events_come_in_order_and_the_response_with_them(self) -> None:
        """Every event is given once; the response is the answer up to the event at hand, no further."""
        stream, transport = make([b"".join(chunks(answer("a", "b", "c")))])
        assert iter(stream) is stream
        assert transport.calls == []
        seen, said = [], []
        for event in stream:
            seen.append(event)
            said.append(stream.response.text)
        assert seen == ANSWER
        assert said == ["", "", "a", "ab", "abc", "abc", "abc"]
        assert stream.response.complete
        assert stream.response.usage == bourn.Usage(1, 3)
        assert transport.wires[0].closed == "released"

    def test_the_end_is_sticky(self) -> None:
        """After its end it ends again at once, without a thread and without a request."""
        stream, transport = make(chunks(answer("a")))
        assert list(stream) != []
        for _ in range(3):
            assert list(stream) == []
        stream.close()
        assert list(stream) == []
        assert len(transport.calls) == 1
        assert stream.is_closed()

    def test_collect_and_text(self) -> None:
        """`collect()` gives the whole response, `text()` the pieces; both let go of the connection."""
        stream, transport = make(chunks(answer("a", "b")))
        assert stream.collect().text == "ab"
        assert transport.wires[0].closed == "released"
        stream, transport = make(chunks(answer("a", "b")))
        with stream.text() as pieces:
            assert list(pieces) == ["a", "b"]
        assert pieces.response.complete
        assert transport.wires[0].closed == "released"

    def test_events_that_are_there_cost_no_wait(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A thousand buffered events are handed over in batches of 64."""
        waits = 0
        run = threads.LoopThread.run

        def counting(self: threads.LoopThread, make: Any) -> Any:
            nonlocal waits
            waits += 1
            return run(self, make)

        monkeypatch.setattr(threads.LoopThread, "run", counting)
        stream, _ = make([b"".join(chunks(answer(*"x" * 1000)))])
        assert len(list(stream)) == 1004
        assert waits < 40

    async def test_it_works_where_a_loop_runs(self) -> None:
        """In a notebook, whose cells run inside a loop, it works as it does elsewhere."""
        assert asyncio.get_running_loop().is_running()
        stream, _ = make(chunks(answer("a", "b")))
        assert stream.collect().text == "ab"

    def test_an_asynchronous_stream_of_any_kind_can_be_given(self) -> None:
        """What was used, or is no stream, is refused before anything is sent."""
        used = bourn.stream("openai/any", "hi", mock="Hello")
        asyncio.run(used.aclose())
        with pytest.raises(bourn.InputError, match="nobody has entered"):
            bourn.sync.Stream(used)
        not_a_stream: Any = "hello"
        with pytest.raises(bourn.InputError, match="not str"):
            bourn.sync.Stream(not_a_stream)


class TestErrors:
    def test_what_came_before_is_given_before_the_error(self) -> None:
        """A cut comes after the events, with the response, and again when asked again."""
        stream, transport = make([*chunks(answer("a", finish=False)), bourn.ConnectionLostError("cut")])
        seen = []
        with pytest.raises(bourn.ConnectionLostError, match="cut") as caught:
            for event in stream:
                seen.append(event)
        assert words(seen) == "a"
        assert caught.value.response is stream.response
        assert stream.response.text == "a"
        for _ in range(2):
            with pytest.raises(bourn.ConnectionLostError, match="cut"):
                next(stream)
        stream.close()
        assert len(transport.calls) == 1

    @pytest.mark.parametrize("at", range(1, 8))
    @pytest.mark.parametrize("fault", [faults.Reset, faults.Fin])
    def test_faults_at_every_event(self, fault: Any, at: int) -> None:
        """Wherever it breaks, the synchronous and the asynchronous stream give the same, over real connections."""
        told: list[tuple[Any, ...]] = []
        with ThreadedServer(text("one ", "two ", "three"), fault=fault(event=at)) as server:

            async def other() -> None:
                stream = bourn.stream("openai/any", "hi", base_url=server.base_url(), api_key="k")
                seen: list[bourn.Event] = []
                try:
                    async for event in stream:
                        seen.append(event)
                except bourn.BournError as error:
                    told.append((words(seen), type(error), stream.response.text))
                else:
                    told.append((words(seen), None, stream.response.text))

            asyncio.run(other())
            stream = bourn.sync.stream("openai/any", "hi", base_url=server.base_url(), api_key="k")
            seen = []
            try:
                for event in stream:
                    seen.append(event)
            except bourn.BournError as error:
                told.append((words(seen), type(error), stream.response.text))
            else:
                told.append((words(seen), None, stream.response.text))
        assert told[0] == told[1]

    def test_a_refusal_is_raised_on_entering(self) -> None:
        """`with` raises the error of the head, and nothing is left."""
        stream = bourn.sync.stream("openai/any", "hi", mock=http_error(401, "no such key"))
        with pytest.raises(bourn.AuthenticationError), stream:
            raise AssertionError("entered")
        assert stream.is_closed()

    def test_an_error_event_is_raised_with_what_came_before(self) -> None:
        """An error inside the stream is ModelError."""
        with pytest.raises(bourn.ModelError) as caught:
            bourn.sync.stream("openai/any", "hi", mock=text("Hello") + error("overheated")).collect()
        assert caught.value.response is not None
        assert caught.value.response.text == "Hello"

    def test_an_error_of_the_thread_has_the_response(self) -> None:
        """The thread that ended meanwhile knows nothing of the stream, and the error tells whom it asked all the same."""
        with bourn.sync.Client() as client:
            stream = client.stream("openai/any", "hi", mock=text("Hello"))
            next(stream)
        with pytest.raises(bourn.ClosedError) as caught:
            for _ in stream:
                pass
        error = caught.value
        assert (error.provider, error.model, error.response) == ("openai", "any", stream.response)

    def test_wrong_arguments_are_found_at_once(self) -> None:
        """What `bourn.stream` refuses is refused here."""
        with pytest.raises(bourn.InputError):
            bourn.sync.stream("nobody/any", "hi")

    @pytest.mark.usefixtures("virtual_time")
    @pytest.mark.parametrize(
        ("script", "kind"),
        [
            (pause(100) + text("a"), bourn.FirstEventTimeout),
            (text("a") + pause(100) + text("b"), bourn.IdleTimeout),
            (text(*"abcdefgh").paced(rate=0.2), bourn.TotalTimeout),
        ],
    )
    def test_each_limit_fires(self, script: Any, kind: type[BaseException]) -> None:
        """A limit that passes is its own error, a TimeoutError, and keeps what had arrived."""
        limits = bourn.Timeouts(first_event=20, idle=20, total=30)
        stream = bourn.sync.stream("openai/any", "hi", mock=script, timeouts=limits)
        with pytest.raises(kind) as caught:
            stream.collect()
        assert isinstance(caught.value, TimeoutError)
        assert (stream.response.text == "") == (kind is bourn.FirstEventTimeout)

    @pytest.mark.usefixtures("virtual_time")
    def test_the_consumers_time_does_not_count(self) -> None:
        """While nobody waits the provider's time stands still: nothing runs in the thread."""
        stream, _ = make([0.5, *chunks(answer("a", "b"))], timeouts=bourn.Timeouts(first_event=1, idle=1, total=2))
        loop: Any = None
        for _ in stream:
            loop = stream._thread._inside._loop
            if loop is not None and not loop.is_closed():
                loop._jumping.now += 60  # it stands in its select meanwhile
        assert stream.response.complete


class TestClosing:
    @pytest.mark.parametrize("after", range(7))
    def test_closing_is_idempotent_at_every_event(self, after: int) -> None:
        """After any number of events it can be closed, and again; what had arrived is in the response, reading is an error."""
        stream, transport = make([b"".join(chunks(answer("a", "b", finish=False))), NEVER])
        for _ in range(min(after, 4)):
            next(stream)
        stream.close()
        stream.close()
        assert stream.is_closed()
        assert stream.response.text == ("ab" if after else "")
        assert all(wire.closed for wire in transport.wires)
        for _ in range(2):
            with pytest.raises(bourn.ClosedError):
                next(stream)
        with pytest.raises(bourn.ClosedError), stream:
            pass

    def test_break_and_an_exception_close(self) -> None:
        """`with` closes on every way out."""
        for leave in (None, RuntimeError("mine")):
            stream, transport = make([*chunks(answer("a", finish=False)), NEVER])
            try:
                with stream:
                    for _ in stream:
                        if leave:
                            raise leave
                        break
            except RuntimeError:
                assert leave is not None
            assert transport.wires[0].closed == "aborted"

    def test_the_last_reference_closes_with_the_collector_off(self) -> None:
        """A stream that is dropped in mid-answer closes its connection, and its thread ends."""
        with collector_off(), ThreadedServer(text("a") + pause(1000)) as server:
            stream = bourn.sync.stream("openai/any", "hi", base_url=server.base_url(), api_key="k")
            alive = weakref.ref(stream)
            next(stream)
            inside = stream._thread._inside
            del stream
            assert alive() is None
            server.wait(lambda journal: journal.opened and not journal.open)
            assert inside._thread is not None
            inside._thread.join()

    def test_a_close_from_another_thread_wakes_the_reader(self) -> None:
        """A thread that waits gets ClosedError at once when another closes; a second reader is told that one waits."""
        with ThreadedServer(text("a") + pause(1000)) as server:
            stream = bourn.sync.stream("openai/any", "hi", base_url=server.base_url(), api_key="k")
            for _ in range(3):
                next(stream)
            ended: list[BaseException] = []

            def read() -> None:
                try:
                    next(stream)
                except bourn.BournError as error:
                    ended.append(error)

            reader = threading.Thread(target=read)
            reader.start()
            while stream._reader is None or not stream._stream._busy:
                threading.Event().wait(0.001)
            with pytest.raises(bourn.BusyError) as busy:
                next(stream)
            assert (busy.value.provider, busy.value.response) == ("openai", stream.response)
            stream.close()
            reader.join()
            assert [type(each) for each in ended] == [bourn.ClosedError]
            assert stream.response.text == "a"

    def test_an_unread_stream_stops_the_server(self) -> None:
        """What is not asked for is not read: a server that floods has to stop."""
        with ThreadedServer(text(*(["x" * 1000] * 20_000)), send_buffer=64 * 1024) as server:
            stream = bourn.sync.stream("openai/any", "hi", base_url=server.base_url(), api_key="k")
            next(stream)
            blocked = server.wait(lambda journal: next((each for each in journal.open if each.blocked), None))
            assert blocked.bytes_sent < 8 * 1024 * 1024
            stream.close()

    def test_its_repr_says_its_state(self) -> None:
        """`repr` names the model and whether it is open, and no key."""
        stream, _ = make(chunks(answer("a")), api_key="sk-secret")
        assert repr(stream) == "<sync.Stream openai/m open>"
        stream.close()
        assert repr(stream) == "<sync.Stream openai/m closed>"
