"""Finds a wheel's address in the package index that ``pip`` uses here.

The index, its credentials, proxy and certificates come from pip's own settings; the index is asked through the Simple API, as
JSON (PEP 691) or HTML (PEP 503).

House rule: what is looked for is pinned by name, size and hash, so no index needs to be trusted.
"""

from __future__ import annotations

import ast
import html.parser
import os
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import PurePosixPath

import msgspec

from bourn.errors import BournError, ConnectError, NotFoundError
from bourn.transport.local.models import Wheel
from bourn.transport.local.web import Web, blocks, split_credentials

DEFAULT_INDEX = "https://pypi.org/simple"
"""Where pip looks when nothing is configured."""

ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"
"""The forms of the Simple API that are read here, the better one first (PEP 691)."""

_SCOPES = ("global", "install", ":env:")
"""Where pip's settings come from, the strongest last (pip.pypa.io, "Configuration")."""

_PIP_SECONDS = 20


class Settings(msgspec.Struct, frozen=True):
    """What of pip's configuration matters for a look-up."""

    indexes: tuple[str, ...] = (DEFAULT_INDEX,)
    proxy: str | None = None
    certificates: str | None = None

    @property
    def shown(self) -> str:
        """The indexes, fit to be printed."""
        return ", ".join(split_credentials(url)[0] for url in self.indexes)


def settings() -> Settings:
    """The settings of pip in this environment, as pip itself tells them; without pip, those of the environment variables."""
    found = _pip_settings()
    found |= {key: value for key in ("index-url", "extra-index-url", "proxy", "cert") if (value := _from_environment(key))}
    own = () if found.get("no-index", "").lower() in ("1", "true", "yes", "on") else (found.get("index-url", DEFAULT_INDEX),)
    return Settings(
        indexes=own + tuple(found.get("extra-index-url", "").split()) if own else (),
        proxy=found.get("proxy"),
        certificates=found.get("cert"),
    )


def _from_environment(key: str) -> str | None:
    return os.environ.get("PIP_" + key.upper().replace("-", "_"))


def _pip_settings() -> dict[str, str]:
    """Every setting of pip as ``{name: value}``, the strongest source winning; nothing if pip does not run here."""
    command = [sys.executable, "-m", "pip", "config", "list", "--disable-pip-version-check"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_PIP_SECONDS, check=False)  # noqa: S603  # ours
    except (OSError, subprocess.TimeoutExpired):
        return {}
    found: dict[str, dict[str, str]] = {scope: {} for scope in _SCOPES}
    for line in answer.stdout.splitlines() if answer.returncode == 0 else ():
        name, _, value = line.partition("=")
        scope, _, key = name.rpartition(".")
        if scope in found:
            found[scope][key] = str(ast.literal_eval(value))
    return {key: value for scope in _SCOPES for key, value in found[scope].items()}


def wheel_url(wheel: Wheel, settings: Settings, web: Web) -> str:
    """The wheel's address in the first index that has it.

    Raises ``NotFoundError`` if none has it, or the error of the first index that could not be asked.
    """
    failures: list[BournError] = []
    for index in settings.indexes:
        try:
            for file, url in _files(index, wheel.project, web):
                if file == wheel.file:
                    return url
        except NotFoundError:
            continue
        except BournError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    raise NotFoundError(f"{settings.shown or 'no package index (pip is set to use none)'} has no {wheel.file}", status=404)


def _files(index: str, project: str, web: Web) -> Iterator[tuple[str, str]]:
    """Name and address of every file of a project; the index's credentials go along to files on the same host."""
    page = f"{index.rstrip('/')}/{project}/"
    with web.open(_directory_index(page), {"Accept": ACCEPT}) as response:
        is_json = "json" in response.headers.get("Content-Type", "")
        base, body = response.url, b"".join(blocks(response))
    for file, link in _json_links(body) if is_json else _html_links(body):
        yield file, _with_credentials(urllib.parse.urljoin(base, link), index)


def _directory_index(page: str) -> str:
    """An index may be a directory on disk; then its pages are files (pip does the same)."""
    return page + "index.html" if page.startswith("file:") else page


def _with_credentials(url: str, index: str) -> str:
    there, own = urllib.parse.urlsplit(url), urllib.parse.urlsplit(index)
    same = (there.scheme, there.netloc) == (own.scheme, own.netloc.rpartition("@")[2])
    return there._replace(netloc=own.netloc).geturl() if same else url


class _Page(msgspec.Struct):
    """What is read of a JSON page of the Simple API."""

    class File(msgspec.Struct):
        filename: str
        url: str

    files: list[File]


def _json_links(body: bytes) -> Iterator[tuple[str, str]]:
    try:
        page = msgspec.json.decode(body, type=_Page)
    except msgspec.MsgspecError as error:
        raise ConnectError(f"the package index sent a page that cannot be read: {error}") from error
    for file in page.files:
        yield file.filename, file.url


class _Anchors(html.parser.HTMLParser):
    """Collects the targets of all links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        target = dict(attrs).get("href") if tag == "a" else None
        if target:
            self.targets.append(target)


def _html_links(body: bytes) -> Iterator[tuple[str, str]]:
    page = _Anchors()
    page.feed(body.decode("utf-8", "replace"))
    for target in page.targets:
        link, _ = urllib.parse.urldefrag(target)
        yield urllib.parse.unquote(PurePosixPath(urllib.parse.urlsplit(link).path).name), link
