"""What a chunk of OpenAI's chat format says beside its text: to events.

House rule: what has an event of its own is in the table ``_NOTES``; everything else is an ``Other`` of the service's own name,
and what is empty is nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from bourn.dialects.form import Form, listed
from bourn.dialects.media import read_base64, read_data_url
from bourn.dialects.openai_chat import notes
from bourn.dialects.openai_chat.words import REPEATED, ChoiceOthers, ChunkOthers, DeltaOthers
from bourn.dialects.parts import Parts
from bourn.events import Citation, Event, Logprobs, Other

_AUDIO_KNOWN = frozenset({"id", "data", "transcript"})


class Beside:
    """Takes what stands beside the text of one answer; images and speech become parts among its ``parts``."""

    def __init__(self, parts: Parts, logprobs: Form[Logprobs] = notes.LOGPROBS) -> None:
        self._parts = parts
        self._form = logprobs
        self._seen: dict[str, Any] = {}  # the last payload of each kind that is repeated
        self._cited: set[str] = set()  # addresses that were told of the whole answer

    def take(self, holder: msgspec.Struct, level: type[msgspec.Struct], part: int | None, out: list[Event]) -> None:
        """All that ``holder``, a chunk, a choice or a delta, has of the kinds of its ``level``; ``part`` is being said."""
        for kind in level.__struct_fields__:
            held = getattr(holder, kind)
            if held:
                self.note(level, kind, held, part, out)

    def strays(self, held: dict[str, Any], index: int | None, out: list[Event]) -> None:
        """What nobody knows of; it may come again with every chunk."""
        for kind, told in held.items():
            if self._is_new(f"{kind} of {index}", told):
                out.append(Other(kind, told, index))

    def note(self, level: type[msgspec.Struct] | None, kind: str, held: Any, part: int | None, out: list[Event]) -> None:
        """One thing of its kind."""
        take = self._NOTES.get((level, kind))
        if take is not None:
            take(self, held, part, out)
        elif kind not in REPEATED or self._is_new(kind, held):
            out.append(Other(kind, held))

    def _is_new(self, kind: str, held: Any) -> bool:
        """Whether it does more than repeat the last of its kind."""
        new: bool = self._seen.get(kind) != held
        self._seen[kind] = held
        return new

    def _annotations(self, held: Any, part: int | None, out: list[Event]) -> None:
        out += (notes.CITATION.take(one, part) for one in listed(held))

    def _sources(self, held: Any, _: int | None, out: list[Event]) -> None:
        """Sources of the whole answer, told again and again, and under two names: each address counts once."""
        for one in listed(held):
            event = notes.CITATION.take(one)
            url = event.url if isinstance(event, Citation) else None
            if url is None or url not in self._cited:
                out.append(event)
            self._cited |= {url} if url is not None else set()

    def _prompt_safety(self, held: Any, _: int | None, out: list[Event]) -> None:
        out += map(notes.PROMPT_SAFETY.take, listed(held))

    def _answer_safety(self, held: Any, _: int | None, out: list[Event]) -> None:
        """Judged again with every word."""
        if self._is_new("safety", held):
            out.append(notes.ANSWER_SAFETY.take(held))

    def _logprobs(self, held: Any, part: int | None, out: list[Event]) -> None:
        if not isinstance(held, dict) or any(held.values()):  # OpenAI and Snowflake send empty lists with empty words
            out.append(self._form.take(held, part))

    def _executed(self, held: Any, _: int | None, out: list[Event]) -> None:
        out += (notes.server_tool(one).take(one) for one in listed(held))

    def _images(self, held: Any, _: int | None, out: list[Event]) -> None:
        """Images come whole, each as the address of a file or as a data URL."""
        for one in listed(held):
            inner = one.get("image_url") if isinstance(one, dict) else None
            url = inner.get("url") if isinstance(inner, dict) else None
            picture = read_data_url(url) if isinstance(url, str) else None
            if picture is not None:
                self._parts.whole_media(picture[0], out, data=picture[1])
            elif isinstance(url, str) and url:
                self._parts.whole_media("image", out, url=url)
            else:
                out.append(Other("image", one))

    def _audio(self, held: Any, _: int | None, out: list[Event]) -> None:
        """A piece of speech: bytes, words, or the time until which it can be referred to."""
        told = held if isinstance(held, dict) else {}
        data, words, id = read_base64(told.get("data") or ""), told.get("transcript") or "", told.get("id") or None
        if not told or data is None or not isinstance(words, str) or not isinstance(id, str | None):
            out.append(Other("audio", held))
            return
        index = self._parts.start_media("audio", "audio", out, id=id)
        self._parts.media("audio", out, data, words)
        if rest := {name: value for name, value in told.items() if name not in _AUDIO_KNOWN}:
            out.append(Other("audio", rest, index))

    _NOTES: ClassVar[dict[tuple[type[msgspec.Struct] | None, str], Callable[[Beside, Any, int | None, list[Event]], None]]] = {
        (ChunkOthers, "search_results"): _sources,
        (ChunkOthers, "citations"): _sources,
        (ChunkOthers, "prompt_filter_results"): _prompt_safety,
        (ChoiceOthers, "content_filter_results"): _answer_safety,
        (ChoiceOthers, "logprobs"): _logprobs,
        (DeltaOthers, "annotations"): _annotations,
        (DeltaOthers, "audio"): _audio,
        (DeltaOthers, "executed_tools"): _executed,
        (DeltaOthers, "images"): _images,
    }
    """Where a thing is told and under which name, to what gives its events."""
