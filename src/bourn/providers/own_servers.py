"""Servers that people run themselves, at the address where they listen if nothing else is said; a key is sent if there is one.

A server that speaks two dialects has a row for each; their base URL comes from the same variable.

House rule: ``127.0.0.1``, never ``localhost``, which may mean another address family than the server's.
"""

from __future__ import annotations

from bourn.providers.row import Provider


def _row(
    name: str,
    base_url: str | None,
    *key_env: str,
    url_env: tuple[str, ...] = (),
    quirks: tuple[str, ...] = (),
    dialect: str = "openai-chat",
) -> Provider:
    return Provider(name, dialect, base_url, key_env, url_env, key_optional=True, quirks=frozenset(quirks))


OWN_SERVERS = (
    _row("docker", "http://127.0.0.1:12434/engines/v1"),
    _row("gpustack", "{GPUSTACK_SERVER_URL}/v1", "GPUSTACK_API_KEY"),
    _row("jan", "http://127.0.0.1:1337/v1", "JAN_API_KEY"),
    _row("litellm", "http://127.0.0.1:4000", "LITELLM_PROXY_API_KEY"),
    _row("llamacpp", "http://127.0.0.1:8080/v1", "LLAMA_API_KEY", quirks=("reasoning_content",)),
    _row("lmstudio", "http://127.0.0.1:1234/v1", "LM_API_TOKEN"),
    _row("localai", "http://127.0.0.1:8080/v1", "LOCALAI_API_KEY"),
    _row("sglang", "http://127.0.0.1:30000/v1"),
    _row("tgi", "http://127.0.0.1:8080", dialect="huggingface-tgi"),
    _row("vllm", "http://127.0.0.1:8000/v1", "VLLM_API_KEY", quirks=("reasoning",)),
    _row(
        "vllm-completions",
        "http://127.0.0.1:8000/v1",
        "VLLM_API_KEY",
        url_env=("VLLM_BASE_URL",),
        dialect="openai-completions",
    ),
)
"""In alphabetical order."""
