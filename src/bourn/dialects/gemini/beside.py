"""What an object of Gemini's says beside text, thoughts and calls: to events.

House rule: what has an event of its own is in the tables; everything else is an ``Other`` of Google's name, and what is empty
is nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from bourn.dialects import payload
from bourn.dialects.form import listed
from bourn.dialects.gemini import notes
from bourn.dialects.gemini.words import REPEATED, Json
from bourn.dialects.media import read_base64
from bourn.dialects.parts import Parts
from bourn.events import Event, Other

_SPEECH = "audio/"


class Beside:
    """Takes what stands beside the words of one answer; images and speech become parts among its ``parts``."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._seen: Json = {}  # the last payload of each kind that is repeated
        self._cited: set[bytes] = set()

    @property
    def created(self) -> Any:
        """The last ``createTime``: it comes again with every object."""
        return self._seen.get("createTime")

    def fields(self, raw: Json, known: frozenset[str], text: int | None, out: list[Event]) -> None:
        """All fields of an object but the ``known`` ones; ``text`` is the part that citations are said of."""
        for kind, told in raw.items():
            if kind in known or told is None or told in ([], {}, ""):
                continue
            if kind in REPEATED:
                if self._seen.get(kind) == told:
                    continue
                self._seen[kind] = told
            take = self._FIELDS.get(kind)
            if take is None:
                out.append(Other(kind, told))
            else:
                take(self, told, text, out)

    def part(self, raw: Json, known: frozenset[str], out: list[Event]) -> None:
        """A part that is no text and no call of the client's, given whole with its signature."""
        kind = next(key for key in raw if key not in known)
        take = self._PARTS.get(kind)
        event = take(self, raw, out) if take is not None else Other(kind, raw)
        if event is not None:
            out.append(Other(kind, raw) if isinstance(event, Other) else event)

    def _grounding(self, told: Any, text: int | None, out: list[Event]) -> None:
        """Sources come again with every object, and each pair of words and source counts once."""
        if not isinstance(told, dict):
            out.append(Other("groundingMetadata", told))
            return
        self._cite(notes.pairs(told), text, out)
        rest = {name: value for name, value in told.items() if name not in _PAIRED and value not in ([], {}, None)}
        if rest and self._seen.get("grounding") != rest:
            self._seen["grounding"] = rest
            out.append(Other("groundingMetadata", rest))

    def _recited(self, told: Any, text: int | None, out: list[Event]) -> None:
        lists = [told.get(name) for name in _RECITED if told.get(name)] if isinstance(told, dict) else []
        if not lists:
            out.append(Other("citationMetadata", told))
        self._cite((one for each in lists for one in listed(each)), text, out)

    def _cite(self, cited: Iterable[Any], text: int | None, out: list[Event]) -> None:
        for one in cited:
            key = payload.dumps(one)
            if key not in self._cited:
                self._cited.add(key)
                out.append(notes.CITATION.take(one, text))

    def _safety(self, told: Any, _: int | None, out: list[Event]) -> None:
        out.append(notes.ANSWER_SAFETY.take(told))

    def _feedback(self, told: Any, _: int | None, out: list[Event]) -> None:
        out.append(notes.PROMPT_SAFETY.take(told))

    def _logprobs(self, told: Any, text: int | None, out: list[Event]) -> None:
        out.append(notes.LOGPROBS.take(told, text))

    def _call(self, raw: Json, _: list[Event]) -> Event:
        return notes.SERVER_CALL.take(raw)

    def _result(self, raw: Json, _: list[Event]) -> Event:
        return notes.SERVER_RESULT.take(raw)

    def _inline(self, raw: Json, out: list[Event]) -> Event | None:
        """A file: an image is whole, speech comes in pieces. A draft, made while thinking, is no part of the answer."""
        file = raw["inlineData"] if isinstance(raw["inlineData"], dict) else {}
        media_type, data = file.get("mimeType"), read_base64(file.get("data"))
        if not isinstance(media_type, str) or not data or raw.keys() - _FILE_KNOWN or file.keys() - _DATA_KNOWN:
            return Other("inlineData", raw)
        signature = raw.get("thoughtSignature") or None
        if media_type.startswith(_SPEECH) and signature is None:
            self._parts.start_media(("speech", media_type), media_type, out)
            self._parts.media(("speech", media_type), out, data)
        else:
            self._parts.whole_media(media_type, out, data=data, signature=signature)
        return None

    def _file(self, raw: Json, out: list[Event]) -> Event | None:
        file = raw["fileData"] if isinstance(raw["fileData"], dict) else {}
        media_type, url = file.get("mimeType"), file.get("fileUri")
        if not isinstance(media_type, str) or not isinstance(url, str) or raw.keys() - _FILE_KNOWN or len(file) != len(_FILE):
            return Other("fileData", raw)
        self._parts.whole_media(media_type, out, url=url, signature=raw.get("thoughtSignature") or None)
        return None

    _FIELDS: ClassVar[dict[str, Callable[[Beside, Any, int | None, list[Event]], None]]] = {
        "groundingMetadata": _grounding,
        "citationMetadata": _recited,
        "safetyRatings": _safety,
        "promptFeedback": _feedback,
        "logprobsResult": _logprobs,
    }
    _PARTS: ClassVar[dict[str, Callable[[Beside, Json, list[Event]], Event | None]]] = {
        "executableCode": _call,
        "toolCall": _call,
        "codeExecutionResult": _result,
        "toolResponse": _result,
        "inlineData": _inline,
        "fileData": _file,
    }


_PAIRED = frozenset({"groundingChunks", "groundingSupports"})
_RECITED = ("citationSources", "citations")
"""Names of the list in ``citationMetadata``, at Google AI and at Vertex."""

_FILE_KNOWN = frozenset({"inlineData", "fileData", "thoughtSignature"})
_DATA_KNOWN = frozenset({"mimeType", "data"})
_FILE = ("mimeType", "fileUri")
