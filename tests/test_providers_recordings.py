"""The table of services held to recorded traffic: where the calls went, and what the services took in them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from bourn import providers
from bourn.dialects.openai_chat.request import RENAMES
from bourn.messages import Message, Request, Text
from tests.recordings import CORPUS, needs_corpus

ROWS: dict[tuple[str, str], tuple[str, ...]] = {
    ("anthropic-messages", "anthropic"): ("anthropic",),
    ("anthropic-messages", "azure-foundry"): ("azure-anthropic",),
    ("anthropic-messages", "openrouter"): ("openrouter-anthropic",),
    ("anthropic-messages", "vertex"): ("vertex-anthropic", "vertex-anthropic-global"),
    ("bedrock-converse", "bedrock"): ("bedrock",),
    ("bedrock-invoke", "bedrock"): ("bedrock-invoke",),
    ("cloudflare-ai-run", "cloudflare"): ("cloudflare-run",),
    ("cohere-v2", "cohere"): ("cohere",),
    ("gemini", "google"): ("gemini",),
    ("gemini", "vertex"): ("vertex", "vertex-global", "vertex-express"),
    ("huggingface-tgi", "huggingface"): ("huggingface-tgi",),
    ("mistral", "mistral"): ("mistral",),
    ("ollama", "ollama"): ("ollama",),
    ("ollama", "ollama-cloud"): ("ollama-cloud",),
    ("openai-chat", "ai21"): ("ai21",),
    ("openai-chat", "alibaba"): ("qwen",),
    ("openai-chat", "avian"): ("avian",),
    ("openai-chat", "azure"): ("azure", "azure-deployments"),
    ("openai-chat", "azure-foundry"): ("azure-models",),
    ("openai-chat", "baseten"): ("baseten",),
    ("openai-chat", "cerebras"): ("cerebras",),
    ("openai-chat", "cloudflare"): ("cloudflare",),
    ("openai-chat", "crusoe"): ("crusoe",),
    ("openai-chat", "databricks"): ("databricks",),
    ("openai-chat", "deepseek"): ("deepseek",),
    ("openai-chat", "doubleword"): ("doubleword",),
    ("openai-chat", "fireworks"): ("fireworks",),
    ("openai-chat", "gpustack"): ("gpustack",),
    ("openai-chat", "groq"): ("groq",),
    ("openai-chat", "huggingface"): ("huggingface",),
    ("openai-chat", "hyperbolic"): ("hyperbolic",),
    ("openai-chat", "litellm-proxy"): ("litellm",),
    ("openai-chat", "llamacpp"): ("llamacpp",),
    ("openai-chat", "nebius"): ("nebius",),
    ("openai-chat", "novita"): ("novita",),
    ("openai-chat", "openai"): ("openai",),
    ("openai-chat", "openrouter"): ("openrouter",),
    ("openai-chat", "pollinations"): ("pollinations",),
    ("openai-chat", "sambanova"): ("sambanova",),
    ("openai-chat", "snowflake"): ("snowflake",),
    ("openai-chat", "together"): ("together",),
    ("openai-chat", "venice"): ("venice",),
    ("openai-chat", "vercel-gateway"): ("vercel",),
    ("openai-chat", "vllm"): ("vllm",),
    ("openai-chat", "writer"): ("writer",),
    ("openai-chat", "xai"): ("xai",),
    ("openai-chat", "xiaomi"): ("xiaomi",),
    ("openai-chat", "zai"): ("zai", "zai-coding"),
    ("openai-completions", "openai"): ("openai-completions",),
    ("openai-completions", "together"): ("together-completions",),
    ("openai-completions", "vllm"): ("vllm-completions",),
    ("openai-completions", "writer"): ("writer-completions",),
    ("openai-responses", "azure"): ("azure-responses",),
    ("openai-responses", "azure-foundry"): ("azure-responses",),
    ("openai-responses", "bedrock-mantle"): ("bedrock-mantle",),
    ("openai-responses", "deepseek"): ("deepseek-responses",),
    ("openai-responses", "openai"): ("openai-responses",),
    ("openai-responses", "openrouter"): ("openrouter-responses",),
    ("openai-responses", "xai"): ("xai-responses",),
}
"""Format and vendor of recordings to the rows that reach it."""

WITHOUT_A_ROW: dict[tuple[str, str], str] = {
    ("openai-chat", "cohere"): "the service has a dialect of its own, and a row in it",
    ("openai-chat", "github-copilot"): "its tokens are not for other clients",
    ("openai-chat", "github-models"): "GitHub shut the service down on 30 July 2026",
    ("openai-chat", "mistral.rs"): "a server of one's own without an address of its own",
    ("openai-chat", "ollama"): "the service has a dialect of its own, and a row in it",
    ("openai-chat", "ollama-cloud"): "the service has a dialect of its own, and a row in it",
    ("openai-chat", "openai-compatible-local"): "nothing says which server it was",
    ("openai-chat", "perplexity"): "Perplexity ended its chat completions on 27 September 2026; the row speaks responses",
    ("openai-completions", "huggingface"): "one of the router's older addresses, one a host",
    ("openai-completions", "openai-compatible-local"): "nothing says which server it was",
    ("openai-responses", "chatgpt-codex"): "its tokens are not for other clients",
    ("openai-responses", "github-copilot"): "its tokens are not for other clients",
}
"""Format and vendor of recordings that no row reaches, and why."""

ELSEWHERE: dict[str, str] = {
    r"https://RESOURCE\.openai\.azure\.com/chat/completions": "the test of a wrong address, answered with 404",
    r"https://RESOURCE\.cognitiveservices\.azure\.com/openai/responses": "the older form, with a version in the query",
    r"https://bedrock-mantle\.[^/]*\.api\.aws/v1/responses": "served under both paths; the row has the official client's",
    r"https://dashscope-us\.aliyuncs\.com/": "another region: set QWEN_BASE_URL",
    r"https://api\.deepseek\.com/v1/": "served with and without /v1",
    r"https://router\.huggingface\.co/(hf-inference|featherless-ai|novita)/": "the router's older addresses, one a host",
    r"https://127\.0\.0\.1/chat/completions": "llama.cpp serves its paths with and without /v1",
    r"https://api\.mistral\.ai/v1/(fim|agents)/": "other endpoints that answer in the same format",
    r"https://api\.studio\.nebius\.ai/": "the service's address until it was renamed",
    r"https://api\.novita\.ai/v3/openai/": "the service's address until 2025",
    r"https://api\.together\.xyz/v1/": "the service's address until 2026",
    r"https://text\.pollinations\.ai/openai": "the service's address until it asked for keys",
    r"https://aiplatform\.googleapis\.com/.*/locations/(L|<GOOGLE_CLOUD_LOCATION>)/": "the recorder hid the location",
    r"https://api\.openai\.com$": "the test of a wrong address",
    r"/responses$": "a base URL of the recorder's own",
    r"https://api-inference\.huggingface\.co/": "the Inference API's address until the router came",
    r"https://huggingface\.co/api/": "the hub, asked whether a model exists",
    r"https://.*/api/generate$": "Ollama's endpoint for one text, which answers in the same lines",
}
"""Recorded addresses that are not the row's, and why; a call reaches them with ``base_url``."""

DOCUMENTED: dict[tuple[str, str], str] = {
    ("vllm", "reasoning"): "https://docs.vllm.ai/en/latest/features/reasoning_outputs.html",
    ("azure", "max_completion_tokens"): "recorded at the older address of the same service",
}
"""Row and quirk that recorded requests cannot show, and what does."""

NO_ADDRESS = ("", "**REDACTED**", "None")

PLACES = {
    "CLOUDFLARE_ACCOUNT_ID": "ACCOUNT_ID",
    "SNOWFLAKE_ACCOUNT": "myorg-myaccount",
    "ANTHROPIC_FOUNDRY_RESOURCE": "RESOURCE",
    "GOOGLE_CLOUD_PROJECT": "PROJECT",
    "GPUSTACK_SERVER_URL": "http://gpustack",
}
"""What the recorders left of accounts and resources."""


class Call(NamedTuple):
    """An address that was called: of which format and vendor, and a recording of it."""

    format: str
    vendor: str
    url: str
    name: str


@cache
def calls() -> tuple[Call, ...]:
    """One call for each address that was recorded."""
    found: dict[tuple[str, str, str], Call] = {}
    for call in _recorded():
        found.setdefault(call[:3], call)
    return tuple(sorted(found.values()))


def _recorded() -> Iterator[Call]:
    formats = {format for format, _ in [*ROWS, *WITHOUT_A_ROW]}
    for folder in CORPUS.glob("*/*"):
        format = re.sub("-(errors|curated)$", "", folder.parent.name)
        if format in formats and (folder / "response.json").exists():
            response = json.loads((folder / "response.json").read_text())
            request = json.loads((folder / "request.json").read_text())
            yield Call(format, response["vendor"], str(request.get("url")), folder.name)


@needs_corpus
@pytest.mark.parametrize(
    "call",
    [call for call in calls() if (call.format, call.vendor) in ROWS and call.url not in NO_ADDRESS],
    ids=lambda call: f"{call.vendor} {call.url}"[:90],
)
def test_a_row_calls_the_address_that_was_recorded(call: Call) -> None:
    """Scheme, host, path and query of a row's call are those of recorded calls, save where a reason is listed."""
    ours = [_called(row, call) for row in ROWS[call.format, call.vendor]]
    known = next((why for pattern, why in ELSEWHERE.items() if re.match(pattern, call.url)), None)
    assert known or any(_same(one, call.url) for one in ours), f"{call.name}: {ours}"


CLAIMS = [
    (vendor, row, quirk)
    for (_, vendor), rows in ROWS.items()
    for row in rows
    if providers.get(row).dialect == "openai-chat"
    for quirk in sorted(providers.get(row).quirks)
    if (row, quirk) not in DOCUMENTED
]
"""Vendor, row, and a quirk that the vendor's answers must bear out."""


@needs_corpus
@pytest.mark.parametrize(("vendor", "row", "quirk"), CLAIMS)
def test_a_quirk_is_what_the_service_was_seen_to_take(vendor: str, row: str, quirk: str) -> None:
    """Requests that were answered had the key that the quirk writes, and never one that it leaves out."""
    old, new = RENAMES.get(quirk, (None, quirk))
    assert (new in keys_taken(vendor)) if new else (old not in keys_taken(vendor))


@cache
def keys_taken(vendor: str) -> frozenset[str]:
    """The keys of the requests, and of the assistant's messages in them, that the vendor answered with 200."""
    keys: set[str] = set()
    for folder in [*CORPUS.glob("openai-chat/*"), *CORPUS.glob("mistral/*")]:
        if json.loads((folder / "response.json").read_text())["vendor"] == vendor:
            body = json.loads((folder / "request.json").read_text()).get("body")
            body = body if isinstance(body, dict) else {}
            said = [message for message in body.get("messages") or () if message.get("role") == "assistant"]
            keys.update(*(one.keys() for one in [body, *said]))
    return frozenset(keys)


@needs_corpus
def test_every_recorded_vendor_has_a_row_or_a_reason() -> None:
    """No vendor is passed over in silence, no row is claimed for nothing, and each exception is needed."""
    seen = {(call.format, call.vendor) for call in calls()}
    assert seen == ROWS.keys() | WITHOUT_A_ROW.keys()
    assert not ROWS.keys() & WITHOUT_A_ROW.keys()
    assert [pattern for pattern in ELSEWHERE if not any(re.match(pattern, call.url) for call in calls())] == []


_MODEL = re.compile(r"/(?:deployments|model)/([^/]+)/|/models/([^/]+):\w|/(?:ai/run|hf-inference/models)/(.+)")
"""Where an address names the model."""

_REGION = re.compile(r"(?:\.|//|locations/)([a-z]{2}-[a-z]+-?\d)\b")
"""Where an address names the region."""


def _called(name: str, call: Call) -> str:
    """The address that a row's dialect calls for the recorded model, in the recorded region."""
    named, region = _MODEL.search(call.url), _REGION.search(call.url)
    url = urlsplit(call.url)
    origin = f"{url.scheme}://{url.hostname}" if url.scheme else "https://host"
    environ = {
        **PLACES,
        "AZURE_OPENAI_ENDPOINT": origin,
        "AZURE_INFERENCE_ENDPOINT": f"{origin}/models",
        "DATABRICKS_HOST": origin,
        "AWS_REGION": region[1] if region else "REGION",
        "GOOGLE_CLOUD_LOCATION": region[1] if region else "REGION",
    }
    model = next(filter(None, named.groups())) if named else "m"
    endpoint = providers.resolve(f"{name}/{unquote(model)}", api_key="k", environ=environ)
    request = Request(endpoint.model, (Message("user", (Text("hi"),)),), quirks=endpoint.provider.quirks)
    return endpoint.url(endpoint.dialect.call(request).path)


UNSTREAMED = {
    ":generateContent": ":streamGenerateContent",
    "/converse": "/converse-stream",
    "/invoke": "/invoke-with-response-stream",
}
"""The ending of a path that asks for no stream, to that of ours; refused requests may have asked for none."""


def _same(ours: str, recorded: str) -> bool:
    """Whether the addresses are the same: a recorded path alone, or a host of one's own, is not held to ours."""
    mine = urlsplit(ours)
    theirs = urlsplit(recorded.replace("<GPUSTACK_API_BASE>", "/v1").replace("<AWS_REGION>", "REGION"))
    hosts = mine.netloc.lower() == theirs.netloc.lower() or mine.hostname == "127.0.0.1" or not theirs.netloc
    path = theirs.path.replace("/v1beta1/", "/v1/").replace("//", "/")  # Vertex serves the same under both
    for ending, streamed in UNSTREAMED.items():
        path = path.removesuffix(ending) + streamed if path.endswith(ending) else path
    return hosts and unquote(mine.path) == unquote(path) and _queries_fit(mine.query, theirs.query)


def _queries_fit(ours: str, recorded: str) -> bool:
    """Whether we send a version where a version was sent; how the answer is framed is the caller's choice."""
    return "api-version" not in parse_qs(recorded) or "api-version" in parse_qs(ours)
