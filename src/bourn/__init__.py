"""One asynchronous iterator for the streaming answer of any LLM, and the means to prove that it is right.

    async with bourn.stream("anthropic/claude-sonnet-5-5", "Why is the sky blue?") as stream:
        async for event in stream:
            if isinstance(event, bourn.TextDelta):
                print(event.text, end="", flush=True)

House rule: a name costs its import only when it is first used; ``import bourn`` loads nothing heavy. Where asyncio is
there already, it loads what a call needs, too: later that would hold up the loop.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bourn import sync as sync
    from bourn.calls import fallback as fallback
    from bourn.calls import race as race
    from bourn.calls import stream as stream
    from bourn.calls import tool_loop as tool_loop
    from bourn.client import Client as Client
    from bourn.errors import AuthenticationError as AuthenticationError
    from bourn.errors import BadRequestError as BadRequestError
    from bourn.errors import BournError as BournError
    from bourn.errors import BusyError as BusyError
    from bourn.errors import ChecksumError as ChecksumError
    from bourn.errors import ClosedError as ClosedError
    from bourn.errors import ConnectError as ConnectError
    from bourn.errors import ConnectionLostError as ConnectionLostError
    from bourn.errors import ConnectTimeout as ConnectTimeout
    from bourn.errors import ContentTypeError as ContentTypeError
    from bourn.errors import DeadlineError as DeadlineError
    from bourn.errors import EventOrderError as EventOrderError
    from bourn.errors import FirstEventTimeout as FirstEventTimeout
    from bourn.errors import FrameTooLargeError as FrameTooLargeError
    from bourn.errors import IdleTimeout as IdleTimeout
    from bourn.errors import InputError as InputError
    from bourn.errors import LaggedError as LaggedError
    from bourn.errors import MismatchError as MismatchError
    from bourn.errors import MissingKeyError as MissingKeyError
    from bourn.errors import ModelError as ModelError
    from bourn.errors import ModelFileError as ModelFileError
    from bourn.errors import NotFoundError as NotFoundError
    from bourn.errors import OverloadedError as OverloadedError
    from bourn.errors import PayloadError as PayloadError
    from bourn.errors import PermissionDeniedError as PermissionDeniedError
    from bourn.errors import ProtocolError as ProtocolError
    from bourn.errors import RateLimitError as RateLimitError
    from bourn.errors import RequestTooLargeError as RequestTooLargeError
    from bourn.errors import RoundsError as RoundsError
    from bourn.errors import ServerError as ServerError
    from bourn.errors import StatusError as StatusError
    from bourn.errors import TotalTimeout as TotalTimeout
    from bourn.errors import TransportError as TransportError
    from bourn.errors import TruncatedError as TruncatedError
    from bourn.events import ChosenToken as ChosenToken
    from bourn.events import Citation as Citation
    from bourn.events import Event as Event
    from bourn.events import Finish as Finish
    from bourn.events import Logprobs as Logprobs
    from bourn.events import MediaDelta as MediaDelta
    from bourn.events import MediaEnd as MediaEnd
    from bourn.events import MediaStart as MediaStart
    from bourn.events import Other as Other
    from bourn.events import ReasoningDelta as ReasoningDelta
    from bourn.events import ReasoningEnd as ReasoningEnd
    from bourn.events import ReasoningStart as ReasoningStart
    from bourn.events import RefusalDelta as RefusalDelta
    from bourn.events import RefusalEnd as RefusalEnd
    from bourn.events import RefusalStart as RefusalStart
    from bourn.events import Restart as Restart
    from bourn.events import Safety as Safety
    from bourn.events import SafetyRating as SafetyRating
    from bourn.events import ServerToolCall as ServerToolCall
    from bourn.events import ServerToolResult as ServerToolResult
    from bourn.events import Start as Start
    from bourn.events import TextDelta as TextDelta
    from bourn.events import TextEnd as TextEnd
    from bourn.events import TextStart as TextStart
    from bourn.events import TokenLogprob as TokenLogprob
    from bourn.events import ToolCallDelta as ToolCallDelta
    from bourn.events import ToolCallEnd as ToolCallEnd
    from bourn.events import ToolCallStart as ToolCallStart
    from bourn.events import Usage as Usage
    from bourn.frontends import SseBody as SseBody
    from bourn.frontends import to_sse as to_sse
    from bourn.frontends.base import Failure as Failure
    from bourn.frontends.base import explain as explain
    from bourn.many.pace import Pace as Pace
    from bourn.many.rows import Row as Row
    from bourn.many.rows import Rows as Rows
    from bourn.messages import Image as Image
    from bourn.messages import Message as Message
    from bourn.messages import Options as Options
    from bourn.messages import Reasoning as Reasoning
    from bourn.messages import Refusal as Refusal
    from bourn.messages import Request as Request
    from bourn.messages import Schema as Schema
    from bourn.messages import Text as Text
    from bourn.messages import Tool as Tool
    from bourn.messages import ToolCall as ToolCall
    from bourn.messages import ToolResult as ToolResult
    from bourn.observing import Call as Call
    from bourn.observing import Observer as Observer
    from bourn.observing.otel import OtelObserver as OtelObserver
    from bourn.response import Attempt as Attempt
    from bourn.response import Media as Media
    from bourn.response import Response as Response
    from bourn.steering.merge import Merge as Merge
    from bourn.steering.merge import Merged as Merged
    from bourn.steering.merge import merge as merge
    from bourn.steering.policy import Retry as Retry
    from bourn.steering.tee import Branch as Branch
    from bourn.steering.tee import tee as tee
    from bourn.steering.tool_loop import ToolLoop as ToolLoop
    from bourn.steering.trunk import Dropped as Dropped
    from bourn.streams import Stream as Stream
    from bourn.streams import TextStream as TextStream
    from bourn.streams.objects import ObjectStream as ObjectStream
    from bourn.structured.functions import FunctionTool as FunctionTool
    from bourn.transport.limits import Limits as Limits
    from bourn.transport.limits import Timeouts as Timeouts
    from bourn.transport.quota import Allowance as Allowance
    from bourn.transport.quota import Quota as Quota

_HOMES: dict[str, str] = {
    "calls": "fallback race stream tool_loop",
    "client": "Client",
    "errors": (
        "AuthenticationError BadRequestError BournError BusyError ChecksumError ClosedError ConnectError ConnectTimeout "
        "ConnectionLostError ContentTypeError DeadlineError EventOrderError FirstEventTimeout FrameTooLargeError "
        "IdleTimeout InputError LaggedError MismatchError MissingKeyError ModelError ModelFileError NotFoundError "
        "OverloadedError PayloadError PermissionDeniedError ProtocolError RateLimitError RequestTooLargeError "
        "RoundsError ServerError StatusError TotalTimeout TransportError TruncatedError"
    ),
    "events": (
        "ChosenToken Citation Event Finish Logprobs MediaDelta MediaEnd MediaStart Other ReasoningDelta ReasoningEnd "
        "ReasoningStart RefusalDelta RefusalEnd RefusalStart Restart Safety SafetyRating ServerToolCall ServerToolResult "
        "Start TextDelta TextEnd TextStart TokenLogprob ToolCallDelta ToolCallEnd ToolCallStart Usage"
    ),
    "frontends": "SseBody to_sse",
    "frontends.base": "Failure explain",
    "many.pace": "Pace",
    "many.rows": "Row Rows",
    "messages": "Image Message Options Reasoning Refusal Request Schema Text Tool ToolCall ToolResult",
    "observing": "Call Observer",
    "observing.otel": "OtelObserver",
    "response": "Attempt Media Response",
    "steering.merge": "Merge Merged merge",
    "steering.policy": "Retry",
    "steering.tee": "Branch tee",
    "steering.tool_loop": "ToolLoop",
    "steering.trunk": "Dropped",
    "streams": "Stream TextStream",
    "streams.objects": "ObjectStream",
    "structured.functions": "FunctionTool",
    "transport.limits": "Limits Timeouts",
    "transport.quota": "Allowance Quota",
}
"""Module to the public names that live in it."""

_NAMES = {name: f"bourn.{module}" for module, names in _HOMES.items() for name in names.split()}

_MODULES = ("sync",)
"""Public modules that need no import of their own."""

__all__ = [
    "Allowance",
    "Attempt",
    "AuthenticationError",
    "BadRequestError",
    "BournError",
    "Branch",
    "BusyError",
    "Call",
    "ChecksumError",
    "ChosenToken",
    "Citation",
    "Client",
    "ClosedError",
    "ConnectError",
    "ConnectTimeout",
    "ConnectionLostError",
    "ContentTypeError",
    "DeadlineError",
    "Dropped",
    "Event",
    "EventOrderError",
    "Failure",
    "Finish",
    "FirstEventTimeout",
    "FrameTooLargeError",
    "FunctionTool",
    "IdleTimeout",
    "Image",
    "InputError",
    "LaggedError",
    "Limits",
    "Logprobs",
    "Media",
    "MediaDelta",
    "MediaEnd",
    "MediaStart",
    "Merge",
    "Merged",
    "Message",
    "MismatchError",
    "MissingKeyError",
    "ModelError",
    "ModelFileError",
    "NotFoundError",
    "ObjectStream",
    "Observer",
    "Options",
    "OtelObserver",
    "Other",
    "OverloadedError",
    "Pace",
    "PayloadError",
    "PermissionDeniedError",
    "ProtocolError",
    "Quota",
    "RateLimitError",
    "Reasoning",
    "ReasoningDelta",
    "ReasoningEnd",
    "ReasoningStart",
    "Refusal",
    "RefusalDelta",
    "RefusalEnd",
    "RefusalStart",
    "Request",
    "RequestTooLargeError",
    "Response",
    "Restart",
    "Retry",
    "RoundsError",
    "Row",
    "Rows",
    "Safety",
    "SafetyRating",
    "Schema",
    "ServerError",
    "ServerToolCall",
    "ServerToolResult",
    "SseBody",
    "Start",
    "StatusError",
    "Stream",
    "Text",
    "TextDelta",
    "TextEnd",
    "TextStart",
    "TextStream",
    "Timeouts",
    "TokenLogprob",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolCallEnd",
    "ToolCallStart",
    "ToolLoop",
    "ToolResult",
    "TotalTimeout",
    "TransportError",
    "TruncatedError",
    "Usage",
    "explain",
    "fallback",
    "merge",
    "race",
    "stream",
    "tee",
    "to_sse",
    "tool_loop",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load the module of a public name on its first use."""
    if name in _MODULES:
        return import_module(f"bourn.{name}")
    if name not in _NAMES:
        raise AttributeError(f"module 'bourn' has no attribute {name!r}")
    value = getattr(import_module(_NAMES[name]), name)
    globals()[name] = value
    return value


if "asyncio" in sys.modules and "_pytest" not in sys.modules:  # a suite has our plugin, whether it uses us or not
    import_module("bourn.calls")


def __dir__() -> list[str]:
    return [*__all__, *_MODULES, "__version__"]
