"""`bourn providers`: what is listed, what is said to be configured, and that no key is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bourn import providers
from bourn.cli.providers import QUIRKS
from bourn.providers import address
from tests.cli.conftest import Bourn

PAGE = Path(__file__).resolve().parents[2] / "docs" / "providers.md"


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """No service's variable is set, save those that a test sets."""
    for row in providers.PROVIDERS.values():
        for name in (*row.key_env, *row.url_variables, *address.variables(row.base_url or "")):
            monkeypatch.delenv(name, raising=False)


def listed(outcome: Any) -> dict[str, list[str]]:
    """The lines of a listing by the provider's name, in cells."""
    return {line.split()[0]: [cell.strip() for cell in line.split("  ") if cell.strip()] for line in outcome.out.splitlines()}


def told(bourn: Bourn, *words: str) -> dict[str, dict[str, Any]]:
    """What `--json` says, by the provider's name."""
    outcome = bourn("providers", "--json", *words)
    assert outcome.status == 0
    return {row["name"]: row for row in json.loads(outcome.out)}


def test_every_service_is_listed_in_columns(bourn: Bourn) -> None:
    """One line a row under a head, each column beginning where the head's does."""
    outcome = bourn("providers")
    head, *lines = outcome.out.splitlines()
    assert (outcome.status, outcome.err) == (0, "")
    assert [line.split()[0] for line in lines] == list(providers.PROVIDERS)
    starts = [head.index(title) for title in ("DIALECT", "KEY VARIABLE", "KEY  ", "BASE URL")]
    assert all(line[start - 1] == " " and line[start] != " " for line in lines for start in starts)


def test_a_key_is_set_or_not_and_never_shown(bourn: Bourn, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable that is used is named, its value is nowhere, in either form."""
    monkeypatch.setenv("DEEPINFRA_TOKEN", "sk-secret")
    monkeypatch.setenv("GROQ_API_KEY", "sk-secret")
    outcome = bourn("providers")
    rows = listed(outcome)
    assert rows["deepinfra"][2:4] == ["DEEPINFRA_TOKEN", "set"]
    assert rows["groq"][2:4] == ["GROQ_API_KEY", "set"]
    assert rows["mistral"][2:4] == ["MISTRAL_API_KEY", "not set"]
    assert rows["vllm"][2:4] == ["VLLM_API_KEY", "not needed"]
    assert rows["local"][2:] == ["-", "not needed", "-"]
    assert "sk-secret" not in outcome.out + bourn("providers", "--json").out + bourn("providers", "--markdown").out


def test_an_address_is_shown_as_it_will_be_used(bourn: Bourn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Filled in where the variables are set, with its places where they are not, replaced where it is overridden."""
    assert listed(bourn("providers", "snowflake"))["snowflake"][-1].startswith("https://{SNOWFLAKE_ACCOUNT}.")
    monkeypatch.setenv("SNOWFLAKE_ACCOUNT", "org-one")
    monkeypatch.setenv("SNOWFLAKE_PAT", "k")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1/")
    rows = listed(bourn("providers"))
    assert rows["snowflake"][-1] == "https://org-one.snowflakecomputing.com/api/v2/cortex/v1"
    assert rows["openai"][-1] == "http://127.0.0.1:9/v1"


def test_what_is_wrong_is_told(bourn: Bourn, monkeypatch: pytest.MonkeyPatch) -> None:
    """The problem is what the library would say to a call; without one it is null."""
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "k")
    monkeypatch.setenv("GROQ_API_KEY", "k")
    rows = told(bourn)
    assert rows["groq"]["problem"] is None
    assert rows["azure"]["problem"] == "azure wants to know its address: set AZURE_OPENAI_ENDPOINT, or pass base_url="
    assert rows["azure"]["key"] == "set"
    assert "set MISTRAL_API_KEY" in rows["mistral"]["problem"]


def test_an_address_that_is_no_good_is_not_hidden_by_the_usual_one(bourn: Bourn, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with it stands in its place, and no secret that is in it."""
    monkeypatch.setenv("GROQ_API_KEY", "k")
    monkeypatch.setenv("GROQ_BASE_URL", "https://me:sk-secret@host/v1")
    said = "GROQ_BASE_URL holds a user name or password; pass the key as api_key="
    assert listed(bourn("providers"))["groq"][3:] == ["set", said]
    assert (told(bourn)["groq"]["base_url"], told(bourn)["groq"]["problem"]) == (None, said)


def test_only_the_ready_ones(bourn: Bourn, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--ready` keeps those that want nothing more."""
    monkeypatch.setenv("GROQ_API_KEY", "k")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "k")
    rows = listed(bourn("providers", "--ready"))
    assert {"groq", "vllm", "local"} <= rows.keys()
    assert not {"azure", "mistral"} & rows.keys()


def test_a_word_picks_by_name_or_dialect(bourn: Bourn) -> None:
    """Part of a name, or a dialect; capitals do not matter."""
    assert list(told(bourn, "AZURE")) == [name for name in providers.PROVIDERS if name.startswith("azure")]
    assert {row["dialect"] for row in told(bourn, "openai-responses").values()} == {"openai-responses"}


def test_a_word_that_picks_nothing_is_a_mistake(bourn: Bourn) -> None:
    """The nearest name is offered, with the exit code of a mistake."""
    outcome = bourn("providers", "antropic")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err == "bourn: no provider or dialect has 'antropic' in its name; did you mean anthropic?\n"


def test_the_page_is_what_the_command_writes(bourn: Bourn, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/providers.md is up to date: `bourn providers --markdown > docs/providers.md`; the environment plays no part."""
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://mine.example")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://mine.example")
    assert bourn("providers", "--markdown").out == PAGE.read_text()


def test_every_quirk_is_explained() -> None:
    """Each word that a row uses has a sentence on the page, and no sentence is about nothing."""
    used = {quirk for row in providers.PROVIDERS.values() for quirk in row.quirks}
    assert used <= QUIRKS.keys()
    assert QUIRKS.keys() - used <= {"no_end_mark"}
