"""``ObjectStream``: the answer as ever more complete objects of a type.

House rule: what is given before the end is unchecked and may lack fields; only the last object is validated, and an answer that
is none is an error that says where.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from bourn.errors import MismatchError
from bourn.events import Event, Finish, Restart, TextDelta, ToolCallDelta, ToolCallStart
from bourn.response import Response
from bourn.structured.reader import ObjectReader
from bourn.structured.shapes import Mismatch, shape_of

if TYPE_CHECKING:
    from bourn.streams.stream import Stream

T = TypeVar("T")

_ENDINGS = {
    "length": "the token limit cut it",
    "content_filter": "the provider's filter cut it",
    "tool_calls": "the model called tools instead",
    "error": "the provider ended it with an error",
}
"""Finish reason to what it explains."""


class ObjectStream(Generic[T]):
    """The answer as objects of ``type``: an asynchronous iterator, and a context manager.

    ``type`` is a msgspec struct, a dataclass, a pydantic model, a typed dict, any other type that msgspec knows, or a JSON
    schema. Give it to the call, too, as ``schema=``, so that the model knows. Objects come as the text grows, with ``None`` for
    what is not there yet; the last one is validated, and stays in :attr:`object`. After a ``Restart`` they begin anew. With
    ``tool`` the arguments of the first call of that tool are read in the place of the text. Needs ``bourn[structured]``.

    Raises ``InputError`` for what is no type, ``MismatchError`` (with ``path`` and ``raw``) after an answer that does not fit,
    and what the stream raises. A cancelled read loses nothing.
    """

    def __init__(self, stream: Stream, type: Any, *, tool: str | None = None) -> None:
        self.object: T | None = None
        self._stream = stream
        self._shape = shape_of(type)
        self._reader = ObjectReader(self._shape)
        self._tool = tool
        self._call: int | None = None  # the index of the call that is read
        self._error: MismatchError | None = None

    @property
    def response(self) -> Response:
        """The answer so far."""
        return self._stream.response

    async def collect(self) -> T:
        """Read to the end, close, and give the validated object. Raises what iteration raises."""
        async with self:
            async for _ in self:
                pass
        assert self.object is not None or self.response.complete
        return self.object  # type: ignore[return-value]  # it may be None where the type allows it

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stream.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        """The next object, more complete than the last."""
        if self._error is not None:
            raise self._error.fresh()
        while True:
            event = await self._stream.__anext__()
            if type(event) is Finish:
                return self._finish(event)
            if type(event) is Restart:
                self._reader, self._call = ObjectReader(self._shape), None
            if self._reader.feed(self._text(event)):
                seen: T | None = self._reader.partial()
                if seen is not None:
                    return seen

    def _text(self, event: Event) -> str:
        """What the event adds to the JSON."""
        if self._tool is None:
            return event.text if type(event) is TextDelta else ""
        if type(event) is ToolCallStart and event.name == self._tool and self._call is None:
            self._call = event.index
        return event.arguments if type(event) is ToolCallDelta and event.index == self._call else ""

    def _finish(self, event: Finish) -> T:
        try:
            whole: T = self._reader.whole()
        except Mismatch as error:
            self._error = self._mismatch(error, event)
            raise self._error.fresh() from error
        self.object = whole
        return whole

    def _mismatch(self, error: Mismatch, finish: Finish) -> MismatchError:
        response, raw = self.response, self._reader.raw
        ending = "the model refused" if response.refusal else _ENDINGS.get(finish.reason)
        because = f"; {ending}" if ending else ""
        return MismatchError(
            f"the answer is not what was asked for: at {error.path}: {error.why}{because}; the text is in .raw",
            path=error.path,
            raw=raw,
            provider=response.provider,
            model=response.model,
            request_id=self._stream.request_id,
            response=response,
        )
