"""What Cohere says beside the text: sources, and how likely its tokens were."""

from __future__ import annotations

from bourn.events import Citation, Other
from tests.dialects.cohere_wire import end, events, message, start, stop


def test_each_source_of_a_citation_is_one() -> None:
    """Several stand behind the same words; a document has a title and an address, a tool's output neither."""
    document = {"type": "document", "id": "d", "document": {"id": "d", "title": "t", "url": "u", "snippet": "s"}}
    tool = {"type": "tool", "id": "x:0", "tool_output": {"content": "c"}}
    several = {"start": 0, "end": 1, "text": "a", "sources": [document, tool], "type": "TEXT_CONTENT"}
    odd = {"sources": 7}
    assert events(message("citation-start", 0, citations=[several, odd]), end())[:3] == [
        Citation(None, "u", "t", "d", text="a", start=0, end=1, raw={**several, "sources": [document]}),
        Citation(None, id="x:0", text="a", start=0, end=1, raw={**several, "sources": [tool]}),
        Other("citations", odd),
    ]


def test_logprobs_of_several_tokens_with_one_text_are_kept_as_they_are() -> None:
    """Which token is which nobody knows."""
    told = {"text": "Hé", "token_ids": [1, 2], "logprobs": [-0.5, -1]}
    piece = message("content-delta", 0, content={"text": "Hé"}, logprobs=told)
    assert events(start(0), piece, stop(0), end())[2] == Other("logprobs", told, 0)
