"""Rules of framing judge what a subject declares, and are skipped where a dialect has no lines."""

from __future__ import annotations

from bourn.contract.proving import require_failure, require_pass, require_skip
from bourn.contract.reference import ReferenceStream, reference


class Strict(ReferenceStream):
    """Takes bytes that are no UTF-8 for an error of the connection."""

    def decode(self, content: bytes) -> None:
        if b"\xff" in content:
            raise ConnectionError("these bytes are no UTF-8")
        super().decode(content)


def test_an_error_may_be_declared() -> None:
    """A stream that declares that it refuses invalid UTF-8, and does, keeps the rule; declared otherwise, it does not."""
    require_pass("11.4", reference("strict", Strict, invalid_utf8="error"))
    require_failure("11.4", reference("strict", Strict), "no UTF-8 made ConnectionLostError")


def test_binary_frames_have_no_lines() -> None:
    """Rules of lines are skipped for an event stream, with the reason."""
    require_skip("11.1", reference(dialect="bedrock-converse"), "frames of bedrock-converse are binary: they have no lines")
    require_skip("11.2", reference(dialect="bedrock-converse"), "frames of bedrock-converse are binary: they have no lines")


def test_lines_of_json_are_tried_as_far_as_they_go() -> None:
    """Where the frames are lines of JSON, the rules are judged by what such lines can be."""
    for rule in ("11.1", "11.2", "11.3", "11.4", "11.5"):
        require_pass(rule, reference(dialect="ollama"))


def test_text_need_not_be_declared() -> None:
    """A stream whose text nobody can read is judged by whether its answers end."""
    for rule in ("11.3", "11.4", "11.5"):
        require_pass(rule, reference(text=None))
