"""What a provider tells of usage beside the counts that all of them have: taken out of its object, and laid over it again.

House rule: a count of nothing says nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

Path = tuple[str, ...]


def rest_of(told: Mapping[str, Any], known: Collection[Path], at: Path = ()) -> dict[str, Any]:
    """``told`` without what stands at the paths that are ``known``, and without zeros, nulls and empty objects."""
    rest: dict[str, Any] = {}
    for name, value in told.items():
        path = (*at, name)
        left = rest_of(value, known, path) if isinstance(value, dict) else value
        if left and path not in known:
            rest[name] = left
    return rest


def laid_over(told: dict[str, Any], rest: Mapping[str, Any]) -> dict[str, Any]:
    """``told``, with everything that ``rest`` says beside it."""
    for name, value in rest.items():
        before = told.get(name)
        told[name] = laid_over(before, value) if isinstance(before, dict) and isinstance(value, Mapping) else value
    return told


def taken_tier(rest: dict[str, Any], name: str) -> str | None:
    """The service tier that stands under ``name``, taken out of ``rest``; what is no word stays there, and is no tier."""
    return rest.pop(name, None) if isinstance(rest.get(name), str | None) else None
