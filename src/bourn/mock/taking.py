"""What a recorder keeps of one exchange while its bytes pass by.

House rule: it only looks; nothing here can hold up or change what passes.
"""

from __future__ import annotations

from urllib.parse import SplitResult

import msgspec

from bourn.dialects import payload
from bourn.mock.http import HttpRequest
from bourn.mock.recording import FRAMINGS, Ending, RecordedRequest, RecordedResponse, Recording, kind, wire_format
from bourn.mock.responses import ResponseReader
from bourn.mock.scrubbing import Scrubber
from bourn.mock.upstream import Read, Upstream

KEPT_LIMIT = 256 * 1024 * 1024
"""Bytes of a body that are kept; a longer one is passed on and not saved."""

_NOT_KEPT = frozenset({"connection", "keep-alive", "host"})
"""Headers that are about the recorder's own connections."""


class Take:
    """One exchange as it passes by: give it every :meth:`read`, then :meth:`end`; :meth:`recording` is what is kept.

    ``began`` is when the request was sent. ``problem`` says why nothing can be kept.
    """

    def __init__(self, request: HttpRequest, began: float) -> None:
        self.request = request
        self.reader = ResponseReader(request.method)
        self.ending: Ending = "open"
        self.problem: str | None = None
        self._began = began
        self._body = bytearray()
        self._reads: list[tuple[float, int]] = []
        self._head_at = 0.0
        self._ended_at = 0.0

    @property
    def whole(self) -> bool:
        """Nothing more belongs to this answer."""
        return self.reader.whole

    def read(self, read: Read) -> None:
        """The service sent something."""
        at = self._since(read.at)
        headless = self.reader.head is None
        body = self.reader.feed(read.data)
        if headless:
            body = self._at_the_head(at, read.data, body)
        if body:
            self._body += body
            self._reads.append((at, len(body)))
        self._ended_at = at
        if self.reader.whole:
            self.ending = "whole"  # now, since the client may leave before it is asked
        self._judge()

    def _since(self, moment: float) -> float:
        """Seconds since the request, to the microsecond."""
        return round(moment - self._began, 6)

    def _at_the_head(self, at: float, data: bytes, body: bytes) -> bytes:
        """What to keep of a read that began before the head was whole: all of it, until the head is."""
        if self.reader.head is None:
            return data
        self._head_at = at
        self._body.clear()
        self._reads.clear()
        return body

    def _judge(self) -> None:
        if self.reader.strange is not None and self.reader.head is not None:
            self.problem = self.reader.strange
        elif len(self._body) > KEPT_LIMIT:
            self.problem = f"the body has more than {KEPT_LIMIT} bytes"
            self._body.clear()

    def end(self, upstream: Upstream) -> None:
        """The answer is whole, or the service is gone."""
        if self.reader.whole:
            return
        self._ended_at = self._since(upstream.gone_at)
        if upstream.gone == "eof":
            self.reader.close()
        cut: Ending = "reset" if upstream.gone == "reset" else "cut"
        self.ending = "whole" if self.reader.whole else cut

    @property
    def closes(self) -> bool:
        """The answer is whole and the service's head says that the connection ends with it."""
        return self.ending == "whole" and self.reader.head is not None and not self.reader.head.keep_alive

    def recording(self, upstream: SplitResult, scrubber: Scrubber) -> Recording:
        """What passed, without secrets."""
        path, _, query = self.request.target.partition("?")
        path, query = scrubber.text(upstream.path.rstrip("/") + path), scrubber.query(query)
        asked = _readable(scrubber.data(self.request.body))
        request = RecordedRequest(
            method=self.request.method,
            url=f"{upstream.scheme}://{upstream.netloc}{path}" + (f"?{query}" if query else ""),
            path=path,
            query=query,
            headers={name: value for name, value in scrubber.asked(self.request.headers).items() if name not in _NOT_KEPT},
            body=asked,
        )
        body = scrubber.data(bytes(self._body))
        model = asked.get("model") if isinstance(asked, dict) else None
        return Recording(request=request, response=self._response(path, upstream.netloc, model, body, scrubber), body=body)

    def _response(self, path: str, host: str, model: object, body: bytes, scrubber: Scrubber) -> RecordedResponse:
        headers = {} if self.reader.head is None else scrubber.answered(self.reader.head.headers)
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        encoding = headers.get("content-encoding", "identity").strip().lower()
        return RecordedResponse(
            status=0 if self.reader.head is None else self.reader.head.status,
            headers={name: value for name, value in headers.items() if name not in _NOT_KEPT},
            wire_format=wire_format(path),
            framing=FRAMINGS.get(media_type, ""),
            vendor=host,
            model=model if isinstance(model, str) else None,
            stream_requested=_wants_stream(self.request),
            fidelity="wire" if body == bytes(self._body) else "wire,scrubbed",
            encoded="" if encoding == "identity" else encoding,
            head_at=self._head_at,
            reads=self._reads,
            ending=self.ending,
            ended_at=self._ended_at,
            missing=0 if self.ending == "whole" else self.reader.missing,
        )


def _readable(body: bytes) -> object:
    """JSON where it is JSON, else text."""
    try:
        return msgspec.json.decode(body) if body else None
    except payload.UNREADABLE:
        return body.decode("utf-8", "replace")


def _wants_stream(request: HttpRequest) -> bool:
    asked = _readable(request.body)
    in_path = kind(request.raw_path) != request.raw_path and "stream" in request.raw_path.lower()
    return in_path or (isinstance(asked, dict) and asked.get("stream") is True)
