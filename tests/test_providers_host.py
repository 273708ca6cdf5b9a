"""``OLLAMA_HOST`` and what it means, after the cases that Ollama's own clients document and test."""

from __future__ import annotations

import pytest

from bourn import providers
from bourn.errors import InputError
from bourn.providers import host


@pytest.mark.parametrize(
    ("told", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:11434"),
        ("gpu-box", "http://gpu-box:11434"),
        ("gpu-box:8080", "http://gpu-box:8080"),
        ("gpu-box/", "http://gpu-box:11434"),
        ("gpu-box/ollama", "http://gpu-box:11434/ollama"),
        (":8080", "http://127.0.0.1:8080"),
        ("http://gpu-box", "http://gpu-box"),
        ("https://gpu-box", "https://gpu-box"),
        ("HTTPS://gpu-box:1/x/", "HTTPS://gpu-box:1/x"),
        ("0.0.0.0", "http://127.0.0.1:11434"),  # noqa: S104 - not bound
        ("0.0.0.0:1", "http://127.0.0.1:1"),
        ("http://0.0.0.0:1", "http://127.0.0.1:1"),
        ("::", "http://[::1]:11434"),
        ("::1", "http://[::1]:11434"),
        ("[::]:1", "http://[::1]:1"),
        ("[fe80::1]", "http://[fe80::1]:11434"),
        ("https://[::1]:443/x", "https://[::1]:443/x"),
        (' "gpu-box" ', "http://gpu-box:11434"),
        ("'gpu-box:1'", "http://gpu-box:1"),
    ],
)
def test_where_a_server_listens_is_where_it_is_reached(told: str, url: str) -> None:
    """Any part may be left out; every address at once becomes the loopback one."""
    assert host.base_url(told, "OLLAMA_HOST", "http://127.0.0.1:11434") == url


@pytest.mark.parametrize("told", ["http://u:p@host", "u:p@host", "ftp://host", "host:port", "host:99999", "host?x=1", "a b:c"])
def test_what_is_no_address_names_the_variable(told: str) -> None:
    """And repeats no secret."""
    with pytest.raises(InputError, match="OLLAMA_HOST") as caught:
        host.base_url(told, "OLLAMA_HOST", "http://127.0.0.1:11434")
    assert not told.startswith("http://u:p@") or "u:p" not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, "http://127.0.0.1:11434/api/chat"),
        ({"OLLAMA_HOST": "0.0.0.0:1"}, "http://127.0.0.1:1/api/chat"),
        ({"OLLAMA_HOST": "gpu-box", "OLLAMA_BASE_URL": "http://other"}, "http://other/api/chat"),
    ],
)
def test_ollama_is_found_where_its_variables_say(environ: dict[str, str], url: str) -> None:
    """A base URL goes before the host, the host before the row; no key is asked for, or sent."""
    endpoint = providers.resolve("ollama/m", environ={**environ, "OLLAMA_API_KEY": "k"})
    assert (endpoint.url("/api/chat"), endpoint.headers()) == (url, {})


def test_the_cloud_has_a_row_and_a_key_of_its_own() -> None:
    """``OLLAMA_HOST``, which is about a server of one's own, does not touch it."""
    endpoint = providers.resolve("ollama-cloud/m", environ={"OLLAMA_API_KEY": "k", "OLLAMA_HOST": "gpu-box"})
    assert endpoint.url("/api/chat") == "https://ollama.com/api/chat"
    assert endpoint.headers() == {"authorization": "Bearer k"}
