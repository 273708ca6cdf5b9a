"""A conversation as one text, for the formats that know only a text and how it goes on: completions, text generation.

House rule: what one text cannot hold is a warning, never a silent drop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bourn.errors import InputError
from bourn.messages import Message, Options, Request, Text
from bourn.prompts import read_options, read_prompt

Warn = Callable[[str], object]


def write_prompt(messages: Sequence[Message], warn: Warn) -> str:
    """The text to go on with: that of the one message, or of all of them, a blank line between two."""
    if len(messages) > 1:
        warn("who said what was left out: the messages were joined, since this format takes one text")
    if any(not isinstance(part, Text) for message in messages for part in message.parts):
        warn("what is not text was left out: this format takes nothing else")
    return "\n\n".join(message.text for message in messages)


def write_options(options: Options, keys: Mapping[str, str], warn: Warn) -> dict[str, Any]:
    """The options under the format's ``keys``; those without one are left out, with a warning."""
    asked = {name: getattr(options, name) for name in Options.__struct_fields__ if name != "extra"}
    asked = {name: value for name, value in asked.items() if value is not None and value != ()}
    for name in asked.keys() - keys.keys():
        warn(f"{name} was left out: this format has no such option")
    return {keys[name]: value for name, value in asked.items() if name in keys}


def read_text(model: str, prompt: Any, options: dict[str, Any], keys: Mapping[str, str]) -> Request:
    """The request of a text, or a list of one, and options under ``keys``; what is left of them becomes ``extra``.

    Raises ``InputError``.
    """
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str):
        raise InputError("Invalid prompt: expected one string; this server takes no tokens and no batches.")
    known = {name: options.pop(key) for name, key in keys.items() if key in options}
    return Request(model, read_prompt(prompt), read_options(**known, extra=options))
