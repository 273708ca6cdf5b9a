"""An object of a type, made of as much of its JSON as there is.

Structs, dataclasses, pydantic models and typed dicts are made without their own checks: what has not come is ``None``, in lists
and objects as in fields. House rule: what came is never shown in a type that it does not have; it is ``None`` until it fits.
"""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect as kinds


def partial(value: Any, kind: kinds.Type) -> Any:
    """``value``, plain JSON data, as far as it goes as the type that ``msgspec.inspect.type_info`` calls ``kind``."""
    build = _BUILDERS.get(type(kind))
    return value if build is None else build(value, kind)


def _struct(value: Any, kind: kinds.StructType) -> Any:
    if kind.array_like:
        return value
    return _blank_struct(kind.cls)(**_fields(value, kind.fields)) if isinstance(value, dict) else None


@cache
def _blank_struct(cls: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """A subclass whose fields may all be missing, and that checks nothing."""
    fields = [(name, Any, None) for name in cls.__struct_fields__]
    unchecked = {"__post_init__": lambda _: None}
    frozen = cls.__struct_config__.frozen
    return msgspec.defstruct(cls.__name__, fields, bases=(cls,), namespace=unchecked, frozen=frozen, kw_only=True, tag=False)


def _dataclass(value: Any, kind: kinds.DataclassType) -> Any:
    if not isinstance(value, dict):
        return None
    made: Any = object.__new__(kind.cls)
    for name, field in _fields(value, kind.fields).items():
        object.__setattr__(made, name, field)  # it may be frozen
    return made


def _typed_dict(value: Any, kind: kinds.TypedDictType) -> Any:
    if not isinstance(value, dict):
        return None
    return {name: field for name, field in _fields(value, kind.fields).items() if field is not None}


def _fields(value: dict[str, Any], fields: tuple[kinds.Field, ...]) -> dict[str, Any]:
    return {
        field.name: partial(value[field.encode_name], field.type) if field.encode_name in value else None for field in fields
    }


def _custom(value: Any, kind: kinds.CustomType) -> Any:
    """A pydantic model, or something that nobody here knows."""
    model: Any = kind.cls
    fields = getattr(model, "model_fields", None)
    if fields is None or not isinstance(value, dict):
        return None
    made = {}
    for name, field in fields.items():
        key = next(
            (alias for alias in (field.validation_alias, field.alias, name) if isinstance(alias, str) and alias in value), None
        )
        made[name] = None if key is None else partial(value[key], info(field.annotation))
    return model.model_construct(**made)


@cache
def info(annotation: Any) -> kinds.Type:
    """What msgspec says of a type; ``AnyType`` for one that it does not know."""
    try:
        return kinds.type_info(annotation)
    except (TypeError, NameError):
        return kinds.AnyType()


def _list(
    value: Any, kind: kinds.ListType | kinds.VarTupleType | kinds.SetType | kinds.FrozenSetType | kinds.CollectionType
) -> Any:
    return [partial(item, kind.item_type) for item in value] if isinstance(value, list) else None


def _tuple(value: Any, kind: kinds.TupleType) -> Any:
    return [partial(*pair) for pair in zip(value, kind.item_types, strict=False)] if isinstance(value, list) else None


def _dict(value: Any, kind: kinds.DictType) -> Any:
    return {key: partial(item, kind.value_type) for key, item in value.items()} if isinstance(value, dict) else None


def _union(value: Any, kind: kinds.UnionType) -> Any:
    """The first member that the value fits; of several objects only one whose tag has come."""
    objects = [member for member in kind.types if isinstance(member, kinds.StructType | kinds.DataclassType)]
    for member in kind.types:
        if len(objects) > 1 and member in objects and not _tagged(value, member):
            continue
        made = partial(value, member)
        if made is not None:
            return made
    return None


def _tagged(value: Any, kind: kinds.Type) -> bool:
    field = getattr(kind, "tag_field", None)
    return isinstance(value, dict) and field is not None and value.get(field) == getattr(kind, "tag", None)


def _metadata(value: Any, kind: kinds.Metadata) -> Any:
    return partial(value, kind.type)


def _literal(value: Any, kind: kinds.LiteralType) -> Any:
    return value if value in kind.values else None


def _enum(value: Any, kind: kinds.EnumType) -> Any:
    return _converted(value, kind.cls)


def _converted(value: Any, type_: Any) -> Any:
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError:
        return None


def _leaf(type_: Any) -> Callable[[Any, Any], Any]:
    return lambda value, _: _converted(value, type_)


_BUILDERS: dict[type[kinds.Type], Callable[[Any, Any], Any]] = {
    kinds.StructType: _struct,
    kinds.DataclassType: _dataclass,
    kinds.TypedDictType: _typed_dict,
    kinds.CustomType: _custom,
    kinds.ListType: _list,
    kinds.VarTupleType: _list,
    kinds.SetType: _list,
    kinds.FrozenSetType: _list,
    kinds.CollectionType: _list,
    kinds.TupleType: _tuple,
    kinds.DictType: _dict,
    kinds.UnionType: _union,
    kinds.Metadata: _metadata,
    kinds.LiteralType: _literal,
    kinds.EnumType: _enum,
    kinds.NoneType: lambda *_: None,
    kinds.StrType: _leaf(str),
    kinds.IntType: _leaf(int),
    kinds.FloatType: _leaf(float),
    kinds.BoolType: _leaf(bool),
    kinds.DateTimeType: _leaf(dt.datetime),
    kinds.DateType: _leaf(dt.date),
    kinds.TimeType: _leaf(dt.time),
    kinds.TimeDeltaType: _leaf(dt.timedelta),
    kinds.UUIDType: _leaf(uuid.UUID),
    kinds.DecimalType: _leaf(decimal.Decimal),
    kinds.BytesType: _leaf(bytes),
}
"""Kind of type to what makes one; what is not here is left as it is."""
