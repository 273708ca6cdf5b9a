"""The table of services, and how a model id becomes an endpoint."""

from __future__ import annotations

import re

import pytest

from bourn import dialects, providers
from bourn.errors import InputError, MissingKeyError
from bourn.messages import Message, Request
from bourn.providers import address, table


@pytest.mark.parametrize(
    ("model_id", "parts"),
    [
        ("openai/gpt-6-luna", ("openai", "gpt-6-luna")),
        ("openai:gpt-6-luna", ("openai", "gpt-6-luna")),
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
    with pytest.raises(InputError, match="openai/gpt-6-luna"):
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
    "url", ["ftp://x", "localhost:8000", "http://", "http://u:p@host/v1", "http://h/v1?key=u:p", "http://h:99999", "http://h:x"]
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
        ({"ANTHROPIC_API_KEY": "k"}, "anthropic/claude-sonnet-5-5"),
        ({"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}, "openai/gpt-6-luna"),
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


@pytest.mark.parametrize("row", table._ROWS, ids=lambda row: row.name)
def test_a_row_is_sound(row: providers.Provider) -> None:
    """No name twice; variables look like variables; what leaves the machine is encrypted, and a key is asked for there."""
    assert [one.name for one in table._ROWS].count(row.name) == 1
    assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", row.name)
    named = (*row.key_env, *row.url_variables, *address.variables(row.base_url or ""))
    assert all(re.fullmatch("[A-Z][A-Z0-9]*(_[A-Z0-9]+)*", name) for name in named)
    url = row.base_url or ""
    assert not url.endswith("/")
    if url and not url.startswith(("http://127.0.0.1:", "{")):
        assert url.startswith("https://")
        assert row.key_env
        assert not row.key_optional


@pytest.mark.parametrize("row", [row for row in table._ROWS if row.base_url], ids=lambda row: row.name)
def test_rows_of_one_address_are_moved_by_one_variable(row: providers.Provider) -> None:
    """Whichever dialect a service is spoken to in, its address and its key are said once."""
    beside = [other for other in table._ROWS if (other.base_url, other.key_env) == (row.base_url, row.key_env)]
    assert {other.url_variables for other in beside} == {row.url_variables}


def test_forty_services_and_more_have_rows() -> None:
    """Counted by address: a second name, or a server of one's own, is no service more."""
    assert len({row.base_url for row in table._ROWS if row.base_url and row.base_url.startswith("https://")}) >= 60


def filling(row: providers.Provider) -> dict[str, str]:
    """An environment that fills every place of the row's address."""
    template = row.base_url or ""
    names = address.variables(template)
    return {name: "https://host" if template.startswith("{" + name) else "part" for name in names}


GEMINI_PATH = "/publishers/google/models/m:streamGenerateContent?alt=sse"
AZURE = {"AZURE_OPENAI_ENDPOINT": "https://r.openai.azure.com/", "AZURE_OPENAI_API_KEY": "k"}


def url_of(model_id: str, environ: dict[str, str], path: str | None = None) -> str:
    """Where a call to the model goes."""
    endpoint = providers.resolve(model_id, environ=environ)
    request = Request(endpoint.model, (Message("user", "hi"),), quirks=endpoint.provider.quirks)
    return endpoint.url(path or endpoint.dialect.call(request).path)


@pytest.mark.parametrize(
    ("model_id", "environ", "url"),
    [
        ("azure/d", AZURE, "https://r.openai.azure.com/openai/v1/chat/completions"),
        (
            "azure-deployments/my gpt?",
            AZURE,
            "https://r.openai.azure.com/openai/deployments/my%20gpt%3F/chat/completions?api-version=2024-10-21",
        ),
        (
            "azure-deployments/d",
            {**AZURE, "OPENAI_API_VERSION": "2025-01-01&x=y"},
            "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=2025-01-01%26x%3Dy",
        ),
        (
            "cloudflare/@cf/m",
            {"CLOUDFLARE_ACCOUNT_ID": "id", "CLOUDFLARE_API_KEY": "k"},
            "https://api.cloudflare.com/client/v4/accounts/id/ai/v1/chat/completions",
        ),
        (
            "bedrock-openai/m",
            {"AWS_BEARER_TOKEN_BEDROCK": "k", "AWS_REGION": "eu-west-1"},
            "https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1/chat/completions",
        ),
        (
            "databricks-gateway/system.ai.m",
            {"DATABRICKS_HOST": "https://w.cloud.databricks.com", "DATABRICKS_TOKEN": "k"},
            "https://w.cloud.databricks.com/ai-gateway/mlflow/v1/chat/completions",
        ),
        ("perplexity/perplexity/sonar", {"PERPLEXITY_API_KEY": "k"}, "https://api.perplexity.ai/v1/responses"),
        (
            "vertex-multi-region/m",
            {"GOOGLE_OAUTH_ACCESS_TOKEN": "k", "GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_CLOUD_LOCATION": "eu"},
            f"https://aiplatform.eu.rep.googleapis.com/v1/projects/p/locations/eu{GEMINI_PATH}",
        ),
        ("writer/m", {"WRITER_API_KEY": "k"}, "https://api.writer.com/v1/chat"),
        (
            "huggingface-tgi/google/flan-t5-xxl",
            {"HF_TOKEN": "k"},
            "https://router.huggingface.co/hf-inference/models/google/flan-t5-xxl",
        ),
        ("vllm/m", {}, "http://127.0.0.1:8000/v1/chat/completions"),
        ("vllm/m", {"VLLM_BASE_URL": "http://gpu:8000/v1"}, "http://gpu:8000/v1/chat/completions"),
    ],
)
def test_an_address_is_filled_in(model_id: str, environ: dict[str, str], url: str) -> None:
    """Places of the address and of the query hold what the environment, or the row, says, quoted for where it stands."""
    assert url_of(model_id, environ) == url


def test_a_query_joins_the_one_that_a_path_has() -> None:
    """A dialect's path may bring a query of its own."""
    assert url_of("azure-deployments/d", AZURE, "/x?alt=sse").endswith("/openai/deployments/d/x?alt=sse&api-version=2024-10-21")


@pytest.mark.parametrize(
    ("model_id", "environ", "match"),
    [
        ("azure/d", {"AZURE_OPENAI_API_KEY": "k"}, "set AZURE_OPENAI_ENDPOINT, or pass base_url="),
        ("bedrock-mantle/m", {"AWS_BEARER_TOKEN_BEDROCK": "k"}, "set AWS_REGION or AWS_DEFAULT_REGION"),
        (
            "azure/d",
            {**AZURE, "AZURE_OPENAI_ENDPOINT": "r.openai.azure.com"},
            "AZURE_OPENAI_ENDPOINT .*must look like https://",
        ),
        ("azure/d", {**AZURE, "AZURE_OPENAI_ENDPOINT": "https://u:p@host"}, "AZURE_OPENAI_ENDPOINT holds a user name"),
        ("openai/m", {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "host"}, "OPENAI_BASE_URL .*must look like"),
        (
            "snowflake/m",
            {"SNOWFLAKE_PAT": "k", "SNOWFLAKE_ACCOUNT": "evil.example/#"},
            "SNOWFLAKE_ACCOUNT holds characters that have no place in an address",
        ),
    ],
)
def test_an_address_that_cannot_be_filled_in_names_the_variable(model_id: str, environ: dict[str, str], match: str) -> None:
    """What is missing, or breaks out of its place, is an InputError that says which variable it was."""
    with pytest.raises(InputError, match=match):
        providers.resolve(model_id, environ=environ)


def test_a_base_url_of_ones_own_needs_no_variables() -> None:
    """An address that the call gives is used as it is."""
    endpoint = providers.resolve("cloudflare/m", base_url="http://127.0.0.1:9/v1", environ={})
    assert endpoint.url("/chat/completions") == "http://127.0.0.1:9/v1/chat/completions"


def test_the_key_goes_where_the_service_wants_it() -> None:
    """A row may name another header than its dialect does; a key that is optional is sent when it is there."""
    assert providers.resolve("azure/d", environ=AZURE).headers() == {"api-key": "k"}
    assert providers.resolve("openrouter-anthropic/m", api_key="k", environ={}).headers() == {"authorization": "Bearer k"}
    assert providers.resolve("lmstudio/m", environ={}).headers() == {}
    assert providers.resolve("lmstudio/m", environ={"LM_API_TOKEN": "k"}).headers() == {"authorization": "Bearer k"}
