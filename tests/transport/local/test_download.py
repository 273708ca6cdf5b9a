"""Downloads from a server on loopback: resumed, held to size and hash, and never there by half."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bourn.errors import (
    AuthenticationError,
    BournError,
    ConnectError,
    ConnectionLostError,
    InputError,
    ModelFileError,
    NotFoundError,
)
from bourn.transport.local.download import download, lock, part_of
from bourn.transport.local.web import BLOCK, Web, split_credentials
from tests.transport.local.shelf import File, Shelf

BODY = os.urandom(3 * BLOCK + 17)
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    """A server with the file at `/file`."""
    with Shelf() as shelf:
        shelf["/file"] = File(BODY)
        yield shelf


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where the file shall be."""
    return tmp_path / "file"


def fetch(url: str, target: Path) -> list[tuple[int, int]]:
    """Download the file; what the progress was."""
    progress: list[tuple[int, int]] = []
    download(Web(), url, target, size=len(BODY), sha256=SHA256, progress=lambda done, total: progress.append((done, total)))
    return progress


def test_a_download_brings_the_file_and_tells_its_progress(shelf: Shelf, target: Path) -> None:
    """From nothing to everything, never backwards, and no part is left."""
    progress = fetch(shelf.url + "/file", target)
    assert target.read_bytes() == BODY
    assert progress[0] == (0, len(BODY))
    assert progress[-1] == (len(BODY), len(BODY))
    assert progress == sorted(progress)
    assert len(progress) > 3
    assert not part_of(target).exists()
    assert shelf.asked == [("/file", None, None)]


@pytest.mark.parametrize("there", [1, BLOCK, len(BODY) - 1])
def test_a_download_goes_on_where_the_last_one_stopped(shelf: Shelf, target: Path, there: int) -> None:
    """Only the rest is asked for, and the progress begins at what is there."""
    part_of(target).write_bytes(BODY[:there])
    assert fetch(shelf.url + "/file", target)[0] == (there, len(BODY))
    assert target.read_bytes() == BODY
    assert shelf.asked == [("/file", f"bytes={there}-", None)]


def test_a_server_without_ranges_sends_everything_anew(shelf: Shelf, target: Path) -> None:
    """What was there is thrown away, not appended to."""
    shelf["/file"] = File(BODY, ranges=False)
    part_of(target).write_bytes(BODY[:1000])
    fetch(shelf.url + "/file", target)
    assert target.read_bytes() == BODY


def test_a_whole_part_is_only_checked(shelf: Shelf, target: Path) -> None:
    """The last download was interrupted after its last byte: nothing is asked for."""
    part_of(target).write_bytes(BODY)
    assert fetch(shelf.url + "/file", target) == [(len(BODY), len(BODY))]
    assert target.read_bytes() == BODY
    assert shelf.asked == []


def test_a_part_that_is_too_long_is_thrown_away(shelf: Shelf, target: Path) -> None:
    """It cannot be a piece of the file."""
    part_of(target).write_bytes(BODY + b"x")
    fetch(shelf.url + "/file", target)
    assert target.read_bytes() == BODY


def test_a_connection_that_breaks_keeps_what_came(shelf: Shelf, target: Path) -> None:
    """The error says how far it got and what to do; the next call asks for the rest only."""
    shelf["/file"] = File(BODY, sent=2 * BLOCK)
    with pytest.raises(ConnectionLostError, match=r"run the command again to resume|the connection broke"):
        fetch(shelf.url + "/file", target)
    assert not target.exists()
    there = part_of(target).stat().st_size
    assert 0 < there <= 2 * BLOCK
    shelf["/file"] = File(BODY)
    fetch(shelf.url + "/file", target)
    assert shelf.asked[-1] == ("/file", f"bytes={there}-", None)
    assert target.read_bytes() == BODY


def test_a_reset_connection_keeps_what_came(shelf: Shelf, target: Path) -> None:
    """The operating system's word for it is in the sentence."""
    shelf["/file"] = File(BODY, sent=2 * BLOCK, reset=True)
    with pytest.raises(ConnectionLostError, match=r"the connection broke: Connection reset by peer|broke off at"):
        fetch(shelf.url + "/file", target)
    assert part_of(target).exists()
    assert not target.exists()


@pytest.mark.parametrize("body", [BODY[:-1] + bytes([BODY[-1] ^ 1]), BODY + b"x"], ids=["one bit", "longer"])
def test_other_bytes_are_refused_and_removed(shelf: Shelf, target: Path, body: bytes) -> None:
    """One bit suffices; the next call begins anew, and the address in the sentence shows no query."""
    shelf["/file?token=secret"] = File(body)
    with pytest.raises(ModelFileError, match=r"/file is not the pinned file") as caught:
        fetch(shelf.url + "/file?token=secret", target)
    assert "secret" not in str(caught.value)
    assert not target.exists()
    shelf["/file"] = File(BODY)
    fetch(shelf.url + "/file", target)
    assert target.read_bytes() == BODY


def test_more_bytes_than_pinned_are_not_taken(shelf: Shelf, target: Path) -> None:
    """A server may send without end: it stops at the size, and nothing of it is kept."""
    shelf["/file"] = File(BODY * 20)
    progress: list[int] = []
    with pytest.raises(ModelFileError, match=r"is not the pinned file: it has more than [\d,]+ bytes"):
        download(
            Web(), shelf.url + "/file", target, size=len(BODY), sha256=SHA256, progress=lambda done, _: progress.append(done)
        )
    assert max(progress) <= len(BODY)
    assert part_of(target).stat().st_size == 0


@pytest.mark.parametrize(
    ("file", "kind", "words"),
    [
        (File(b"", status=404), NotFoundError, "/file answered 404 Not Found"),
        (File(BODY, wants="Basic eDp5"), AuthenticationError, "/file answered 401 Unauthorized"),
    ],
)
def test_a_refusal_is_the_error_of_its_status(
    shelf: Shelf, target: Path, file: File, kind: type[BournError], words: str
) -> None:
    """With the address and the server's words."""
    shelf["/file"] = file
    with pytest.raises(kind, match=words):
        fetch(shelf.url + "/file", target)


def test_credentials_become_a_header_and_are_never_shown(shelf: Shelf, target: Path) -> None:
    """They do not follow a redirect, and no sentence has them."""
    shelf["/file"] = File(b"", status=302, location="/elsewhere")
    shelf["/elsewhere"] = File(b"", status=404)
    with pytest.raises(NotFoundError) as caught:
        fetch(f"http://me:p%40ss@{shelf.host}/file", target)
    assert "p%40ss" not in str(caught.value)
    assert shelf.asked == [("/file", None, "Basic bWU6cEBzcw=="), ("/elsewhere", None, None)]


def test_a_redirect_is_followed_with_its_range(shelf: Shelf, target: Path) -> None:
    """As a file host does that sends one on to its storage."""
    shelf["/moved"] = File(b"", status=302, location=shelf.url + "/file")
    part_of(target).write_bytes(BODY[:1000])
    fetch(shelf.url + "/moved", target)
    assert shelf.asked[-1] == ("/file", "bytes=1000-", None)
    assert target.read_bytes() == BODY


def test_no_network_is_a_connect_error(target: Path) -> None:
    """Nobody listens there; what was there before stays."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    part_of(target).write_bytes(BODY[:1000])
    with pytest.raises(ConnectError, match="cannot be reached: Connection refused"):
        fetch(f"http://127.0.0.1:{port}/file", target)
    assert part_of(target).stat().st_size == 1000


def test_an_answer_that_is_not_http_is_a_connect_error(target: Path) -> None:
    """Whatever listens there, it is no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"220 mail.example ESMTP\r\n")

        greeter = threading.Thread(target=greet)
        greeter.start()
        with pytest.raises(ConnectError, match="cannot be reached"):
            fetch(f"http://127.0.0.1:{server.getsockname()[1]}/file", target)
        greeter.join()


@pytest.mark.parametrize("url", ["no address", "gopher://host/file"])
def test_what_is_no_address_is_said_to_be_none(url: str, target: Path) -> None:
    """Before anything is sent."""
    with pytest.raises((InputError, ConnectError), match=r"is not an address|cannot be reached: unknown url type"):
        fetch(url, target)


def test_a_certificate_file_that_cannot_be_read_is_the_callers_to_mend() -> None:
    """It comes from the installer's settings; the sentence names it."""
    with pytest.raises(InputError, match=r"the certificate file /nonexistent.pem cannot be used: No such file"):
        Web(certificates="/nonexistent.pem")


@pytest.mark.parametrize(
    ("url", "plain", "credentials"),
    [
        ("https://host/simple", "https://host/simple", ""),
        ("https://me:pw@host:8/simple", "https://host:8/simple", "bWU6cHc="),
        ("https://token@host/simple", "https://host/simple", "dG9rZW4="),
    ],
)
def test_credentials_are_split_from_an_address(url: str, plain: str, credentials: str) -> None:
    """User and password, or a token alone."""
    assert split_credentials(url) == (plain, credentials)


def test_a_lock_is_held_against_others(tmp_path: Path) -> None:
    """The second one gets in only when the first one is out."""
    order: list[str] = []
    inside, waiting = threading.Event(), threading.Event()

    def first() -> None:
        with lock(tmp_path / "lock"):
            inside.set()
            waiting.wait(20)
            order.append("first")

    def second() -> None:
        inside.wait(20)
        waiting.set()
        with lock(tmp_path / "lock"):
            order.append("second")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert order == ["first", "second"]
