"""A key that does not show itself.

House rule: a key is looked up as late as possible, wrapped at once, and never shown.
"""

from __future__ import annotations

from bourn.errors import InputError


class Secret:
    """A key that does not show itself: ``repr`` and ``str`` hide it, :meth:`reveal` gives it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The key itself; for the one line that writes the header."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"


def checked(key: str, provider: str) -> Secret:
    """``key``, wrapped; raises ``InputError``, without the key in it, where no HTTP header could hold it."""
    if not isinstance(key, str) or not key.isascii() or not key.isprintable() or key != key.strip():
        raise InputError(f"the API key for {provider} has a space at an end, or characters that no HTTP header can hold")
    return Secret(key)
