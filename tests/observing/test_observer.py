"""Who observes is told of every call, once of its opening and once of its end, and changes none."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import bourn
from bourn.mock import error, faults, http_error, ops, pause, serve, text, usage
from bourn.observing import Call, Observation, Observer
from bourn.testing.disturbances import Disturbances
from bourn.testing.leaks import collector_off


class Notes(Observer):
    """Writes down what it is told, with the time since the opening."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.calls: list[Call] = []

    def opened(self, call: Call) -> None:
        self.calls.append(call)
        self._note("opened", call)

    def first_event(self, call: Call, event: bourn.Event) -> None:
        self._note("first_event", call, event)

    def retried(self, call: Call, error: bourn.BournError, wait: float) -> None:
        self._note("retried", call, type(error), wait)

    def finished(self, call: Call, finish: bourn.Finish) -> None:
        self._note("finished", call, finish.reason)

    def failed(self, call: Call, error: bourn.BournError) -> None:
        self._note("failed", call, type(error))

    def _note(self, what: str, call: Call, *words: Any) -> None:
        assert call is self.calls[-1]
        self.told.append((what, *words))


def asked(answer: Any, notes: Observer, **options: Any) -> bourn.Stream:
    return bourn.stream("openai/any", "hi", mock=answer, observers=[notes], **options)


async def test_a_whole_answer() -> None:
    """Opened, first content, finished, in this order; the times are the provider's."""
    notes = Notes()
    stream = asked(pause(2) + text("Hello") + pause(3) + text(" you") + usage(3, 4), notes, max_tokens=7)
    assert notes.told == []
    await stream.collect()
    assert notes.told == [("opened",), ("first_event", bourn.TextDelta(0, "Hello")), ("finished", "stop")]
    (call,) = notes.calls
    assert (call.provider, call.model, call.request.options.max_tokens) == ("openai", "any", 7)
    assert call.start is not None
    assert call.start.provider == "openai"
    assert call.request_id == stream.request_id
    assert (call.first_event_seconds, call.seconds) == (2, 5)
    await asyncio.sleep(9)
    assert call.seconds == 5


@pytest.mark.parametrize(
    ("answer", "kind", "began"),
    [
        (http_error(429), bourn.RateLimitError, False),
        (text("Hello") + error("boom"), bourn.ModelError, True),
        (text("Hello").broken(faults.CleanEnd(event=2)), bourn.TruncatedError, True),
    ],
)
async def test_a_failed_answer(answer: Any, kind: type[bourn.BournError], began: bool) -> None:
    """Opened and failed, once, although it is asked again."""
    notes = Notes()
    stream = asked(answer, notes)
    for _ in range(2):
        with pytest.raises(kind):
            await stream.collect()
    assert [word for word, *_ in notes.told] == ["opened", *(["first_event"] if began else []), "failed"]
    assert notes.told[-1] == ("failed", kind)


@pytest.mark.parametrize("way", ["aclose", "break", "cancel", "drop"])
async def test_an_answer_that_is_left(way: str) -> None:
    """However it is left, it has failed with `ClosedError`, once; with the collector off."""
    notes = Notes()
    async with serve(text("Hello", ops.WaitFor("never"))) as server:
        stream = bourn.stream("openai/any", "hi", base_url=server.base_url(), api_key="k", observers=[notes])
        with collector_off():
            while not isinstance(await anext(stream), bourn.TextDelta):
                pass
            if way == "aclose":
                await stream.aclose()
                await stream.aclose()
            elif way == "break":
                async with stream:
                    pass
            elif way == "cancel":
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(1), stream:
                        await anext(stream)
            del stream
            await server.journal.closed()
    assert [word for word, *_ in notes.told] == ["opened", "first_event", "failed"]
    assert notes.told[-1] == ("failed", bourn.ClosedError)


async def test_a_call_that_was_never_made() -> None:
    """A stream that is closed unread was not opened, and is not told of."""
    notes = Notes()
    await asked("Hello", notes).aclose()
    assert notes.told == []


async def test_closing_after_the_end_is_no_failure() -> None:
    """`finished` is the last word."""
    notes = Notes()
    async with asked("Hello", notes) as stream:
        async for _ in stream:
            pass
    assert notes.told[-1] == ("finished", "stop")


async def test_an_observer_that_raises_changes_nothing() -> None:
    """The answer comes, the other observers are told, and the event loop is told of the error."""

    class Broken(Observer):
        def opened(self, call: Call) -> None:
            raise ValueError(call)

    notes = Notes()
    with Disturbances() as seen:
        seen.watch(asyncio.get_running_loop())
        response = await bourn.stream("openai/any", "hi", mock="Hello", observers=[Broken(), notes]).collect()
    assert response.text == "Hello"
    assert len(notes.told) == 3
    assert any("the observer Broken.opened raised" in told for told in map(str, seen.of("loop")))


def test_without_a_loop_it_is_a_warning() -> None:
    """A stream may be dropped where no loop runs any more."""

    class Broken(Observer):
        def failed(self, call: Call, error: bourn.BournError) -> None:
            raise ValueError(str(error))

    call = Call("openai", "m", None, bourn.Request("m", ()))
    with pytest.warns(RuntimeWarning, match=r"the observer Broken.failed raised ValueError"):
        Observation(call, [Broken()]).failed(bourn.ClosedError("left"))


async def test_a_clients_observers_see_every_call() -> None:
    """And a call's own are told after them."""
    order: list[str] = []

    class Named(Observer):
        def __init__(self, name: str) -> None:
            self.name = name

        def opened(self, call: Call) -> None:
            order.append(f"{self.name} {call.model}")

    async with bourn.Client(observers=[Named("client")]) as client:
        await client.stream("openai/a", "hi", mock="1", observers=[Named("call")]).collect()
        await client.stream("openai/b", "hi", mock="2").collect()
    assert order == ["client a", "call a", "client b"]


@pytest.mark.parametrize("observers", [[print], "loud", Observer])
def test_what_is_no_observer_is_refused(observers: Any) -> None:
    """Before anything is sent."""
    with pytest.raises(bourn.InputError, match=r"observers must be a list of bourn\.Observer"):
        bourn.Client(observers=observers)


async def test_all_methods_may_be_left_out() -> None:
    """An observer says what it wants to know by overriding it."""
    assert (await asked("Hello", Observer()).collect()).text == "Hello"
    with pytest.raises(bourn.RateLimitError):
        await asked(http_error(429), Observer()).collect()
