"""Log probabilities of tokens in the two forms that most services use, read and written.

*Rows* (OpenAI chat and responses, Ollama): a list of ``{token, logprob, bytes, top_logprobs}``. *Columns* (OpenAI completions,
Together): ``{tokens, token_logprobs, top_logprobs}``, three lists of the same length.

House rule: another shape raises ``msgspec.ValidationError`` or ``ValueError``; a number that is missing is ``None``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from bourn.events import ChosenToken, TokenLogprob

_Byte = Annotated[int, msgspec.Meta(ge=0, le=255)]


class _Row(msgspec.Struct, rename={"utf8": "bytes"}):
    token: str
    logprob: float | None = None
    utf8: list[_Byte] | None = None


class _ChosenRow(_Row):
    top_logprobs: list[_Row] | None = None


class _Columns(msgspec.Struct):
    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float | None] | list[_Row] | None] | None = None


def read_rows(raw: Any) -> tuple[ChosenToken, ...]:
    """The tokens of a list of rows."""
    return tuple(
        ChosenToken(row.token, row.logprob, _bytes(row), tuple(map(_token, row.top_logprobs or ())))
        for row in msgspec.convert(raw, list[_ChosenRow])
    )


def write_rows(tokens: Sequence[ChosenToken]) -> list[dict[str, Any]]:
    """The tokens as a list of rows."""
    return [{**_row(token), "top_logprobs": [_row(one) for one in token.top]} for token in tokens]


def read_columns(raw: Any) -> tuple[ChosenToken, ...]:
    """The tokens of three lists."""
    told = msgspec.convert(raw, _Columns)
    tops = told.top_logprobs or [None] * len(told.tokens)
    return tuple(
        ChosenToken(token, logprob, top=_top(top))
        for token, logprob, top in zip(told.tokens, told.token_logprobs, tops, strict=True)
    )


def write_columns(tokens: Sequence[ChosenToken]) -> dict[str, Any]:
    """The tokens as three lists, the likeliest of each place as an object."""
    return {
        "tokens": [token.token for token in tokens],
        "token_logprobs": [token.logprob for token in tokens],
        "top_logprobs": [{one.token: one.logprob for one in token.top} for token in tokens],
    }


def _bytes(row: _Row) -> bytes | None:
    return None if row.utf8 is None else bytes(row.utf8)


def _token(row: _Row) -> TokenLogprob:
    return TokenLogprob(row.token, row.logprob, _bytes(row))


def _row(token: TokenLogprob) -> dict[str, Any]:
    return {"token": token.token, "logprob": token.logprob, "bytes": None if token.utf8 is None else list(token.utf8)}


def _top(top: dict[str, float | None] | list[_Row] | None) -> tuple[TokenLogprob, ...]:
    if isinstance(top, dict):
        return tuple(TokenLogprob(token, logprob) for token, logprob in top.items())
    return tuple(map(_token, top or ()))
