"""The libraries of the extra ``structured``: loaded when they are first needed, with one sentence where they are missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from bourn.errors import InputError


def load(module: str, why: str) -> Any:
    """The module. Raises ``InputError`` that names what to install."""
    try:
        return import_module(module)
    except ModuleNotFoundError:
        raise InputError(f"{why} needs the package {module}: pip install 'bourn[structured]'") from None
