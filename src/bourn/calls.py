"""``stream``, ``fallback``, ``race`` and ``tool_loop``: calls that share nothing with others, each by a client of its own.

House rule: nothing is decided here; what a call does is said in ``Client``, and what it means is said here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

from bourn.client import CallOptions, Client, FallbackOptions, LoopOptions, Prompt, RaceOptions
from bourn.streams import Stream

if TYPE_CHECKING:
    from bourn.steering.entrants import Entrant
    from bourn.steering.tool_loop import ToolLoop


class _Single(Client):
    """Makes streams that share nothing."""

    _own = True


def stream(model: str, prompt: Prompt, **options: Unpack[CallOptions]) -> Stream:
    """The streaming answer of ``model`` to ``prompt``, over a connection of its own; sends nothing yet.

    Use it under ``async with`` and iterate, or ``await stream.collect()``. For many calls make a ``Client``, which keeps its
    connections.

    Parameters
    ----------
    model:
        ``"provider/model"``, such as ``"openai/gpt-6-luna"``, ``"local/smollm2-135m"``, ``"local//path/to/model.gguf"``.
    prompt:
        A string, a ``Message``, or a list of ``Message``s and OpenAI-style dicts.
    base_url, api_key, dialect:
        Override the provider's row and the environment; with ``base_url`` any server that speaks the dialect is reached.
    mock:
        The answer, as text or as a scenario of ``bourn.mock``: nothing is sent, no key is needed, all else is as it would be.
    timeouts, limits:
        ``Timeouts`` (seconds) and ``Limits`` (bytes) of this stream.
    retry:
        A ``bourn.Retry``: when the request is sent again if it fails. Without one nothing is ever sent twice.
    observers:
        Told of this call, after the client's.
    max_tokens, temperature, top_p, stop, seed, tools, tool_choice, reasoning, schema, extra:
        As in ``bourn.messages.Options``; a tool may be a typed function (``FunctionTool``), a schema a type (``ObjectStream``).
        What the provider's dialect cannot express becomes a warning in ``Start``.

    Raises ``InputError`` (``MissingKeyError``) at once for what is wrong here; iteration raises the rest of ``BournError``.
    """
    return _Single().stream(model, prompt, **options)


def fallback(models: Sequence[Entrant], prompt: Prompt | None = None, **options: Unpack[FallbackOptions]) -> Stream:
    """The answer of the first of ``models`` that gives one, in their order; sends nothing yet.

    The next model is asked when one fails before its first content: whatever the reason, a truncated answer and one without
    end mark too. An answer that is whole and says nothing is an answer. With content the choice is made, and an error is the
    stream's. ``response.attempts`` tells who failed, and why.

    Parameters
    ----------
    models:
        Model ids, and unsent streams, each with options of its own; a stream is closed to its owner from then on.
    prompt, and all options of ``bourn.stream``:
        For the model ids. ``timeouts.total`` bounds the whole, ``retry`` asks each model again before the next one.
    on:
        The classes of errors after which the next model is asked (all but ``InputError``, ``ClosedError`` and ``BusyError``).
    recover:
        Whether the next model is asked after content, too. Its answer then begins with ``Restart``, unless a tool call had
        begun: then the error is raised.

    Raises ``InputError`` at once for no models, two that would ask the same, and streams that were read or closed. When all
    fail, iteration raises the last error, whose sentence tells what each of them said.
    """
    return _Single().fallback(models, prompt, **options)


def race(models: Sequence[Entrant], prompt: Prompt | None = None, **options: Unpack[RaceOptions]) -> Stream:
    """The answer of the one of ``models`` that has content first; sends nothing yet.

    The others are closed at once, and their connections with them; what they cost is in ``response.attempts``, estimated where
    their providers did not tell. ``async with`` waits until one has won.

    Parameters
    ----------
    models, prompt, and all options of ``bourn.stream``:
        As for ``bourn.fallback``.
    after:
        Seconds after which the next model is asked, too, if none has content yet: one number, or one for each model but the
        first. ``None`` asks all at once. A model that fails lets the next one start at once.

    Raises what ``bourn.fallback`` raises.
    """
    return _Single().race(models, prompt, **options)


def tool_loop(model: str, prompt: Prompt, **options: Unpack[LoopOptions]) -> ToolLoop:
    """Ask ``model``, run the tools that it calls, send back what they gave, and ask again, until it answers.

    Parameters
    ----------
    tools:
        Typed functions (see ``FunctionTool``), synchronous or asynchronous, at least one; and ``Tool``s, whose calls end the
        loop and are left to the caller.
    rounds:
        How many answers there may be (10); if the last one still calls tools, ``RoundsError`` is raised.
    on_error:
        ``"tell"`` the model what a tool raised, so that it may mend its call, or ``"raise"`` it.

    All else is as for ``bourn.stream``.
    """
    return _Single().tool_loop(model, prompt, **options)
