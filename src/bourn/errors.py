"""Everything that can go wrong, as one tree.

::

    BournError                    .provider .model .request_id .response .retryable
    ├── InputError                what the caller gave cannot be sent; nothing was sent (also a ValueError)
    │   ├── MissingKeyError       no API key; the message names the environment variable
    │   └── ModelFileError        the local model's file is missing, corrupt or of another model
    ├── ClosedError               the stream was read after it was closed
    ├── BusyError                 a second reader while the first one waits
    ├── LaggedError               a consumer of a tee that fell too far behind the others
    ├── StatusError               an HTTP status: .status .code .type .retry_after .quota
    │   ├── BadRequestError       other 4xx
    │   ├── AuthenticationError   401
    │   ├── PermissionDeniedError 403
    │   ├── NotFoundError         404
    │   ├── RequestTooLargeError  413
    │   ├── RateLimitError        429
    │   ├── OverloadedError       503, 529
    │   └── ServerError           other 5xx
    ├── TransportError
    │   ├── ConnectError          no connection: name, address, TLS, the local model's process
    │   ├── ConnectionLostError   the connection broke in mid-stream
    │   └── DeadlineError         a time limit (also a TimeoutError)
    │       ├── ConnectTimeout    .. until a connection stood
    │       ├── FirstEventTimeout .. until the first content
    │       ├── IdleTimeout       .. between two signs of progress
    │       └── TotalTimeout      .. for the whole answer
    ├── ProtocolError             the bytes are not what the dialect says
    │   ├── FrameTooLargeError    one frame, or the decoded body, went over its limit
    │   ├── ChecksumError         a binary frame's CRC is wrong
    │   ├── PayloadError          a frame cannot be decoded: .raw
    │   ├── EventOrderError       events in an order that the table in ``events`` forbids
    │   ├── ContentTypeError      a 200 that is not a stream: .content_type .body
    │   └── TruncatedError        the bytes ended before the dialect's end mark
    ├── ModelError                an error event inside a 200 stream: .code .type
    ├── RoundsError               a tool loop came to its bound, and the model still calls tools
    └── MismatchError             the whole answer is not of the type that was asked for: .path .raw

House rule: an error is decided by a status or a typed body, never by searching words in a message, and carries everything that
was received before it in ``response``. ``asyncio.CancelledError`` is nobody's error and passes through untouched.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Self, TypedDict, Unpack

if TYPE_CHECKING:
    from bourn.response import Response
    from bourn.transport.quota import Quota


class Context(TypedDict, total=False):
    """What every error can be told besides its sentence: the attributes of ``BournError``."""

    provider: str | None
    model: str | None
    request_id: str | None
    response: Response | None


class BournError(Exception):
    """Base of all errors of this library; catch it to catch everything.

    ``provider`` and ``model`` say who was asked, ``request_id`` is the provider's name for the call (give it to their support),
    ``response`` is the answer up to the error: each error that a stream raises has one, also where the request was refused or
    never left, and then it is empty. It is ``None`` where the error is no one stream's: what is raised before there is one
    (``InputError``), by a client that was closed, by several streams together. ``retryable`` tells whether the same request may
    succeed later, ``retry_after`` after how many seconds, where the provider said.
    """

    retryable: bool = False
    retry_after: float | None = None

    def __init__(
        self,
        message: str = "",
        *,
        provider: str | None = None,
        model: str | None = None,
        request_id: str | None = None,
        response: Response | None = None,
    ) -> None:
        super().__init__(message)
        self.provider = provider
        self.model = model
        self.request_id = request_id
        self.response = response

    def fresh(self) -> Self:
        """An equal error without a traceback, whose frames would keep alive whoever stores it."""
        twin = copy.copy(self)
        twin.__cause__ = self.__cause__
        return twin

    @property
    def message(self) -> str:
        """The sentence alone, without provider and request id."""
        return str(self.args[0]) if self.args else ""

    def __str__(self) -> str:
        where = "/".join(word for word in (self.provider, self.model) if word)
        context = ", ".join(word for word in (where, self.request_id and f"request {self.request_id}") if word)
        return " ".join(word for word in (self.message, context and f"[{context}]") if word)


class InputError(BournError, ValueError):
    """What the caller gave cannot be sent. Nothing was sent: mend the argument that the message names."""


class MissingKeyError(InputError):
    """The provider wants a key and none was given. Set the variable that the message names, or pass ``api_key=``."""


class ModelFileError(InputError):
    """The local model's file is missing, unreadable, corrupt or not the pinned one. The message says which command to run."""


class ClosedError(BournError):
    """The stream was closed before its end and then read. What had arrived is in ``response``."""


class BusyError(BournError):
    """A second task reads a stream that a first one is waiting on. One reader at a time; the first one is not disturbed."""


class LaggedError(BournError):
    """A consumer of ``tee(..., slow="fail")`` had more unread events than its buffer holds. The others are not disturbed."""


class StatusError(BournError):
    """The provider answered with an HTTP error status.

    ``status`` is the number, ``code`` and ``type`` are the provider's own words, ``retry_after`` is the wait it asked for, in
    seconds, ``quota`` what it told of its rate limits (``None`` where there was no head to read).
    """

    def __init__(
        self,
        message: str = "",
        *,
        status: int = 0,
        code: str | None = None,
        type: str | None = None,
        retry_after: float | None = None,
        quota: Quota | None = None,
        **context: Unpack[Context],
    ) -> None:
        super().__init__(message, **context)
        self.status = status
        self.code = code
        self.type = type
        self.retry_after = retry_after
        self.quota = quota


class BadRequestError(StatusError):
    """Another 4xx: the request is wrong. Sending it again will not help."""


class AuthenticationError(StatusError):
    """401: the key is missing, wrong or expired."""


class PermissionDeniedError(StatusError):
    """403: the key is known and may not do this."""


class NotFoundError(StatusError):
    """404: no such model, or a wrong base URL."""


class RequestTooLargeError(StatusError):
    """413: the request has more bytes than the provider takes."""


class RateLimitError(StatusError):
    """429: too many requests or tokens. Wait ``retry_after`` seconds, if told."""

    retryable = True


class OverloadedError(StatusError):
    """503 or 529: the provider has no capacity now."""

    retryable = True


class ServerError(StatusError):
    """Another 5xx: the provider failed."""

    retryable = True


STATUS_ERRORS: dict[int, type[StatusError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    413: RequestTooLargeError,
    429: RateLimitError,
    503: OverloadedError,
    529: OverloadedError,
}
"""Status to class; what is not here is decided by :func:`status_error_class` from its hundreds."""


def status_error_class(status: int) -> type[StatusError]:
    """The class for an HTTP status that is not 200; a redirect counts as a bad request, since none is followed."""
    return STATUS_ERRORS.get(status, ServerError if status >= 500 else BadRequestError)


class TransportError(BournError):
    """The way to the provider failed, not the provider."""

    retryable = True


class ConnectError(TransportError):
    """No connection came about: name look-up, refused, TLS, or the local model's process did not start."""


class ConnectionLostError(TransportError):
    """The connection broke before the end of the answer. What had arrived is in ``response``."""


class DeadlineError(TransportError, TimeoutError):
    """A time limit of ``Timeouts`` passed; the subclass says which. Only the provider's time is counted."""


class ConnectTimeout(DeadlineError):
    """No connection within ``Timeouts.connect`` seconds."""


class FirstEventTimeout(DeadlineError):
    """No content within ``Timeouts.first_event`` seconds of sending the request."""


class IdleTimeout(DeadlineError):
    """No progress within ``Timeouts.idle`` seconds (a ping is none), or no byte within ``Timeouts.idle_bytes``."""


class TotalTimeout(DeadlineError):
    """The provider took longer than ``Timeouts.total`` seconds in all."""


class ProtocolError(BournError):
    """The bytes are not what the dialect says."""


class FrameTooLargeError(ProtocolError):
    """One frame, or the decoded body, is larger than ``Limits`` allows."""


class ChecksumError(ProtocolError):
    """A binary frame's checksum does not fit its bytes."""


class PayloadError(ProtocolError):
    """A frame cannot be decoded. ``raw`` holds its bytes."""

    def __init__(self, message: str = "", *, raw: bytes = b"", **context: Unpack[Context]) -> None:
        super().__init__(message, **context)
        self.raw = raw


class EventOrderError(ProtocolError):
    """Events came in an order that the table in ``bourn.events`` forbids."""


class ContentTypeError(ProtocolError):
    """A 200 whose body is not the stream that was asked for. ``content_type`` is what it said, ``body`` its first 64 KiB."""

    def __init__(self, message: str = "", *, content_type: str = "", body: bytes = b"", **context: Unpack[Context]) -> None:
        super().__init__(message, **context)
        self.content_type = content_type
        self.body = body


class TruncatedError(ProtocolError):
    """The bytes ended before the dialect's end mark. What had arrived is in ``response``; it is not the whole answer."""

    retryable = True


class ModelError(BournError):
    """The provider sent an error event inside a 200 stream. ``code`` and ``type`` are its own words."""

    def __init__(
        self,
        message: str = "",
        *,
        code: str | None = None,
        type: str | None = None,
        retryable: bool = False,
        **context: Unpack[Context],
    ) -> None:
        super().__init__(message, **context)
        self.code = code
        self.type = type
        self.retryable = retryable


class RoundsError(BournError):
    """The model still calls tools after as many rounds as a tool loop may have. Its last answer is in ``response``."""


class MismatchError(BournError):
    """The answer came whole and is not what was asked for, or no JSON at all.

    ``path`` says where (``$.items[2].price``), ``raw`` is the text that was read. The rest of the answer is in ``response``.
    """

    def __init__(self, message: str = "", *, path: str = "$", raw: str = "", **context: Unpack[Context]) -> None:
        super().__init__(message, **context)
        self.path = path
        self.raw = raw
