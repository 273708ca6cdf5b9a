"""The catalogue of local models, and where their files are looked for."""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from bourn.errors import InputError, ModelFileError
from bourn.transport.local import models

CONTENT = b"GGUF and 16 bytes"
TINY = msgspec.structs.replace(
    models.SMOLLM2_135M, name="tiny", file="tiny.gguf", size=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest()
)
TINY = msgspec.structs.replace(TINY, wheel=msgspec.structs.replace(TINY.wheel, member="tiny_package/tiny.gguf"))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a catalogue with one tiny model."""
    monkeypatch.setenv("BOURN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(models.CATALOGUE, "tiny", TINY)
    directory = tmp_path / "cache" / "models"
    directory.mkdir(parents=True)
    return directory


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package that carries the tiny model, and must not be imported."""
    directory = tmp_path / "site" / "tiny_package"
    directory.mkdir(parents=True)
    (directory / "__init__.py").write_text("raise AssertionError('imported')")
    (directory / "tiny.gguf").write_bytes(CONTENT)
    monkeypatch.syspath_prepend(str(directory.parent))
    importlib.invalidate_caches()
    return directory / "tiny.gguf"


def test_every_row_of_the_catalogue_is_pinned() -> None:
    """By two sizes, two hashes and a revision of the hub: nothing that is fetched can change under its name."""
    for name, model in models.CATALOGUE.items():
        assert model.name == name
        assert len(model.sha256) == len(model.wheel.sha256) == 64
        assert model.wheel.version in model.wheel.file
        assert model.wheel.member.endswith(model.file)
        assert model.hub.startswith("https://")
        assert "/main/" not in model.hub


def test_the_cache_is_looked_at_before_an_installed_package(cache: Path, package: Path) -> None:
    """Either will do, and the cache is where the user put it."""
    assert models.find("tiny") == package
    (cache / "tiny.gguf").write_bytes(CONTENT)
    assert models.find("tiny") == cache / "tiny.gguf"
    assert "tiny_package" not in sys.modules


def test_a_bad_file_in_the_cache_does_not_hide_a_good_one(cache: Path, package: Path) -> None:
    """The installed package is still found."""
    (cache / "tiny.gguf").write_bytes(CONTENT[:-1])
    assert models.find("tiny") == package


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (CONTENT[:-1], r"has 16 bytes, not the 17 of tiny: remove it and run `bourn model get tiny`"),
        (b"<html>, or so it", r"is not a GGUF file: remove it and run `bourn model get tiny`"),
        (b"", r"is not a GGUF file"),
    ],
)
def test_a_bad_file_is_named_with_what_to_do(cache: Path, content: bytes, words: str) -> None:
    """Cut short, another file, or empty."""
    (cache / "tiny.gguf").write_bytes(content)
    with pytest.raises(ModelFileError, match=words):
        models.find("tiny")


def test_a_missing_model_names_the_command_that_fetches_it() -> None:
    """The library itself never downloads."""
    with pytest.raises(ModelFileError, match="is not on this machine: run `bourn model get tiny`"):
        models.find("tiny")


def test_an_unknown_name_says_which_are_known() -> None:
    """And that a path would do."""
    with pytest.raises(
        InputError, match=r"no local model 'gpt': known are smollm2-135m, tiny, or give the path of a .gguf file"
    ):
        models.find("gpt")


@pytest.mark.parametrize("name", ["/a/model", "~/model", "./model", "../model", "model.gguf", "dir/Model.GGUF", "C:\\m.gguf"])
def test_a_path_is_told_from_a_name(name: str) -> None:
    """By its beginning or its ending."""
    assert models.is_path(name)
    assert not models.is_path("smollm2-135m")


def test_paths_may_be_absolute_relative_or_in_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All three find the same file."""
    (tmp_path / "my.gguf").write_bytes(CONTENT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert {models.find(name) for name in (str(tmp_path / "my.gguf"), "my.gguf", "./my.gguf", "~/my.gguf")} == {
        tmp_path / "my.gguf"
    }


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "there is no model file"),
        (lambda path: path.write_text("no"), "is not a GGUF file"),
        (lambda path: path.mkdir(), "cannot be read"),
    ],
)
def test_a_path_that_is_no_model_is_a_model_file_error(tmp_path: Path, make: Callable[[Path], object], words: str) -> None:
    """Nothing there, another file, a directory."""
    make(tmp_path / "x.gguf")
    with pytest.raises(ModelFileError, match=words):
        models.find(str(tmp_path / "x.gguf"))


def test_an_unknown_home_directory_is_a_missing_file() -> None:
    """`~nobody-here/` has no home; that is no traceback."""
    with pytest.raises(ModelFileError, match="there is no model file"):
        models.find("~no-such-user-here/model.gguf")


def test_verify_reads_every_byte(tmp_path: Path) -> None:
    """One other byte in the middle is seen, and a file that cannot be read is said to be so."""
    path = tmp_path / "tiny.gguf"
    path.write_bytes(CONTENT)
    models.verify(path, TINY.sha256)
    path.write_bytes(CONTENT.replace(b"16", b"17"))
    with pytest.raises(ModelFileError, match="is damaged or another model"):
        models.verify(path, TINY.sha256)
    path.unlink()
    with pytest.raises(ModelFileError, match="cannot be read: No such file"):
        models.verify(path, TINY.sha256)


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        ({"BOURN_CACHE": "/own"}, "linux", "/own/models"),
        ({"BOURN_CACHE": "~/own", "XDG_CACHE_HOME": "/xdg"}, "linux", "/home/me/own/models"),
        ({"XDG_CACHE_HOME": "/xdg"}, "linux", "/xdg/bourn/models"),
        ({"XDG_CACHE_HOME": "/xdg"}, "darwin", "/xdg/bourn/models"),
        ({"XDG_CACHE_HOME": "relative"}, "linux", "/home/me/.cache/bourn/models"),
        ({}, "linux", "/home/me/.cache/bourn/models"),
        ({}, "darwin", "/home/me/Library/Caches/bourn/models"),
        ({"LOCALAPPDATA": "/local"}, "win32", "/local/bourn/models"),
    ],
)
def test_the_cache_lies_where_the_platform_wants_it(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], platform: str, expected: str
) -> None:
    """`BOURN_CACHE` goes before `XDG_CACHE_HOME`, and that before the platform's habit."""
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(os, "environ", {"HOME": "/home/me", **environment})
    assert models.cache_dir() == Path(expected)
