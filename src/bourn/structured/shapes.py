"""``Shape``: a type, or a JSON schema, as what an answer is asked to be, is so far, and turned out to be.

House rule: one class for each family of types; the library that owns the family validates.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
from msgspec import inspect as kinds

from bourn.errors import InputError
from bourn.messages import Schema
from bourn.structured.extra import load
from bourn.structured.partial import info, partial
from bourn.structured.strict import strict


class Mismatch(Exception):
    """Where the JSON is not what the shape says (``$.items[2].price``), and why."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(why)
        self.path, self.why = path, why


class Shape(Protocol):
    """What an answer is asked to be."""

    @property
    def schema(self) -> Schema:
        """What the provider is told."""
        ...

    @property
    def compound(self) -> bool:
        """Whether it is an object or a list, whose beginning can be told from words around it."""
        ...

    def partial(self, value: Any) -> Any:
        """As much of it as plain JSON data makes."""
        ...

    def whole(self, data: bytes) -> Any:
        """The validated object. Raises ``Mismatch``."""
        ...


class NativeShape:
    """What msgspec knows: structs, dataclasses, typed dicts, lists, unions and so on."""

    def __init__(self, type_: Any) -> None:
        self._type = type_
        self._kind = info(type_)
        try:
            self._decoder = msgspec.json.Decoder(type_)
            self._schema = msgspec.json.schema(type_)
        except (TypeError, NameError) as error:
            raise InputError(f"{_name(type_)} cannot be asked for: {error}") from error

    @property
    def schema(self) -> Schema:
        """Its JSON schema, strict where it can be."""
        return strict(self._schema, _name(self._type))

    @property
    def compound(self) -> bool:
        """False for a number, a string and the like."""
        simple = kinds.StrType, kinds.IntType, kinds.FloatType, kinds.BoolType, kinds.LiteralType, kinds.EnumType
        return not isinstance(self._kind, simple)

    def partial(self, value: Any) -> Any:
        """An object whose missing fields are ``None``."""
        return partial(value, self._kind)

    def whole(self, data: bytes) -> Any:
        """The object, checked by msgspec."""
        try:
            return self._decoder.decode(data)
        except msgspec.DecodeError as error:
            why, _, path = str(error).partition(" - at `")
            raise Mismatch(path.removesuffix("`") or "$", why) from error


class PydanticShape:
    """A pydantic model."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.compound = True

    @property
    def schema(self) -> Schema:
        """Its JSON schema, strict where it can be."""
        return strict(self._model.model_json_schema(), self._model.__name__)

    def partial(self, value: Any) -> Any:
        """A model made without validation, whose missing fields are ``None``."""
        return partial(value, kinds.CustomType(self._model))

    def whole(self, data: bytes) -> Any:
        """The model, checked by pydantic."""
        import pydantic  # whoever has a model has it

        try:
            return self._model.model_validate_json(data)
        except pydantic.ValidationError as error:
            first = error.errors()[0]
            raise Mismatch(json_path(first["loc"]), first["msg"]) from error


class JsonSchemaShape:
    """A JSON schema, which the library ``jsonschema`` checks; what is given are plain dicts and lists."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.compound = schema.schema.get("type") not in ("string", "number", "integer", "boolean", "null")
        library = load("jsonschema", "a JSON schema to check answers against")
        self._validator = library.validators.validator_for(schema.schema)(schema.schema)
        try:
            self._validator.check_schema(schema.schema)
        except library.SchemaError as error:
            raise InputError(f"the JSON schema is not valid at {error.json_path}: {error.message}") from error

    def partial(self, value: Any) -> Any:
        """The data as it is."""
        return value

    def whole(self, data: bytes) -> Any:
        """The data, checked."""
        try:
            value = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise Mismatch("$", str(error)) from error
        wrong = next(self._validator.iter_errors(value), None)
        if wrong is not None:
            raise Mismatch(wrong.json_path, wrong.message)
        return value


def shape_of(type_: Any) -> Shape:
    """The shape of a type, a ``Schema``, or a JSON schema as a dict. Raises ``InputError`` for what is none."""
    if isinstance(type_, Schema):
        return JsonSchemaShape(type_)
    if isinstance(type_, Mapping):
        return JsonSchemaShape(Schema(dict(type_)))
    if isinstance(type_, str | bytes | int | float):
        raise InputError(f"an answer is asked for as a type or a JSON schema, not as {type_!r}")
    if hasattr(type_, "model_validate_json") and hasattr(type_, "model_json_schema"):
        return PydanticShape(type_)
    return NativeShape(type_)


def json_path(places: tuple[int | str, ...]) -> str:
    """Keys and indexes as ``$.items[2].price``."""
    return "$" + "".join(f"[{place}]" if isinstance(place, int) else f".{place}" for place in places)


def _name(type_: Any) -> str:
    return getattr(type_, "__name__", None) or "answer"
