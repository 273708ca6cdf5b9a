"""The table of services, and how a model id becomes an endpoint."""

from __future__ import annotations

import pytest

from bourn import dialects, providers
from bourn.errors import InputError, MissingKeyError
from bourn.providers import address


@pytest.mark.parametrize(
    ("model_id", "parts"),
    [
        ("openai/gpt-5-mini", ("openai", "gpt-5-mini")),
        ("openai:gpt-5-mini", ("openai", "gpt-5-mini")),
        ("groq/meta/llama-3:8b", ("groq", "meta/llama-3:8b")),
        ("ollama:llama3/8b", ("ollama", "llama3/8b")),
        ("local//tmp/model.gguf", ("local", "/tmp/model.gguf")),  # noqa: S108 - a path as text
    ],
)
def test_a_model_id_is_split_at_its_first_separator(model_id: str, parts: tuple[str, str]) -> None:
    """Slash or colon, whichever comes first."""
    assert providers.split_model_id(model_id) == parts


@pytest.mark.parametrize("model_id", ["gpt-5", "", "/x", "openai/", ":x", 7])
def test_what_is_no_model_id_says_what_one_looks_like(model_id: str) -> None:
    """A wrong model id is an InputError with an example."""
    with pytest.raises(InputError, match="openai/gpt-5-mini"):
        providers.split_model_id(model_id)


def test_an_unknown_provider_is_told_the_nearest() -> None:
    """A typo gets the nearest name, and the way to any compatible service."""
    with pytest.raises(InputError, match=r"did you mean 'anthropic'.*base_url="):
        providers.resolve("antropic/x", environ={})


def test_a_missing_key_names_its_variable() -> None:
    """Without a key the provider's own address is not asked; a server of one's own may want none."""
    with pytest.raises(MissingKeyError, match="OPENAI_API_KEY"):
        providers.resolve("openai/x", environ={})
    assert providers.resolve("openai/x", base_url="http://127.0.0.1:8000/v1", environ={}).key is None


def test_the_call_goes_before_the_environment_and_that_before_the_table() -> None:
    """Key and address: argument, then variable, then row."""
    environ = {"OPENAI_API_KEY": "env", "OPENAI_BASE_URL": "http://env/v1/"}
    by_env = providers.resolve("openai/x", environ=environ)
    assert (by_env.base_url, by_env.headers()["authorization"]) == ("http://env/v1", "Bearer env")
    by_call = providers.resolve("openai/x", base_url="http://call", api_key="call", environ=environ)
    assert (by_call.base_url, by_call.headers()["authorization"]) == ("http://call", "Bearer call")
    by_row = providers.resolve("openai/x", environ={"OPENAI_API_KEY": "k"})
    assert by_row.base_url == "https://api.openai.com/v1"


def test_a_key_never_shows_itself() -> None:
    """Neither the endpoint's repr nor an error about the key holds it."""
    endpoint = providers.resolve("openai/x", api_key="sk-secret", environ={})
    assert "sk-secret" not in repr(endpoint) + str(endpoint.key)
    with pytest.raises(InputError) as caught:
        providers.resolve("openai/x", api_key="sk-secret\n", environ={})
    assert "sk-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["ftp://x", "localhost:8000", "http://", "http://u:p@host/v1", "http://h/v1?key=1", "http://h:99999", "http://h:x"]
)
def test_a_wrong_base_url_is_refused(url: str) -> None:
    """A base URL that cannot be used, or that holds a secret, is an InputError that does not repeat the secret."""
    with pytest.raises(InputError) as caught:
        providers.resolve("openai/x", base_url=url, environ={})
    assert "u:p" not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "model"),
    [
        ({"BOURN_MODEL": "x/y", "OPENAI_API_KEY": "k"}, "x/y"),
        ({"ANTHROPIC_API_KEY": "k"}, "anthropic/claude-sonnet-4-5"),
        ({"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}, "openai/gpt-5-mini"),
        ({}, "local/smollm2-135m"),
    ],
)
def test_the_default_model_and_why(environ: dict[str, str], model: str) -> None:
    """The variable, else the first provider with a key, else the local model; and the reason names what decided."""
    found, why = providers.default_model(environ)
    assert found == model
    assert why


@pytest.mark.parametrize("name", providers.PROVIDERS)
def test_every_row_can_be_used(name: str) -> None:
    """Each row names a known dialect, and once its places are filled its address passes the check."""
    row = providers.get(name)
    assert dialects.get(row.dialect).name == row.dialect
    url = providers.resolve(f"{name}/m", api_key="k", environ=filling(row)).base_url
    assert (url is None) == (row.base_url is None)
    assert url is None or "{" not in url


def filling(row: providers.Provider) -> dict[str, str]:
    """An environment that fills every place of the row's address."""
    template = row.base_url or ""
    names = address.variables(template)
    return {name: "https://host" if template.startswith("{" + name) else "part" for name in names}
