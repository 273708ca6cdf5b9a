"""The guard: other machines are refused where that was promised or asked for, and nowhere else."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from bourn.pytest_plugin import guard

Run = Callable[..., pytest.RunResult]

TRIES = """
import socket, urllib.request
import pytest
from bourn.pytest_plugin.guard import NetworkRefusedError

def refused(what):
    with pytest.raises(NetworkRefusedError) as caught:
        what()
    return str(caught.value)

def test_address(llm):
    sock = socket.socket()
    with sock:
        assert "192.0.2.1:80" in refused(lambda: sock.connect(("192.0.2.1", 80)))
        assert "192.0.2.1:80" in refused(lambda: sock.connect_ex(("192.0.2.1", 80)))

def test_name(llm):
    assert "example.invalid" in refused(lambda: urllib.request.urlopen("http://example.invalid"))
    assert "example.invalid" in refused(lambda: socket.getaddrinfo("example.invalid", 80))

def test_datagram(llm):
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        assert "192.0.2.1:53" in refused(lambda: sock.sendto(b"?", ("192.0.2.1", 53)))

def test_here(llm):
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(("localhost", server.getsockname()[1])):
            pass

@pytest.mark.allow_network
def test_allowed(llm):
    assert not guarded()

def test_unasked():
    assert guarded() == EVERYWHERE

def guarded():
    return socket.getaddrinfo.__module__ == "bourn.pytest_plugin.guard"
"""


@pytest.mark.parametrize(
    ("options", "everywhere"), [((), False), (("--refuse-network",), True), (("-o", "refuse_network=1"), True)]
)
def test_other_machines_are_refused_where_a_test_promised_it(run: Run, options: tuple[str, ...], everywhere: bool) -> None:
    """With `llm`, or in all tests on demand; loopback passes; a marker allows it; other tests are left alone."""
    run(TRIES.replace("EVERYWHERE", str(everywhere)), *options).assert_outcomes(passed=6)


def test_one_option_allows_it_everywhere(run: Run) -> None:
    """`--allow-network` wins over everything else."""
    result = run(
        "import socket\ndef test_it(llm): assert socket.getaddrinfo.__module__ == 'socket'",
        "--allow-network",
        "--refuse-network",
    )
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::1%lo", True),
        ("0.0.0.0", True),  # noqa: S104 - nothing is bound to it
        ("localhost", True),
        (b"localhost", True),
        (None, True),
        ("", True),
        ("192.0.2.1", False),
        ("::ffff:192.0.2.1", False),
        ("10.0.0.1", False),
        ("example.com", False),
        ("localhost.example.com", False),
    ],
)
def test_what_is_here(host: object, here: bool) -> None:
    """Loopback in all its spellings is here, private networks and look-alike names are not."""
    assert guard.is_here(host) is here


def test_everything_is_put_back() -> None:
    """Raised twice and lowered twice, the socket module is as it was."""
    before = socket.socket.connect, socket.socket.connect_ex, socket.socket.sendto, socket.getaddrinfo
    guard.raise_it()
    guard.raise_it()
    assert socket.getaddrinfo is not before[3]
    guard.lower_it()
    guard.lower_it()
    assert (socket.socket.connect, socket.socket.connect_ex, socket.socket.sendto, socket.getaddrinfo) == before
