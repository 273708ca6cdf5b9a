"""``FunctionTool``: a typed function as a tool, its schema from the signature and the docstring.

House rule: the model's arguments are checked against the signature before the function sees them; what is wrong with them is
told in a sentence that lets the model mend it.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from functools import cached_property
from typing import Any

import msgspec

from bourn.errors import InputError
from bourn.messages import Tool
from bourn.structured.extra import load
from bourn.structured.strict import strict

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class FunctionTool:
    """``function`` as a tool: :attr:`tool` is what a model is told of it, :meth:`read` checks what the model gives it.

    Parameters are annotated with what msgspec knows (``str``, ``int``, ``list[str]``, ``Literal``, structs, dataclasses …);
    one without a default is required. The docstring's summary describes the tool, its parameter section
    (Google's, NumPy's, Sphinx's style) the parameters. ``name`` replaces the function's. Raises ``InputError`` for a function
    whose parameters have no names or no annotations. Needs the extra ``bourn[structured]`` where there is a docstring.
    """

    def __init__(self, function: Callable[..., Any], *, name: str | None = None) -> None:
        self.function = function
        self.name = name or str(getattr(function, "__name__", ""))
        if not self.name.isidentifier():
            raise InputError(f"a tool needs a name, and {function!r} has none: FunctionTool(function, name='...')")

    @cached_property
    def tool(self) -> Tool:
        """What the model is told."""
        schema = strict(msgspec.json.schema(self._arguments), self.name)
        parameters = dict(schema.schema)
        parameters.pop("title", None)
        return Tool(self.name, self._told.summary, parameters, strict=schema.strict)

    def read(self, arguments: str) -> dict[str, Any]:
        """The model's argument text as keyword arguments. Raises ``ValueError`` with a sentence for the model."""
        try:
            read = msgspec.json.decode(arguments or "{}", type=self._arguments)
        except msgspec.DecodeError as error:
            raise ValueError(f"wrong arguments for {self.name}: {error}") from error
        return {name: getattr(read, name) for name in read.__struct_fields__ if getattr(read, name) is not msgspec.UNSET}

    @cached_property
    def _told(self) -> _Told:
        return _told(self.function)

    @cached_property
    def _arguments(self) -> type[msgspec.Struct]:
        """A struct with the parameters as fields."""
        hints = typing.get_type_hints(self.function, include_extras=True)
        fields: list[Any] = []
        for name, parameter in inspect.signature(self.function).parameters.items():
            if parameter.kind not in _NAMED:
                raise InputError(f"the tool {self.name} takes {parameter}: a model gives arguments by name only")
            if name not in hints:
                raise InputError(f"the tool {self.name}: the parameter {name} has no annotation, so its type cannot be told")
            annotation = hints[name]
            if name in self._told.parameters:
                annotation = typing.Annotated[annotation, msgspec.Meta(description=self._told.parameters[name])]
            optional = parameter.default is not parameter.empty
            fields.append((name, annotation | msgspec.UnsetType, msgspec.UNSET) if optional else (name, annotation))
        try:
            arguments = msgspec.defstruct(self.name, fields, kw_only=True, forbid_unknown_fields=True)
            msgspec.json.schema(arguments)
        except TypeError as error:
            raise InputError(f"the tool {self.name} has a parameter that JSON cannot give: {error}") from error
        return arguments


class _Told(msgspec.Struct, frozen=True):
    """What a docstring says: of the function, and of its parameters."""

    summary: str = ""
    parameters: dict[str, str] = {}


def _told(function: Callable[..., Any]) -> _Told:
    text = inspect.getdoc(function)
    if not text:
        return _Told()
    parsed = load("docstring_parser", f"reading the docstring of {getattr(function, '__name__', 'a tool')}").parse(text)
    words = [part for part in (parsed.short_description, parsed.long_description) if part]
    return _Told("\n\n".join(words), {each.arg_name: each.description for each in parsed.params if each.description})
