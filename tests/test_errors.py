"""The tree of errors is what its drawing says, and every error carries all it knows wherever it goes."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from collections.abc import Callable
from typing import NamedTuple

import pytest

import bourn.errors
from bourn.errors import (
    STATUS_ERRORS,
    BadRequestError,
    BournError,
    ClosedError,
    ContentTypeError,
    Context,
    DeadlineError,
    InputError,
    MismatchError,
    ModelError,
    PayloadError,
    ServerError,
    StatusError,
    status_error_class,
)
from bourn.events import Finish, Start, TextDelta, TextStart, ToolCallDelta, ToolCallStart
from bourn.response import Response
from bourn.transport.quota import Allowance, Quota

ERRORS: dict[str, type[BournError]] = {
    name: item for name, item in vars(bourn.errors).items() if inspect.isclass(item) and issubclass(item, BournError)
}
every_error = pytest.mark.parametrize("kind", ERRORS.values(), ids=ERRORS)


class Drawn(NamedTuple):
    """One line of the drawing in the docstring."""

    parent: str | None
    note: str


def drawing() -> dict[str, Drawn]:
    """The tree in the docstring of ``bourn.errors``: name to parent and the words beside it."""
    drawn: dict[str, Drawn] = {}
    above: list[str] = []
    for line in (bourn.errors.__doc__ or "").splitlines():
        if match := re.fullmatch(r"    ([│├└─ ]*)(\w+)(?: +(.*))?", line):
            depth = len(match[1]) // 4
            drawn[match[2]] = Drawn(above[depth - 1] if depth else None, match[3] or "")
            above[depth:] = [match[2]]
    return drawn


DRAWING = drawing()


def answer() -> Response:
    """An answer cut in the middle of a tool call."""
    response = Response("groq", "llama")
    for event in (Start("id"), TextStart(0), TextDelta(0, "héllo"), ToolCallStart(1, "call", "f"), ToolCallDelta(1, '{"a')):
        response.fold(event)
    return response


EXTRAS: dict[type[BournError], dict[str, object]] = {
    StatusError: {
        "status": 429,
        "code": "slow",
        "type": "rate",
        "retry_after": 1.5,
        "quota": Quota((Allowance("requests", 5, 0),)),
    },
    PayloadError: {"raw": b"\xff{"},
    ContentTypeError: {"content_type": "text/html", "body": b"<html>"},
    MismatchError: {"path": "$.a", "raw": "{}"},
    ModelError: {"code": "overloaded", "type": "error", "retryable": True},
}


def extras(kind: type[BournError]) -> dict[str, object]:
    """Values for what a class carries beyond its base, none of them a default."""
    return {name: value for base, values in EXTRAS.items() if issubclass(kind, base) for name, value in values.items()}


def full(kind: type[BournError]) -> BournError:
    """An error with every attribute set."""
    make: Callable[..., BournError] = kind
    return make("it broke", provider="groq", model="llama", request_id="req_1", response=answer(), **extras(kind))


# the tree


def test_the_drawing_shows_every_class_under_its_base() -> None:
    """Names and parents in the docstring are the real classes and their first bases."""
    real = {name: kind.__bases__[0].__name__ for name, kind in ERRORS.items()}
    assert {name: drawn.parent or "Exception" for name, drawn in DRAWING.items()} == real


def test_the_drawing_has_the_order_of_the_file() -> None:
    """Classes are defined in the order in which they are drawn."""
    assert list(DRAWING) == list(ERRORS)


@every_error
def test_the_drawing_names_the_attributes(kind: type[BournError]) -> None:
    """What the drawing writes with a dot is there on an error, and what a class adds is in the drawing."""
    named = set(re.findall(r"\.([a-z_]+)", DRAWING[kind.__name__].note))
    error = full(kind)
    assert all(hasattr(error, name) for name in named)
    own = set(EXTRAS.get(kind, {})) - {"retryable"}
    assert own <= named


def test_the_drawing_names_the_other_bases() -> None:
    """`also a` in the drawing is a second base, and there is no other."""
    also = {name: match[1] for name, drawn in DRAWING.items() if (match := re.search(r"also an? (\w+)", drawn.note))}
    assert also == {name: kind.__bases__[1].__name__ for name, kind in ERRORS.items() if len(kind.__bases__) > 1}


def test_the_drawing_names_the_statuses() -> None:
    """The numbers in the drawing are those of the table."""
    drawn = {int(number): name for name, d in DRAWING.items() for number in re.findall(r"\b\d{3}\b", d.note) if number != "200"}
    assert drawn == {status: kind.__name__ for status, kind in STATUS_ERRORS.items()}


@every_error
def test_every_class_says_what_it_means(kind: type[BournError]) -> None:
    """Each error has a docstring of its own."""
    assert kind.__doc__
    assert all(kind.__doc__ != base.__doc__ for base in kind.__bases__)


@pytest.mark.parametrize(("builtin", "ours"), [(TimeoutError, DeadlineError), (ValueError, InputError)])
def test_deadlines_and_bad_input_are_what_python_calls_them(builtin: type[Exception], ours: type[BournError]) -> None:
    """A deadline is a TimeoutError and bad input a ValueError, their subclasses too, and nothing else is."""
    assert {kind for kind in ERRORS.values() if issubclass(kind, builtin)} == {
        kind for kind in ERRORS.values() if issubclass(kind, ours)
    }


RETRYABLE = {
    "RateLimitError",
    "OverloadedError",
    "ServerError",
    "TransportError",
    "ConnectError",
    "ConnectionLostError",
    "DeadlineError",
} | {"ConnectTimeout", "FirstEventTimeout", "IdleTimeout", "TotalTimeout", "TruncatedError"}


def test_what_may_succeed_later() -> None:
    """Failures of the way, of capacity and cut answers are worth another try; wrong requests and wrong bytes are not."""
    assert {name for name, kind in ERRORS.items() if kind("x").retryable} == RETRYABLE


def test_a_model_error_knows_for_itself() -> None:
    """Whether an error event is worth another try is said by whoever raises it."""
    assert ModelError("x", retryable=True).retryable
    assert not ModelError("x").retryable
    assert not ModelError.retryable


# the statuses


def test_every_status_has_its_class() -> None:
    """Each status from 100 to 599 is in the table, or a server's failure from 500 on, or a bad request."""
    for status in range(100, 600):
        expected = STATUS_ERRORS.get(status) or (ServerError if status >= 500 else BadRequestError)
        assert status_error_class(status) is expected, status


NAMED = {
    "BadRequestError": (301, 400, 408, 422),
    "AuthenticationError": (401,),
    "PermissionDeniedError": (403,),
    "NotFoundError": (404,),
    "RequestTooLargeError": (413,),
    "RateLimitError": (429,),
    "OverloadedError": (503, 529),
    "ServerError": (500, 502, 504),
}


@pytest.mark.parametrize(("name", "statuses"), NAMED.items(), ids=NAMED)
def test_known_statuses(name: str, statuses: tuple[int, ...]) -> None:
    """The statuses that providers send, by name."""
    assert {status_error_class(status).__name__ for status in statuses} == {name}


# what an error carries


@every_error
def test_arguments_become_attributes(kind: type[BournError]) -> None:
    """Every argument that a class takes is there under its name, and the sentence alone under `message`."""
    error = full(kind)
    context = {"provider", "model", "request_id", "response"}
    taken = set(inspect.signature(kind).parameters)
    assert (taken - {"context"}) | context == {"message", *context, *extras(kind)}
    assert set(Context.__annotations__) == context
    assert (error.message, error.provider, error.model, error.request_id) == ("it broke", "groq", "llama", "req_1")
    assert error.response is not None
    assert error.response.text == "héllo"
    assert {name: getattr(error, name) for name in extras(kind)} == extras(kind)


@every_error
def test_str_shows_who_was_asked(kind: type[BournError]) -> None:
    """The text of an error ends with provider, model and request id."""
    assert str(full(kind)) == "it broke [groq/llama, request req_1]"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (BournError("x"), "x"),
        (BournError("x", provider="groq"), "x [groq]"),
        (BournError("x", model="llama"), "x [llama]"),
        (BournError("x", request_id="r"), "x [request r]"),
        (BournError(provider="groq"), "[groq]"),
        (BournError(), ""),
        (DeadlineError("x", provider="groq"), "x [groq]"),
        (InputError("x"), "x"),
    ],
)
def test_str_leaves_out_what_is_unknown(error: BournError, text: str) -> None:
    """Only what is known is written, with no stray space or bracket."""
    assert str(error) == text


def carried(error: BournError) -> dict[str, object]:
    """All attributes of an error, its response as plain data."""
    attributes = dict(vars(error), args=error.args, message=error.message, text=str(error), retryable=error.retryable)
    response = attributes["response"]
    assert isinstance(response, Response)
    attributes["response"] = (response.to_dict(), response.parts)
    return attributes


def pickled(protocol: int) -> Callable[[BournError], BournError]:
    """The way through a pickle."""

    def there_and_back(error: BournError) -> BournError:
        twin: BournError = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301  # our own bytes
        return twin

    return there_and_back


WAYS: dict[str, Callable[[BournError], BournError]] = {
    **{f"pickle {protocol}": pickled(protocol) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)},
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "fresh": BournError.fresh,
}


@every_error
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_copies_keep_everything(kind: type[BournError], way: Callable[[BournError], BournError]) -> None:
    """Pickled, copied or made fresh, an error is of the same class with the same attributes."""
    error = full(kind)
    twin = way(error)
    assert type(twin) is kind
    assert twin is not error
    assert carried(twin) == carried(error)


def test_an_answer_goes_on_after_a_pickle() -> None:
    """The response of a pickled error is whole: more can be folded into it."""
    error = pickle.loads(pickle.dumps(full(ClosedError)))  # noqa: S301  # our own bytes
    error.response.fold(Finish("stop"))
    assert error.response.complete
    assert error.response.text == "héllo"


def test_fresh_drops_the_traceback_and_keeps_the_cause() -> None:
    """A fresh twin does not lead back to the frames where the first one was raised."""
    with pytest.raises(ClosedError) as caught:
        raise ClosedError("outer") from KeyError("inner")
    twin = caught.value.fresh()
    assert caught.value.__traceback__ is not None
    assert twin.__traceback__ is None
    assert twin.__cause__ is caught.value.__cause__ is not None


@every_error
def test_all_but_the_sentence_go_by_name(kind: type[BournError]) -> None:
    """Only the message is positional, so that no two values can be mixed up."""
    make: Callable[..., BournError] = kind
    with pytest.raises(TypeError):
        make("x", "groq")
