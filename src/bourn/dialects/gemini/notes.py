"""What an answer of Gemini's says beside its text: sources, verdicts, log probabilities, and the tools that Google runs.

Google tells sources in two lists and which of them stand behind which words: here each pair is one. Places in the text are
counted in bytes there, so they stay in ``raw``.

Sources: https://ai.google.dev/api/generate-content, https://ai.google.dev/gemini-api/docs/google-search and recorded streams.
House rule: one form a thing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from bourn.dialects import payload
from bourn.dialects.form import Form, listed
from bourn.events import ChosenToken, Citation, Logprobs, Safety, SafetyRating, ServerToolCall, ServerToolResult, TokenLogprob

Json = dict[str, Any]


class _Chunk(msgspec.Struct):
    uri: str | None = None
    title: str | None = None
    text: str | None = None


class _Segment(msgspec.Struct):
    text: str | None = None


class _Pair(msgspec.Struct):
    chunk: dict[str, _Chunk]
    segment: _Segment | None = None


class _Source(msgspec.Struct):
    uri: str
    title: str | None = None


def _read_citation(raw: Any) -> Citation:
    """A source with the words that it stands behind, or (``citationMetadata``) what was recited."""
    if isinstance(raw, dict) and "uri" in raw:
        source = msgspec.convert(raw, _Source)
        return Citation(url=source.uri, title=source.title)
    told = msgspec.convert(raw, _Pair)
    chunk = next(iter(told.chunk.values()), _Chunk())
    return Citation(url=chunk.uri, title=chunk.title, quote=chunk.text, text=told.segment.text if told.segment else None)


def _write_citation(event: Citation) -> Json:
    named = {} if event.title is None else {"title": event.title}
    said = {} if event.text is None else {"segment": {"text": event.text}}
    return {"chunk": {"web": {"uri": event.url or "", **named}}, **said}


CITATION = Form("citation", _read_citation, _write_citation)


def pairs(grounding: Json) -> Iterator[Json]:
    """Each source of ``groundingMetadata`` with each of the words that it stands behind; those behind none come last."""
    chunks, supports = grounding.get("groundingChunks"), grounding.get("groundingSupports")
    chunks = chunks if isinstance(chunks, list) else []
    used: set[int] = set()
    for support in supports if isinstance(supports, list) else []:
        about = dict(support) if isinstance(support, dict) else {}
        numbers = about.pop("groundingChunkIndices", None)
        known = [(at, one) for at, one in enumerate(listed(numbers)) if isinstance(one, int) and 0 <= one < len(chunks)]
        used |= {number for _, number in known}
        yield from ({"chunk": chunks[number], **_own_score(about, at)} for at, number in known)
        if about and not known:
            yield {"chunk": {}, **about}
    yield from ({"chunk": chunk} for number, chunk in enumerate(chunks) if number not in used)


def _own_score(about: Json, at: int) -> Json:
    """Scores are told in a list, one a source."""
    scores = about.get("confidenceScores")
    return {**about, "confidenceScores": scores[at : at + 1]} if isinstance(scores, list) else about


def grounding(pair: Json) -> Json:
    """The ``groundingMetadata`` of one pair."""
    chunk, about = pair["chunk"], {name: value for name, value in pair.items() if name != "chunk"}
    support = [{**about, "groundingChunkIndices": [0]}] if about else []
    return {"groundingChunks": [chunk], **({"groundingSupports": support} if support else {})}


class _Rating(msgspec.Struct):
    category: str | int
    probability: str | int | None = None
    blocked: bool = False


def _read_ratings(raw: Any) -> tuple[SafetyRating, ...]:
    return tuple(
        SafetyRating(str(told.category), None if told.probability is None else str(told.probability), told.blocked)
        for told in msgspec.convert(raw, list[_Rating])
    )


def _write_ratings(event: Safety) -> list[Json]:
    return [
        {"category": one.category}
        | ({} if one.level is None else {"probability": one.level})
        | ({"blocked": True} if one.blocked else {})
        for one in event.ratings
    ]


def _read_feedback(raw: Any) -> Safety:
    return Safety("prompt", _read_ratings(msgspec.convert(raw, Json).get("safetyRatings") or []))


ANSWER_SAFETY = Form("safetyRatings", lambda raw: Safety("answer", _read_ratings(raw)), _write_ratings)
PROMPT_SAFETY = Form("promptFeedback", _read_feedback, lambda event: {"safetyRatings": _write_ratings(event)})


class _Candidate(msgspec.Struct, rename="camel"):
    token: str
    log_probability: float | None = None


class _Top(msgspec.Struct):
    candidates: list[_Candidate] = []


class _LogprobsResult(msgspec.Struct, rename="camel"):
    chosen_candidates: list[_Candidate]
    top_candidates: list[_Top] | None = None


def _read_logprobs(raw: Any) -> Logprobs:
    told = msgspec.convert(raw, _LogprobsResult)
    tops = told.top_candidates or [_Top()] * len(told.chosen_candidates)
    return Logprobs(
        tuple(
            ChosenToken(
                one.token, one.log_probability, top=tuple(TokenLogprob(t.token, t.log_probability) for t in top.candidates)
            )
            for one, top in zip(told.chosen_candidates, tops, strict=True)
        )
    )


def _write_logprobs(event: Logprobs) -> Json:
    tops = [{"candidates": [_candidate(one) for one in token.top]} for token in event.tokens]
    return {"topCandidates": tops, "chosenCandidates": [_candidate(token) for token in event.tokens]}


def _candidate(token: TokenLogprob) -> Json:
    return {"token": token.token, "logProbability": token.logprob}


LOGPROBS = Form("logprobsResult", _read_logprobs, _write_logprobs)

CODE = "code_execution"
"""Our name for the tool whose parts are ``executableCode`` and ``codeExecutionResult``; others are named by Google."""


class _Code(msgspec.Struct):
    code: str
    id: str | None = None


class _Output(msgspec.Struct):
    outcome: str | int | None = None
    output: str | None = None
    id: str | None = None


class _ToolPart(msgspec.Struct, rename="camel"):
    tool_type: str
    id: str | None = None
    args: Any = None
    response: Any = None


_GOOD = frozenset({"OUTCOME_OK", 1})


def _read_call(raw: Any) -> ServerToolCall:
    if "executableCode" in raw:
        code = msgspec.convert(raw["executableCode"], _Code)
        return ServerToolCall(code.id, CODE, code.code)
    told = msgspec.convert(raw.get("toolCall"), _ToolPart)
    return ServerToolCall(told.id, told.tool_type, "" if told.args is None else payload.dumps(told.args).decode())


def _read_result(raw: Any) -> ServerToolResult:
    if "codeExecutionResult" in raw:
        told = msgspec.convert(raw["codeExecutionResult"], _Output)
        return ServerToolResult(told.id, CODE, told.output, told.outcome not in _GOOD)
    part = msgspec.convert(raw.get("toolResponse"), _ToolPart)
    return ServerToolResult(part.id, part.tool_type, part.response)


def _write_call(event: ServerToolCall) -> Json:
    id = {} if event.id is None else {"id": event.id}
    if event.name == CODE:
        return {"executableCode": {"language": "PYTHON", "code": event.arguments, **id}}
    return {"toolCall": {"toolType": event.name, "args": _args(event.arguments), **id}}


def _write_result(event: ServerToolResult) -> Json:
    id = {} if event.id is None else {"id": event.id}
    if event.name == CODE:
        outcome = "OUTCOME_FAILED" if event.is_error else "OUTCOME_OK"
        output = event.content if isinstance(event.content, str | None) else payload.dumps(event.content).decode()
        return {"codeExecutionResult": {"outcome": outcome, "output": output, **id}}
    return {"toolResponse": {"toolType": event.name or "", "response": event.content, **id}}


def _args(text: str) -> Any:
    try:
        return msgspec.json.decode(text) if text else None
    except payload.UNREADABLE:
        return {"input": text}


SERVER_CALL = Form("toolCall", _read_call, _write_call)
SERVER_RESULT = Form("toolResponse", _read_result, _write_result)
