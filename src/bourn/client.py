"""``Client``: the connections, keys and limits that calls share.

House rule: nothing happens before the first call; everything a caller can get wrong is found here, before anything is sent.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypedDict, TypeVar, Unpack

import msgspec

from bourn import providers
from bourn.errors import BournError, ClosedError, InputError
from bourn.many.pace import Pace
from bourn.messages import Message, Request, Schema, Tool
from bourn.observing import Call, Observation, ObservedSource, Observer
from bourn.prompts import read_options, read_prompt, read_tools
from bourn.providers import Endpoint
from bourn.steering.candidate import Candidate
from bourn.streams import Stream
from bourn.transport import ways
from bourn.transport.base import Source, Transport
from bourn.transport.limits import Limits, Timeouts
from bourn.transport.opening import OpeningSource

if TYPE_CHECKING:
    from bourn.many.rows import Rows
    from bourn.mock.scenario import Scenario
    from bourn.steering.entrants import Entrant
    from bourn.steering.policy import Budget, Retry
    from bourn.steering.tool_loop import OnError, ToolLoop
    from bourn.structured.functions import FunctionTool

T = TypeVar("T")

Prompt = str | Message | Sequence[Message | Mapping[str, Any]]
"""A string, a ``Message``, or a list of ``Message``s and OpenAI-style dicts."""

PerProvider = str | Mapping[str, str] | None
"""One value for every call, or a mapping from provider name to value."""

_UNASKED = {"base_url": "http://mock", "api_key": "no-key-needed"}
"""What a call has that brings its answer along."""


class CallOptions(TypedDict, total=False):
    """What a call may say beside model and prompt. Overrides of the client, then the options of ``bourn.messages.Options``."""

    base_url: str | None
    api_key: str | None
    dialect: str | None
    mock: str | Scenario | None
    timeouts: Timeouts | None
    limits: Limits | None
    retry: Retry | None
    observers: Sequence[Observer] | None
    max_tokens: int | None
    temperature: float | None
    top_p: float | None
    stop: str | Sequence[str] | None
    seed: int | None
    tools: Sequence[Callable[..., Any] | FunctionTool | Tool | Mapping[str, Any]] | None
    tool_choice: str | Mapping[str, Any] | None
    reasoning: str | int | None
    schema: type | Schema | Mapping[str, Any] | None
    extra: Mapping[str, Any] | None


class FallbackOptions(CallOptions, total=False):
    """What a fallback may be told besides."""

    on: tuple[type[BournError], ...] | None
    recover: bool


class RaceOptions(CallOptions, total=False):
    """What a race may be told besides."""

    after: float | Sequence[float] | None


class LoopOptions(CallOptions, total=False):
    """What a tool loop may be told besides."""

    rounds: int
    on_error: OnError


class Client:
    """Makes streams that share connections, keys and limits. Use it as ``async with bourn.Client() as client``.

    ``base_url`` and ``api_key`` apply to every call, or, given as a mapping by provider name, to that provider's; a call's own
    go before them, the environment and the table of providers after. ``timeouts`` and ``limits`` bound each stream; ``retry``
    says when a failed request is sent again (see ``bourn.Retry``), within a budget that all calls of the client share;
    ``pace`` makes requests wait before they are sent, so that none is refused for coming too fast (see ``bourn.Pace``; a
    mapping gives each provider its own); ``observers`` are told of every call (see ``bourn.Observer``).
    ``transport`` replaces the network (see ``bourn.transport.memory``). Raises ``InputError`` for wrong arguments.

    A client may be used in several event loops, one after the other: each gets its own connections.
    """

    _own = False  # whether each stream has a connection to itself, which is closed with it: see bourn.calls

    def __init__(
        self,
        *,
        base_url: PerProvider = None,
        api_key: PerProvider = None,
        timeouts: Timeouts | None = None,
        limits: Limits | None = None,
        retry: Retry | None = None,
        pace: Pace | Mapping[str, Pace] | None = None,
        observers: Sequence[Observer] = (),
        transport: Transport | None = None,
    ) -> None:
        self._base_url = _per_provider("base_url", base_url)
        self._api_key = _per_provider("api_key", api_key)
        self._timeouts = _instance("timeouts", timeouts, Timeouts)
        self._limits = _instance("limits", limits, Limits)
        self._retry = _policy(retry)
        self._pace = _pace(pace)
        self._pacers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Any, Any]] = weakref.WeakKeyDictionary()
        self._budgets: dict[tuple[float, float], Budget] = {}
        self._observers = _observers(observers)
        self._transport = transport
        self._pools: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Transport]] = weakref.WeakKeyDictionary()
        self._closed = False

    def stream(self, model: str, prompt: Prompt, **options: Unpack[CallOptions]) -> Stream:
        """The streaming answer of ``model`` to ``prompt``; sends nothing yet. Parameters and errors: see ``bourn.stream``."""
        self._raise_if_closed()
        total = self._total(options)
        return self._candidate(model, prompt, dict(options)).stream(total)

    def fallback(self, models: Sequence[Entrant], prompt: Prompt | None = None, **options: Unpack[FallbackOptions]) -> Stream:
        """The answer of the first of ``models`` that gives one; parameters and errors: see ``bourn.fallback``."""
        from bourn.steering.fallback import fallback  # only where there is one, here and below: a plain call does not pay

        self._raise_if_closed()
        told: dict[str, Any] = dict(options)
        on, recover = told.pop("on", None), told.pop("recover", False)
        total = self._total(told)
        return fallback(self._entrants(models, prompt, told), on=on, recover=recover).stream(total)

    def race(self, models: Sequence[Entrant], prompt: Prompt | None = None, **options: Unpack[RaceOptions]) -> Stream:
        """The answer of the quickest of ``models``; parameters and errors: see ``bourn.race``."""
        from bourn.steering.race import gaps, race

        self._raise_if_closed()
        told: dict[str, Any] = dict(options)
        delays = gaps(told.pop("after", None), models)
        total = self._total(told)
        return race(self._entrants(models, prompt, told), delays).stream(total)

    def tool_loop(self, model: str, prompt: Prompt, **options: Unpack[LoopOptions]) -> ToolLoop:
        """Answers and tools in turn, until an answer calls none; parameters and errors: see ``bourn.tool_loop``."""
        return _tool_loop(self.stream, model, prompt, dict(options))

    def map(
        self,
        prompts: Iterable[Prompt] | AsyncIterable[Prompt],
        model: str,
        *,
        concurrency: int = 8,
        ordered: bool = False,
        **options: Unpack[CallOptions],
    ) -> Rows[Prompt]:
        """The answers of ``model`` to many prompts, as rows, ``concurrency`` at a time; sends nothing yet.

        Rows come as they are finished, or with ``ordered`` in the order of the prompts; a failure is a row (``row.error``).
        ``prompts`` may be any iterable, asynchronous too, of any length: it is read as far as there is work for. All else is
        as for ``bourn.stream``; see ``Rows``, and ``Row`` for what one tells.
        """
        from bourn.many.rows import Rows  # only where there are many: a plain call does not pay for it

        self.stream(model, "?", **options)  # what is wrong with the arguments is said now; nothing is sent
        ask = partial(self.stream, model, **options)
        return Rows(ask, prompts, concurrency=concurrency, ordered=ordered)

    async def aclose(self) -> None:
        """Close every connection. Streams that are still open end with ``ClosedError`` or ``ConnectionLostError``."""
        self._closed = True
        pool = self._pools.pop(asyncio.get_running_loop(), {})
        try:
            for transport in [*pool.values(), *([self._transport] if self._transport else [])]:
                await transport.aclose()
        finally:
            self._abort(pool)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        for pool in list(getattr(self, "_pools", {}).values()):
            self._abort(pool)

    @staticmethod
    def _abort(pool: dict[str, Transport]) -> None:
        for transport in pool.values():
            transport.abort()

    def _raise_if_closed(self) -> None:
        if self._closed:
            raise ClosedError("the client is closed; make a new one")

    def _entrants(self, models: Sequence[Entrant], prompt: Prompt | None, options: dict[str, Any]) -> list[Candidate]:
        from bourn.steering.entrants import entrants

        def ask(model: str) -> Candidate:
            if prompt is None:
                raise InputError(f"there is no prompt, and {model!r} needs one")
            return self._candidate(model, prompt, dict(options))

        ignored = [*(["prompt"] if prompt is not None else []), *(name for name in options if name != "timeouts")]
        return entrants(models, ask, ignored)

    def _total(self, options: Mapping[str, Any]) -> float | None:
        timeouts: Timeouts = _instance("timeouts", options.get("timeouts"), Timeouts, self._timeouts)
        return timeouts.total

    def _candidate(self, model: str, prompt: Prompt, options: dict[str, Any]) -> Candidate:
        """Who is asked, and what. Raises ``InputError`` for everything that is wrong with it."""
        name = providers.split_model_id(model)[0]
        answer = options.pop("mock", None)
        if answer is not None:  # nothing is asked for that only a real service needs
            options |= {word: options.get(word) or value for word, value in _UNASKED.items()}
        endpoint = providers.resolve(
            model,
            base_url=options.pop("base_url", None) or self._base_url(name),
            api_key=options.pop("api_key", None) or self._api_key(name),
            dialect=options.pop("dialect", None),
        )
        timeouts = _instance("timeouts", options.pop("timeouts", None), Timeouts, self._timeouts)
        limits = _instance("limits", options.pop("limits", None), Limits, self._limits)
        retry = _policy(options.pop("retry", None)) or self._retry
        observers = (*self._observers, *_observers(options.pop("observers", None) or ()))
        request = Request(endpoint.model, read_prompt(prompt), read_options(**options), quirks=endpoint.provider.quirks)
        opener, own = self._opener(endpoint, answer), self._own

        def make(total: float | None) -> Source:
            within = timeouts if total == timeouts.total else msgspec.structs.replace(timeouts, total=total)
            source: Source = OpeningSource(opener, endpoint, request, timeouts=within, limits=limits, own=own)
            return source if self._pace is None else self._paced(source, endpoint, request)

        asks = (endpoint.provider.name, endpoint.base_url, endpoint.dialect_name, request, answer)
        candidate = Candidate(endpoint.provider.name, endpoint.model, make, asks)
        if retry is None and not observers:
            return candidate
        return self._accompanied(
            candidate, partial(Call, endpoint.provider.name, endpoint.model, endpoint.address, request), observers, retry
        )

    def _paced(self, source: Source, endpoint: Endpoint, request: Request) -> Source:
        """The source, which waits for its turn among those of its provider and key."""
        from bourn.many.pacer import Pacer  # only where there is a pace
        from bourn.many.source import PacedSource

        assert self._pace is not None
        name, key = endpoint.provider.name, endpoint.key
        pace = self._pace if isinstance(self._pace, Pace) else self._pace.get(name, Pace())
        whose = (name, endpoint.address, None if key is None else hash(key.reveal()))

        def pacer() -> Pacer:
            pacers: dict[Any, Pacer] = self._pacers.setdefault(asyncio.get_running_loop(), {})
            if whose not in pacers:
                pacers[whose] = Pacer(pace)
            return pacers[whose]

        return PacedSource(source, request, pacer)

    def _accompanied(
        self, candidate: Candidate, call: Callable[[], Call], observers: Sequence[Observer], retry: Retry | None
    ) -> Candidate:
        """The candidate as it is tried again, and observed: one call, however often it is tried."""
        again = None
        if retry is not None:
            from bourn.steering.retry import retrying

            again = retrying(candidate, retry, self._budgets)

        def make(total: float | None) -> Source:
            observation = Observation(call(), observers)
            source = candidate.make(total) if again is None else again(total, observation.retried)
            return ObservedSource(source, observation) if observers else source

        return msgspec.structs.replace(candidate, make=make, restarts=retry is not None and retry.recover)

    def _opener(self, endpoint: Endpoint, answer: object) -> Callable[[], Awaitable[Transport]]:
        """What gives the transport when a stream is opened: the client's for this loop, or one of the stream's own."""
        if answer is not None:
            return partial(_given, _scripted(answer))
        if self._transport is not None:
            return partial(_given, self._transport)
        way = "http" if endpoint.base_url else endpoint.provider.way
        return partial(_own_transport if self._own else self._shared_transport, way, endpoint.dialect_name)

    async def _shared_transport(self, way: str, dialect: str) -> Transport:
        make = await ways.load(way, dialect)
        if self._closed:
            raise ClosedError("the client was closed before the request was sent")
        pool = self._pools.setdefault(asyncio.get_running_loop(), {})
        if way not in pool:
            pool[way] = make(pooled=True)
        return pool[way]


def _tool_loop(ask: Callable[..., Stream], model: str, prompt: Prompt, options: dict[str, Any]) -> ToolLoop:
    from bourn.steering.tool_loop import ToolLoop  # only where there is one: a plain call does not pay for it
    from bourn.structured.functions import FunctionTool

    bounds = {name: options.pop(name) for name in ("rounds", "on_error") if name in options}
    tools = [FunctionTool(tool) if callable(tool) else tool for tool in options.pop("tools", None) or ()]
    functions = {tool.name: tool for tool in tools if isinstance(tool, FunctionTool)}
    left = {tool.name for tool in read_tools(tools)} - functions.keys()
    ask = partial(ask, model, tools=tools, **options)
    ask(prompt)  # what is wrong with the arguments is said now; nothing is sent
    return ToolLoop(ask, read_prompt(prompt), functions, left, **bounds)


async def _own_transport(way: str, dialect: str) -> Transport:
    make = await ways.load(way, dialect)
    return make(pooled=False)


async def _given(transport: Transport) -> Transport:
    return transport


def _scripted(answer: object) -> Transport:
    """A transport that gives this answer. Raises ``InputError`` for what cannot be one."""
    module, name = ways.TRANSPORTS["mock"]
    made: Transport = getattr(import_module(module), name)(answer=answer)
    return made


def _per_provider(name: str, value: PerProvider) -> Callable[[str], str | None]:
    if value is None or isinstance(value, str):
        return lambda _: value
    if isinstance(value, Mapping):
        for provider in value:
            providers.get(provider)
        return value.get
    raise InputError(f"{name} must be a string, or a mapping from provider name to string, not {type(value).__name__}")


def _pace(value: Any) -> Pace | Mapping[str, Pace] | None:
    if not isinstance(value, Mapping):
        return None if value is None else _instance("pace", value, Pace)
    for name, pace in value.items():
        providers.get(name)
        _instance(f"pace[{name!r}]", pace, Pace)
    return value


def _policy(value: Any) -> Retry | None:
    if value is None:
        return None
    from bourn.steering.policy import Retry

    policy: Retry = _instance("retry", value, Retry)
    return policy


def _observers(value: Sequence[Observer]) -> tuple[Observer, ...]:
    observers: tuple[Any, ...] = tuple(value) if isinstance(value, list | tuple) else (value,)
    for observer in observers:
        if not isinstance(observer, Observer):
            raise InputError(f"observers must be a list of bourn.Observer, and {observer!r} is none")
    return observers


def _instance(name: str, value: T | None, kind: type[T], default: T | None = None) -> T:
    if value is None:
        return default if default is not None else kind()
    if not isinstance(value, kind):
        raise InputError(f"{name} must be a bourn.{kind.__name__}, not {type(value).__name__}")
    return value
