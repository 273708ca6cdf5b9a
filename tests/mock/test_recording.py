"""A recording is written and read again; folders that contradict themselves are refused with the place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bourn.errors import InputError
from bourn.mock.recording import RecordedRequest, RecordedResponse, Recording, kind, load, wire_format
from tests.recordings import CORPUS, needs_corpus


def made(**told: Any) -> Recording:
    """A recording with a body of ten bytes."""
    request = RecordedRequest(url="http://h/v1/chat/completions", path="/v1/chat/completions", body={"model": "m"})
    return Recording(request=request, response=RecordedResponse(status=200, **told), body=b"0123456789", name="one")


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    """All of it; the folder also tells the body's length and hash."""
    kept = made(reads=[(0.25, 4), (1.5, 6)], ending="reset", missing=3, head_at=0.25, ended_at=2.0)
    kept.save(tmp_path / "one")
    (again,) = load(tmp_path)
    assert again.response.sha256 == "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"
    assert again.response.bytes == 10
    assert again.pieces == [(0.25, b"0123"), (1.5, b"456789")]
    assert (again.request, again.body, again.name) == (kept.request, kept.body, kept.name)
    assert (tmp_path / "one" / "response.json").read_text().startswith('{"status":200,\n"headers":{},\n')
    with pytest.raises(FileExistsError):
        kept.save(tmp_path / "one")


def test_without_reads_the_cuts_are_those_that_are_known():
    """Chunk sizes where there are some, else one piece; no time is known."""
    assert made(chunk_sizes=[1, 9]).pieces == [(0.0, b"0"), (0.0, b"123456789")]
    assert made().pieces == [(0.0, b"0123456789")]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda folder: (folder / "body.bin").write_bytes(b"012"),
            "body.bin has 3 bytes, and the reads in response.json say 10",
        ),
        (lambda folder: (folder / "body.bin").unlink(), "body.bin: No such file or directory"),
        (lambda folder: (folder / "request.json").unlink(), "request.json: No such file or directory"),
        (lambda folder: (folder / "request.json").write_text("{"), "request.json: Input data was truncated"),
        (lambda folder: (folder / "response.json").write_text('{"status":"x"}'), "response.json: Expected `int`"),
        (lambda folder: (folder / "response.json").unlink(), "has no recording in it"),
    ],
)
def test_a_folder_that_is_not_right_is_refused(tmp_path: Path, spoil: Any, said: str) -> None:
    """The file and what is wrong with it are named."""
    made(reads=[(0.0, 10)]).save(tmp_path / "one")
    spoil(tmp_path / "one")
    with pytest.raises(InputError) as caught:
        load(tmp_path)
    assert said in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_a_path_belongs_to_a_dialect_below_any_base():
    """What no dialect knows is its own kind."""
    assert kind("/openai/v1/chat/completions?x=1") == "openai-chat"
    assert kind("/v1beta/models/gemini-2.5:streamGenerateContent") == "gemini"
    assert kind("/v1/models") == "/v1/models"
    assert (wire_format("/v1/messages"), wire_format("/v1/models")) == ("anthropic-messages", "")


@needs_corpus
def test_every_folder_of_recorded_traffic_can_be_loaded():
    """Whoever captured it, and with whatever tool."""
    listed = (CORPUS / "INDEX.tsv").read_text("utf-8").count("\n") - 1
    found = load(CORPUS)
    assert len(found) == listed
    assert all(b"".join(data for _, data in each.pieces) == each.body for each in found)
    assert json.dumps([each.kind for each in found]).count("openai-chat") > 100
