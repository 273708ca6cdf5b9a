"""`llm`: a scripted model that the SDKs find by themselves; what it was asked; what a failure shows."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]

PLAIN = """
import asyncio
import bourn
import pytest
from bourn.mock import faults, http_error, text

def ask(model="openai/gpt-5-mini", prompt="hi"):
    return asyncio.run(bourn.stream(model, prompt).collect())

def test_hello_until_told_otherwise(llm):
    assert ask().text.startswith("Hello")

def test_one_answer_for_all(llm):
    llm.answers("Hello")
    for model in ("openai/a", "anthropic/b", "gemini/c", "groq/d", "ollama/e", "bedrock/f", "cohere/g"):
        assert ask(model).text == "Hello"

def test_turns_and_new_answers(llm):
    llm.answers("one", http_error(429), lambda request: request.messages[-1].text.upper())
    assert ask().text == "one"
    with pytest.raises(bourn.RateLimitError):
        ask()
    assert ask(prompt="loud").text == "LOUD"
    llm.answers("anew")
    assert ask().text == "anew"
    assert [request.messages[-1].text for request in llm.requests] == ["hi", "hi", "loud", "hi"]
    assert [exchange.dialect for exchange in llm.exchanges] == ["openai-chat"] * 4

def test_faults(llm):
    llm.answers("Hello world, how are you?", fault=faults.Reset(event=4))
    with pytest.raises(bourn.ConnectionLostError) as caught:
        ask()
    assert caught.value.response.text
    llm.answers("x", fault="refused")
    with pytest.raises(bourn.ConnectError):
        ask()
    llm.answers(text("back"))
    assert ask().text == "back"
    with pytest.raises(bourn.InputError, match="did you mean 'reset'"):
        llm.answers("x", fault="resett")

def test_an_address_for_clients_without_variables(llm):
    llm.answers("by hand")
    stream = bourn.stream("openai/m", "hi", base_url=llm.base_url("anthropic"), dialect="anthropic", api_key="k")
    assert asyncio.run(stream.collect()).text == "by hand"
    assert llm.base_url() == llm.url + "/v1"

def test_a_function_may_ask_the_server(llm):
    llm.answers(lambda request: f"{len(llm.exchanges)} so far")
    assert ask().text == "1 so far"
"""


def test_it_answers_as_it_is_told(run: Run) -> None:
    """Answers, turns, faults and functions come out right, over every provider's own variables."""
    run(PLAIN).assert_outcomes(passed=6)


def test_the_environment_is_as_before(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables point at the mock for one test only, a real key is hidden meanwhile, and no proxy stands in between."""
    monkeypatch.setenv("OPENAI_API_KEY", "real")
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:9")
    result = run("""
        import os, urllib.request

        def test_meanwhile(llm):
            assert os.environ["OPENAI_API_KEY"] == "mock-key"
            assert os.environ["ANTHROPIC_BASE_URL"] == llm.url
            assert urllib.request.urlopen(llm.url.partition("/s/")[0] + "/__bourn__/journal").status == 200

        def test_after():
            assert os.environ["OPENAI_API_KEY"] == "real"
            assert "ANTHROPIC_BASE_URL" not in os.environ
    """)
    result.assert_outcomes(passed=2)


def test_a_failure_shows_seed_scenario_and_journal(run: Run) -> None:
    """The report has a section of its own: nothing needs to be run again to see what happened."""
    result = run(
        """
        import asyncio, bourn

        def test_it(llm):
            llm.answers("Hello")
            assert asyncio.run(bourn.stream("openai/m", "hi").collect()).text == "Bye"
        """,
        "--llm-seed=7",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*bourn: seed, scenario and journal*",
            "seed: 7*--llm-seed=7*",
            "scenario:*Hello*",
            "*POST /s/llm/v1/chat/completions*",
        ]
    )


def test_one_request_too_many_fails_the_test(run: Run) -> None:
    """A script that is out of turns says so at the end, even where the code under test swallowed the error."""
    result = run("""
        import asyncio, bourn, pytest

        def test_it(llm):
            llm.answers("one", "two")
            for _ in range(2):
                asyncio.run(bourn.stream("openai/m", "hi").collect())
            with pytest.raises(bourn.BournError):
                asyncio.run(bourn.stream("openai/m", "hi").collect())
    """)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*2 turns, and this is request 3*"])


SEEDED = """
    import asyncio, bourn

    def test_it(llm):
        print("SEED", llm.seed, "ID", asyncio.run(bourn.stream("openai/m", "hi").collect()).id)
"""


def test_the_same_seed_gives_the_same_answer(run: Run) -> None:
    """Ids are the dice's; a random seed is shown, and gives the same again."""
    first = run(SEEDED, "-s", "--llm-seed=random").stdout.str()
    found = re.search(r"SEED (\d+) ID (\S+)", first)
    assert found is not None
    assert found[0] in run(SEEDED, "-s", f"--llm-seed={found[1]}").stdout.str()
    assert found[2] not in run(SEEDED, "-s").stdout.str()


def test_official_sdks_find_it(run: Run) -> None:
    """OpenAI's and Anthropic's clients, made without an argument, talk to the scripted model."""
    pytest.importorskip("openai", reason="the dependency group `sdk` is not installed")
    pytest.importorskip("anthropic", reason="the dependency group `sdk` is not installed")
    result = run(
        """
        import anthropic, openai

        def test_openai(llm):
            llm.answers("Hello")
            assert openai.OpenAI().responses.create(model="gpt-5", input="hi").output_text == "Hello"

        def test_anthropic(llm):
            llm.answers("Hello")
            asked = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
            assert anthropic.Anthropic().messages.create(**asked).content[0].text == "Hello"
        """,
        "-W",
        "default",
    )
    result.assert_outcomes(passed=2)
