"""What an answer of Cohere's says beside its text: citations and log probabilities.

Source: https://docs.cohere.com/docs/rag-citations and recorded streams. House rule: a citation that leans on several sources
is one for each of them, with its own source alone in ``raw``.
"""

from __future__ import annotations

from typing import Any

import msgspec

from bourn.dialects.form import Form
from bourn.events import ChosenToken, Citation, Logprobs

Json = dict[str, Any]


class _Source(msgspec.Struct):
    id: str | None = None
    document: Json | None = None


class _Cited(msgspec.Struct):
    start: int | None = None
    end: int | None = None
    text: str | None = None
    sources: list[_Source] | None = None


def _read_citation(raw: Any) -> Citation:
    told = msgspec.convert(raw, _Cited)
    source = told.sources[0] if told.sources else _Source()
    document = source.document or {}
    url, title = (document.get(name) if isinstance(document.get(name), str) else None for name in ("url", "title"))
    return Citation(url=url, title=title, id=source.id, text=told.text, start=told.start, end=told.end)


def _write_citation(event: Citation) -> Json:
    named = {"id": event.id, "url": event.url, "title": event.title}
    document = {name: value for name, value in named.items() if value is not None}
    sources = [{"type": "document", "id": event.id, "document": document}] if document else []
    return {"start": event.start, "end": event.end, "text": event.text, "sources": sources, "type": "TEXT_CONTENT"}


CITATION = Form("citations", _read_citation, _write_citation)


def each_source(citation: Any) -> list[Any]:
    """A citation as one for each of its sources."""
    sources = citation.get("sources") if isinstance(citation, dict) else None
    return [{**citation, "sources": [one]} for one in sources] if isinstance(sources, list) and sources else [citation]


class _Told(msgspec.Struct):
    text: str
    logprobs: list[float]


def _read_logprobs(raw: Any) -> Logprobs:
    """A piece of text, and the number of each of its tokens; only of a single token is the text known."""
    told = msgspec.convert(raw, _Told)
    if len(told.logprobs) != 1:
        raise ValueError("several tokens share one text")
    return Logprobs((ChosenToken(told.text, told.logprobs[0]),))


def _write_logprobs(event: Logprobs) -> Json:
    text = "".join(token.token for token in event.tokens)
    return {"text": text, "token_ids": [], "logprobs": [token.logprob or 0.0 for token in event.tokens]}


LOGPROBS = Form("logprobs", _read_logprobs, _write_logprobs)
