"""``ToolLoop``: answers and tools in turn, as one asynchronous iterator, bounded.

House rule: a tool is run once for a call, whatever happens to whoever reads; a call that is not whole is never run.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self, get_args

import msgspec

from bourn.errors import ClosedError, InputError, RoundsError
from bourn.events import Event
from bourn.messages import Message, ToolCall, ToolResult
from bourn.response import Response
from bourn.streams import Stream
from bourn.structured.functions import FunctionTool

OnError = Literal["tell", "raise"]


class ToolLoop:
    """Events of each answer, then a ``ToolResult`` for each of its calls, then the next answer's, until one calls no tool.

    An asynchronous iterator and context manager: iterate once, in one task. The tools of an answer run at the same time, in a
    task that ends with the loop; those that are not asynchronous run in threads. It ends after an answer that calls none of
    the loop's functions, or whose call was cut. :attr:`response` is the last answer, :attr:`responses` are all of them,
    :attr:`messages` the conversation so far.

    Raises what a stream raises, ``RoundsError`` when the bound is reached, and, with ``on_error="raise"``, what a tool raised.
    A cancelled read loses nothing: the tools go on, and their results come with the next read.
    """

    def __init__(
        self,
        ask: Callable[[Sequence[Message]], Stream],
        messages: Sequence[Message],
        functions: Mapping[str, FunctionTool],
        left: Collection[str] = (),
        *,
        rounds: int = 10,
        on_error: OnError = "tell",
    ) -> None:
        if isinstance(rounds, bool) or not isinstance(rounds, int) or rounds < 1:
            raise InputError(f"rounds must be a whole number of at least 1, not {rounds!r}")
        if on_error not in get_args(OnError):
            raise InputError(f"on_error must be 'tell' or 'raise', not {on_error!r}")
        if not functions:
            raise InputError("tools has no function: a loop without one is a plain stream")
        self.messages = tuple(messages)
        self.responses: list[Response] = []
        self._ask = ask
        self._functions = functions
        self._left = left
        self._rounds = rounds
        self._on_error: OnError = on_error
        self._stream: Stream | None = None
        self._running: asyncio.Task[list[ToolResult]] | None = None
        self._results: deque[ToolResult] = deque()
        self._over = False
        self._closed = False
        self._error: RoundsError | None = None

    @property
    def response(self) -> Response:
        """The last answer, as far as it came; an empty one before the first."""
        if self._stream is not None:
            return self._stream.response
        return self.responses[-1] if self.responses else Response()

    async def collect(self) -> Response:
        """Run to the end, close, and give the last answer. Raises what iteration raises."""
        async with self:
            async for _ in self:
                pass
        return self.response

    async def aclose(self) -> None:
        """Cancel the tools that run, and close the connection. May be called at any time, any number of times."""
        self._closed = True
        try:
            if self._running is not None:
                self._running.cancel()
                await asyncio.wait({self._running})
        finally:
            if self._stream is not None:
                await self._stream.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event | ToolResult:
        """The next event, or what a tool gave."""
        while True:
            if self._error is not None:
                raise self._error.fresh()
            if self._closed and not self._over:
                raise ClosedError(
                    "the tool loop was closed before its end; what had arrived is in .response", response=self.response
                )
            if self._results:
                return self._results.popleft()
            if self._running is not None:
                await self._await_tools(self._running)
                continue
            if self._over:
                raise StopAsyncIteration
            if self._stream is None:
                self._stream = self._ask(self.messages)
            try:
                return await self._stream.__anext__()
            except StopAsyncIteration:
                self._answered(self._stream.response)

    def _answered(self, response: Response) -> None:
        """An answer is whole: run what it calls, or end."""
        self._stream = None
        self.responses.append(response)
        self.messages = (*self.messages, response.message)
        calls = response.tool_calls
        wants_tools = response.finish_reason == "tool_calls" and bool(calls)
        if not wants_tools or not all(call.complete and self._is_ours(call) for call in calls):
            self._over = True
            return
        if len(self.responses) >= self._rounds:
            self._error = RoundsError(
                f"the model still calls tools after {self._rounds} rounds; its last answer is in .response",
                provider=response.provider,
                model=response.model,
                response=response,
            )
            return
        self._running = asyncio.ensure_future(_run(calls, self._functions, self._on_error))
        self._running.add_done_callback(_seen)

    def _is_ours(self, call: ToolCall) -> bool:
        """Whether the loop answers the call: with a function, or, for a name that nobody has, with a complaint."""
        return call.name not in self._left

    async def _await_tools(self, running: asyncio.Task[list[ToolResult]]) -> None:
        await asyncio.wait({running})  # a cancelled reader leaves them running
        self._running = None
        try:
            results = running.result()
        except BaseException:
            self._closed = True
            raise
        self._results.extend(results)
        self.messages = (*self.messages, Message("tool", tuple(results)))

    def __del__(self) -> None:
        running: asyncio.Task[Any] | None = getattr(self, "_running", None)
        if running is not None and not running.done() and not running.get_loop().is_closed():
            running.cancel()


async def _run(calls: Sequence[ToolCall], functions: Mapping[str, FunctionTool], on_error: OnError) -> list[ToolResult]:
    """What the tools give, in the order of the calls; they run at the same time."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_result(call, functions, on_error)) for call in calls]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


def _seen(task: asyncio.Task[Any]) -> None:
    """Nobody may read on to be told of an error: that is no reason for the loop to complain."""
    if not task.cancelled():
        task.exception()


async def _result(call: ToolCall, functions: Mapping[str, FunctionTool], on_error: OnError) -> ToolResult:
    function = functions.get(call.name)
    if function is None:
        known = ", ".join(functions)
        return call.result(f"there is no tool called {call.name}; there are {known}", is_error=True)
    try:
        value = await _called(function, call.arguments)
    except Exception as error:
        if on_error == "raise":
            raise
        return call.result(f"{type(error).__name__}: {error}", is_error=True)
    return call.result(value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode())


async def _called(function: FunctionTool, arguments: str) -> Any:
    given = function.read(arguments)
    if inspect.iscoroutinefunction(function.function):
        return await function.function(**given)
    value = await asyncio.to_thread(function.function, **given)
    return await value if inspect.isawaitable(value) else value
