"""`bourn record`: a proxy as a process of its own; what it saved is replayed by `bourn mock serve --replay`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import bourn as library
from bourn.cli.record import secrets, shown, spoken
from bourn.errors import MissingKeyError
from tests.cli.conftest import Bourn
from tests.cli.serving_process import Running
from tests.cli.test_mock import collected, posix

KEY = "sk-a-very-secret-key"


@posix
def test_what_was_recorded_is_replayed(tmp_path: Path) -> None:
    """Through the proxy, into a folder, and out of it again: the same answer; no key in the folder; code 0 at Ctrl-C."""
    out = tmp_path / "recordings"
    with (
        Running("mock", "serve", "--text", "Hello, wörld, once more.") as service,
        Running("record", "--upstream", service.addresses["ANTHROPIC_BASE_URL"], "--out", str(out)) as proxy,
    ):
        url = proxy.addresses["OPENAI_BASE_URL"]
        said = collected(library.stream("openai/m", f"My key is {KEY}", base_url=url, api_key=KEY))
        assert str(out / "0001-openai-chat") in proxy.wait_for("saved")
        assert proxy.stop() == 0
    written = b"".join(file.read_bytes() for file in (out / "0001-openai-chat").iterdir())
    assert KEY.encode() not in written
    with Running("mock", "serve", "--replay", str(out), "--speed", "inf") as replay:
        url = replay.addresses["OPENAI_BASE_URL"]
        again = collected(library.stream("openai/m", "anything", base_url=url, api_key=KEY))
        assert "replays 0001-openai-chat" in replay.wait_for("whole")
        assert replay.stop() == 0
    assert again == said == "Hello, wörld, once more."


@posix
def test_a_key_of_the_environment_is_kept_out(tmp_path: Path) -> None:
    """Those of the services, and those that --secret-env names, wherever they are said back."""
    environ = {"GROQ_API_KEY": "gsk-of-the-environment", "MY_PASSWORD": "open-sesame-42"}
    scenario = tmp_path / "said.toml"
    scenario.write_text('[scenario.said]\nsteps = [{ text = "open-sesame-42", whole = true }]\n')
    words = ("record", "--out", str(tmp_path / "out"), "--secret-env", "MY_PASSWORD", "--upstream")
    with (
        Running("mock", "serve", "--scenario", str(scenario)) as service,
        Running(*words, service.addresses["ANTHROPIC_BASE_URL"], **environ) as proxy,
    ):
        url = proxy.addresses["OPENAI_BASE_URL"]
        assert "open-sesame-42" in collected(library.stream("openai/m", "gsk-of-the-environment", base_url=url, api_key=KEY))
        proxy.wait_for("saved")
    written = b"".join(file.read_bytes() for file in (tmp_path / "out" / "0001-openai-chat").iterdir())
    assert not [secret for secret in (KEY, *environ.values()) if secret.encode() in written]
    asked = json.loads((tmp_path / "out" / "0001-openai-chat" / "request.json").read_text())
    assert asked["body"]["messages"] == [{"role": "user", "content": "*" * len("gsk-of-the-environment")}]


def test_the_address_fits_the_upstream() -> None:
    """A known service's own SDK is named; what the upstream's path has, the client does not add."""
    assert spoken("https://api.anthropic.com") == ("anthropic",)
    assert "openai-chat" in spoken("https://api.openai.com/v1")
    assert shown("http://h:1", "https://api.openai.com", ("openai-chat",)) == "OPENAI_BASE_URL=http://h:1/v1\n"
    assert shown("http://h:1", "https://api.openai.com/v1", ("openai-chat",)) == "OPENAI_BASE_URL=http://h:1\n"
    assert len(spoken("http://127.0.0.1:1")) > 5


def test_secrets_are_the_keys_that_are_set() -> None:
    """By the table of services, and by name; a name that is not set is a mistake."""
    environ = {"OPENAI_API_KEY": "a", "GROQ_API_KEY": "", "AWS_SECRET_ACCESS_KEY": "b", "MINE": "c", "PATH": "/bin"}
    assert secrets(environ, ["MINE"]) == {"a", "b", "c"}
    with pytest.raises(MissingKeyError, match="--secret-env names NONE, which is not set"):
        secrets(environ, ["NONE"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--upstream"),
        (["--upstream", "api.openai.com"], "write for example https://api.openai.com"),
        (["--upstream", "https://me:pw@x"], "leave out keys"),
        (["--upstream", "https://x", "--dialect", "opnai"], "unknown dialect 'opnai'"),
        (["--upstream", "https://x", "--secret-env", "NONE"], "--secret-env names NONE"),
        (["--upstream", "https://x", "--out", "/dev/null/x"], "cannot write recordings to /dev/null/x"),
    ],
)
def test_a_mistake_is_one_sentence(
    bourn: Bourn, words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing listens, and no folder is made."""
    monkeypatch.chdir(tmp_path)
    outcome = bourn("record", *words)
    assert outcome.status in (2, 3)
    assert outcome.err.count("\n") == 1
    assert said in outcome.err
    assert "pw" not in outcome.err
    assert list(tmp_path.iterdir()) == []
