"""A schema as providers want it who enforce it to the letter.

Source: OpenAI's guide to structured outputs (supported schemas): the root is an object without a reference, every object names
all its properties as required and allows no others. Others take such a schema, too.
"""

from __future__ import annotations

import re
from typing import Any

from bourn.messages import Schema

_NAME = re.compile(r"[^A-Za-z0-9_-]+")


def strict(schema: dict[str, Any], name: str) -> Schema:
    """``schema`` with its root in place, its objects closed, and ``strict`` where that leaves nothing out of it."""
    definitions = schema.get("$defs", {})
    root = {key: value for key, value in schema.items() if key != "$defs"}
    target = root.get("$ref", "").removeprefix("#/$defs/")
    if target in definitions:
        root = dict(definitions[target])
    whole = {**root, "$defs": definitions} if definitions and _uses_references(root) else root
    whole = _closed(whole)
    enforceable = whole.get("type") == "object" and _is_strict(whole)
    return Schema(whole, _NAME.sub("_", name)[:64] or "answer", True if enforceable else None)


def _uses_references(value: Any) -> bool:
    if isinstance(value, dict):
        return "$ref" in value or any(_uses_references(item) for item in value.values())
    return isinstance(value, list) and any(_uses_references(item) for item in value)


def _closed(value: Any) -> Any:
    """Every object that names its properties allows no others."""
    if isinstance(value, list):
        return [_closed(item) for item in value]
    if not isinstance(value, dict):
        return value
    closed = {key: _closed(item) for key, item in value.items()}
    if isinstance(value.get("properties"), dict) and value.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


def _is_strict(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_strict(item) for item in value)
    if not isinstance(value, dict):
        return True
    if value.get("type") == "object":
        wanted = value.get("properties")
        if not isinstance(wanted, dict) or value.get("additionalProperties") is not False:
            return False
        if set(wanted) != set(value.get("required", ())):
            return False
    return all(_is_strict(item) for item in value.values())
