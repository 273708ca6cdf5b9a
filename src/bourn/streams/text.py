"""``TextStream``: the text of a stream alone.

House rule: it holds nothing but the stream; every promise is the stream's. Text that was given cannot be taken back, so a
stream that may begin anew has no text stream.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from bourn.errors import EventOrderError
from bourn.events import Restart, TextDelta
from bourn.response import Response

if TYPE_CHECKING:
    from bourn.streams.stream import Stream


class TextStream:
    """The text of a stream: an asynchronous iterator of strings. Close it, or its stream, when leaving early."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    @property
    def response(self) -> Response:
        """The answer so far."""
        return self._stream.response

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

    async def __anext__(self) -> str:
        """The next piece of text. Raises what the stream raises, and ``EventOrderError`` where the answer begins anew."""
        while True:
            event = await self._stream.__anext__()
            if type(event) is TextDelta:
                return event.text
            if type(event) is Restart:
                await self._stream.aclose()
                raise EventOrderError(
                    "the answer began anew, and text that was given cannot be taken back: iterate over events",
                    provider=self._stream.provider,
                    model=self._stream.model,
                    request_id=self._stream.request_id,
                    response=self.response,
                )
