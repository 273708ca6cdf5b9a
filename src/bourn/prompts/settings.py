"""Tools and options, in any of their shapes, as ``Tool`` and ``Options``.

House rule: one reader an option, found in a table; what ``Options`` declares is checked by msgspec, not here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import Any, get_origin

import msgspec

from bourn.errors import InputError
from bourn.messages import Options, Schema, Tool
from bourn.prompts.checks import LeftOut, converted, json_object, mapping, refuse, report_unread, shown, valid, wrong


def read_tools(tools: Any, *, left_out: LeftOut = refuse) -> tuple[Tool, ...]:
    """The tools of a list of ``Tool``s and dicts (OpenAI nested or flat, Anthropic). Raises ``InputError``."""
    if tools is None:
        return ()
    if isinstance(tools, (str, bytes, Mapping)) or not isinstance(tools, Iterable):
        raise wrong("tools", "a list of tools", tools)
    read = (_tool(value, f"tools[{at}]", left_out) for at, value in enumerate(tools))
    return tuple(tool for tool in read if tool is not None)


def read_options(**options: Any) -> Options:
    """The options of one call; ``None`` leaves one to the provider.

    Raises ``InputError`` that names the option, what it wants and what it got, or lists the known ones.
    """
    unknown = [name for name in options if name not in Options.__struct_fields__]
    if unknown:
        known = ", ".join(Options.__struct_fields__)
        raise InputError(f"unknown option {unknown[0]!r}; known are {known}; anything else goes into extra={{...}}")
    values = {
        name: _OPTION_READERS.get(name, _plain_option)(value, name) for name, value in options.items() if value is not None
    }
    read = Options(**{name: value for name, value in values.items() if value is not None})
    _check_tool_choice(read)
    return read


def _tool(value: Any, place: str, left_out: LeftOut) -> Tool | None:
    if callable(value) or hasattr(value, "function"):
        return _function(value)
    if isinstance(value, Tool):
        return _named(valid(value, place), place)
    outer = mapping(value, place)
    nested = isinstance(outer.get("function"), Mapping)
    place, tool = (f"{place}.function", outer["function"]) if nested else (place, outer)
    kind, schema = outer.get("type") or "function", "input_schema" if "input_schema" in tool else "parameters"
    if kind != "function" and (kind, schema) != ("custom", "input_schema"):  # Anthropic's name for a tool of the caller's
        left_out(f"{place}.type: wanted a function, got {shown(kind)}; a provider's own tools go into extra={{'tools': [...]}}")
        return None
    report_unread(tool, frozenset({"type", "name", "description", "strict", schema}), place, left_out)
    fields = {"name": tool.get("name"), "description": tool.get("description") or "", "strict": tool.get("strict")}
    if tool.get(schema) is not None:
        fields["parameters"] = json_object(tool[schema], f"{place}.{schema}")
    return _named(converted(fields, Tool, place), place)


def _function(value: Any) -> Tool:
    from bourn.structured.functions import FunctionTool  # only where there is one: a plain call does not pay for it

    return (value if isinstance(value, FunctionTool) else FunctionTool(value)).tool


def _named(tool: Tool, place: str) -> Tool:
    if not tool.name:
        raise InputError(f"{place}.name: is empty; a tool has a name")
    return tool


def _tools(value: Any, name: str) -> tuple[Tool, ...]:
    del name  # every error of a tool begins with it
    return read_tools(value)


def _stop(value: Any, name: str) -> tuple[str, ...]:
    stops = (value,) if isinstance(value, str) else value
    if isinstance(stops, Mapping) or not isinstance(stops, Iterable):
        raise wrong(name, _WANTED[name], value)
    stops = tuple(stops)
    if not all(isinstance(stop, str) and stop for stop in stops):
        raise wrong(name, _WANTED[name], value)
    return stops


def _tool_choice(value: Any, name: str) -> str:
    """A word or a tool's name, also out of the dicts of OpenAI and Anthropic."""
    if isinstance(value, Mapping):
        inner = value.get("function")
        named = inner.get("name") if isinstance(inner, Mapping) else value.get("name")
        value = named or value.get("type")
    if not isinstance(value, str) or not value:
        raise wrong(name, _WANTED[name], value)
    return "required" if value == "any" else value  # Anthropic's and Mistral's word


def _schema(value: Any, name: str) -> Schema | None:
    if isinstance(value, Schema):
        schema = valid(value, name)
    else:
        if not isinstance(value, Mapping) and (isinstance(value, type) or get_origin(value) is not None):
            from bourn.structured.shapes import shape_of  # only where a type is asked for

            return shape_of(value).schema
        given = mapping(value, name, _WANTED[name])
        kind = given.get("type")
        if kind == "text":
            return None
        if kind == "json_object":
            raise InputError(f"{name}: JSON without a schema is OpenAI's alone; use extra={{'response_format': ...}}")
        if kind == "json_schema":
            inner = given.get("json_schema", given)
            inner = mapping(inner, f"{name}.json_schema")
            fields = {"schema": inner.get("schema"), "name": inner.get("name") or "answer", "strict": inner.get("strict")}
            schema = converted(fields, Schema, name)
        else:
            schema = Schema(dict(given))
    json_object(schema.schema, name)
    return schema


def _extra(value: Any, name: str) -> dict[str, Any]:
    return json_object(value, name)


def _plain_option(value: Any, name: str) -> Any:
    """An option whose type in ``Options`` says what there is to check; JSON has no number that is not finite."""
    if isinstance(value, float) and not isfinite(value):
        raise wrong(name, _WANTED[name], value)
    try:
        return getattr(msgspec.convert({name: value}, Options), name)
    except msgspec.ValidationError as error:
        raise wrong(name, _WANTED[name], value) from error


_OPTION_READERS: dict[str, Callable[[Any, str], Any]] = {
    "tools": _tools,
    "stop": _stop,
    "tool_choice": _tool_choice,
    "schema": _schema,
    "extra": _extra,
}
"""Option to its reader; the others are plain."""

_WANTED: dict[str, str] = {
    "max_tokens": "an integer of at least 1",
    "temperature": "a number of at least 0",
    "top_p": "a number from 0 to 1",
    "stop": "a string that is not empty, or a list of such",
    "seed": "an integer",
    "tool_choice": "'auto', 'none', 'required' or the name of a tool",
    "reasoning": "'none', 'minimal', 'low', 'medium', 'high', 'xhigh', or a number of tokens of at least 0",
    "schema": "a type, a Schema or a JSON schema (a dict)",
}


def _check_tool_choice(options: Options) -> None:
    choice, names = options.tool_choice, [tool.name for tool in options.tools]
    if choice is None or choice in ("auto", "none", "required", *names) or not names or "tools" in options.extra:
        return
    raise InputError(f"tool_choice: no tool is called {choice!r}; there are {', '.join(names)}")
