"""Reads what a caller wrote: a prompt, tools and options, in the shapes that everybody already has.

A prompt is a string, a ``Message``, an OpenAI-style dict, or a list of the latter two; tools are ``Tool``s or the dicts of
OpenAI (nested or flat) and Anthropic; a schema is a ``Schema``, a JSON schema, or OpenAI's ``response_format``.

House rule: everything wrong is one ``InputError`` that begins with its place (``messages[2].content[0]: ...``). What is right
but has no room in the vocabulary goes to ``left_out``, which refuses it unless the caller of this package knows better.
"""

from bourn.prompts.checks import refuse
from bourn.prompts.settings import read_options, read_tools
from bourn.prompts.turns import read_prompt

__all__ = ["read_options", "read_prompt", "read_tools", "refuse"]
