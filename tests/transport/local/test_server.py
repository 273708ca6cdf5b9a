"""Starting, sharing and stopping the servers of local models, with a fake child program in the place of llama.cpp."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bourn.errors import BournError, ConnectError, InputError, ModelFileError
from bourn.transport.local.process import Process
from bourn.transport.local.server import Servers
from tests.transport.local.conftest import PROGRAM
from tests.transport.local.witness import Witness

Gguf = Callable[[str], str]


def _kill(servers: Servers) -> Process:
    """Let the only server die."""
    (process,) = servers._running.values()
    assert process._popen is not None
    process._popen.kill()
    process._popen.wait(20)
    return process


async def test_a_lease_reaches_the_server_that_the_child_named(servers: Servers, gguf: Gguf) -> None:
    """The base URL is the child's own word, and the key is as long as 32 random bytes are."""
    lease = await servers.acquire(gguf("serves"))
    assert lease.base_url == "http://127.0.0.1:1"
    assert len(lease.key) >= 43


async def test_the_key_is_told_over_standard_input_only(servers: Servers, witness: Witness, gguf: Gguf) -> None:
    """Neither the arguments nor the environment of the child hold it, which other users could read; nor does a repr."""
    lease = await servers.acquire(gguf("serves"))
    told = witness.child().told
    assert told["order"]["key"] == lease.key
    assert lease.key not in str(told["argv"]) + str(told["environ"])
    assert lease.key not in repr(lease)
    assert lease.key not in "".join(map(repr, vars(servers._running[Path(told["order"]["model"])]).values()))


async def test_the_same_file_is_served_once(servers: Servers, witness: Witness, gguf: Gguf, tmp_path: Path) -> None:
    """A second lease, also by way of a symbolic link and while the first one is waited for, shares the child."""
    (tmp_path / "link.gguf").symlink_to(gguf("serves"))
    first, second = await asyncio.gather(servers.acquire(gguf("serves")), servers.acquire(str(tmp_path / "link.gguf")))
    assert (first.base_url, first.key) == (second.base_url, second.key)
    witness.child()
    assert not witness.saw_another()


async def test_two_files_are_served_by_two_children_with_keys_of_their_own(
    servers: Servers, gguf: Gguf, tmp_path: Path
) -> None:
    """One model's key does not open the other's server."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "serves.gguf").write_bytes(b"GGUF")
    first, second = await servers.acquire(gguf("serves")), await servers.acquire(str(other / "serves.gguf"))
    assert first.key != second.key


async def test_the_last_lease_stops_the_child(servers: Servers, witness: Witness, gguf: Gguf) -> None:
    """With two leases the first one given back stops nothing; after the second's `aclose` the process is gone and reaped."""
    first, second = await servers.acquire(gguf("serves")), await servers.acquire(gguf("serves"))
    pid = witness.child().told["pid"]
    await first.aclose()
    os.kill(pid, 0)  # it is there
    await second.aclose()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_giving_back_twice_counts_once(servers: Servers, witness: Witness, gguf: Gguf) -> None:
    """`release` and `aclose` may be called as often as one likes without taking another's share."""
    first, second = await servers.acquire(gguf("serves")), await servers.acquire(gguf("serves"))
    first.release()
    first.release()
    await first.aclose()
    os.kill(witness.child().told["pid"], 0)
    second.release()


async def test_a_lost_lease_is_given_back(servers: Servers, witness: Witness, gguf: Gguf) -> None:
    """Losing the last reference stops the child, with the cyclic collector off."""
    gc.disable()
    try:
        lease = await servers.acquire(gguf("serves"))
        del lease
        assert witness.child().ended()
    finally:
        gc.enable()


async def test_a_lease_that_is_collected_under_the_lock_is_given_back_later(
    servers: Servers, witness: Witness, gguf: Gguf
) -> None:
    """The collector may run anywhere, also in the thread that holds the lock: it does not wait, and nothing is forgotten."""
    lost, kept = await servers.acquire(gguf("serves")), await servers.acquire(gguf("serves"))
    with servers._lock:
        lost.release()
    kept.release()
    assert witness.child().ended()


async def test_what_was_given_back_under_the_lock_is_counted_by_the_next_acquire(
    servers: Servers, witness: Witness, gguf: Gguf, tmp_path: Path
) -> None:
    """Whoever holds the lock does it when done; here that is someone who asks for another model."""
    lost = await servers.acquire(gguf("serves"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "serves.gguf").write_bytes(b"GGUF")
    with servers._lock:
        lost.release()
    kept = await servers.acquire(str(tmp_path / "other" / "serves.gguf"))
    assert witness.child().ended()
    kept.release()


async def test_a_new_server_follows_one_that_was_stopped(servers: Servers, witness: Witness, gguf: Gguf) -> None:
    """The key is a new one, too."""
    first = await servers.acquire(gguf("serves"))
    await first.aclose()
    second = await servers.acquire(gguf("serves"))
    assert second.key != first.key
    assert witness.child().told["pid"] != witness.child().told["pid"]


async def test_a_server_that_died_is_replaced(servers: Servers, witness: Witness, gguf: Gguf) -> None:
    """The lease on the dead one does not stop its successor."""
    first = await servers.acquire(gguf("serves"))
    child = witness.child()
    _kill(servers)
    assert child.ended()
    second = await servers.acquire(gguf("serves"))
    assert second.key != first.key
    await first.aclose()
    os.kill(witness.child().told["pid"], 0)


async def test_a_kept_server_stays_after_its_last_lease(servers: Servers, witness: Witness, gguf: Gguf) -> None:
    """The next one who asks gets it at once, and `stop_all` ends it."""
    first = await servers.acquire(gguf("serves"), keep=True)
    await first.aclose()
    second = await servers.acquire(gguf("serves"))
    assert second.key == first.key
    second.release()
    servers.stop_all()
    assert witness.child().ended()


async def test_a_kept_server_that_died_unused_is_replaced(servers: Servers, witness: Witness, gguf: Gguf) -> None:
    """Nobody holds a lease on it, so its successor reaps it."""
    first = await servers.acquire(gguf("serves"), keep=True)
    await first.aclose()
    died = _kill(servers)
    second = await servers.acquire(gguf("serves"))
    assert second.key != first.key
    await second.aclose()
    assert died not in servers._stopped


async def test_a_cancelled_acquire_leaves_nothing(servers: Servers, witness: Witness, gguf: Gguf) -> None:
    """The child that was being started is killed and reaped, and the thread ends."""
    waiting = asyncio.ensure_future(servers.acquire(gguf("hangs")))
    await asyncio.sleep(0)
    process = next(iter(servers._running.values()))
    child = witness.child()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert child.ended()
    assert process.reap(20)
    assert not process._thread.is_alive()
    assert not servers._running


async def test_an_acquire_cancelled_before_its_process_exists_leaves_nothing(
    servers: Servers, gguf: Gguf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that starts the child sees that nobody wants it any more."""
    begin = threading.Event()
    popen = subprocess.Popen

    def late(*args, **kwargs):
        begin.wait(20)
        return popen(*args, **kwargs)

    monkeypatch.setattr(subprocess, "Popen", late)
    waiting = asyncio.ensure_future(servers.acquire(gguf("hangs")))
    await asyncio.sleep(0)
    process = next(iter(servers._running.values()))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    begin.set()
    assert process.reap(20)
    assert process._popen is not None
    assert process._popen.returncode == -signal.SIGKILL


async def test_one_who_gives_up_does_not_take_the_server_from_the_other(servers: Servers, gguf: Gguf) -> None:
    """Two wait for one start; one of them is cancelled."""
    impatient = asyncio.ensure_future(servers.acquire(gguf("serves")))
    patient = asyncio.ensure_future(servers.acquire(gguf("serves")))
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).base_url
    assert impatient.cancelled()


def test_event_loops_share_a_server(servers: Servers, witness: Witness, gguf: Gguf) -> None:
    """A lease outlives the loop it was taken in, and a later loop gets the same server."""
    first = asyncio.run(servers.acquire(gguf("serves")))
    second = asyncio.run(servers.acquire(gguf("serves")))
    assert first.key == second.key
    first.release()
    second.release()
    assert witness.child().ended()


FAILURES: list[tuple[str, type[BournError], str]] = [
    ("dies", ConnectError, "no memory left"),
    ("is_killed", ConnectError, "it said nothing and ended with SIGKILL"),
    ("says_junk", ConnectError, "died while starting"),
    ("misses_its_package", InputError, "run `python3 -m pip install 'bourn[local]'`"),
    ("cannot_import", ConnectError, "libgomp.so.1: cannot open"),
    ("cannot_load", ModelFileError, "tensor 'x' is not within the file"),
    ("finds_damage", ModelFileError, "is damaged or another model"),
]


@pytest.mark.parametrize(("name", "kind", "words"), FAILURES, ids=[row[0] for row in FAILURES])
async def test_a_failed_start_is_one_typed_sentence(
    servers: Servers, gguf: Gguf, name: str, kind: type[BournError], words: str
) -> None:
    """Everyone who waits gets an error of their own with the cause in it; nothing is left, and the next call starts anew."""
    first, second = await asyncio.gather(servers.acquire(gguf(name)), servers.acquire(gguf(name)), return_exceptions=True)
    assert type(first) is type(second) is kind
    assert first is not second
    assert words in str(first)
    assert "\n" not in str(first)
    assert not servers._running


async def test_a_failed_start_is_not_kept(gguf: Gguf, witness: Witness) -> None:
    """Also where `keep` was asked for, the next call starts anew."""
    servers = Servers(("/nonexistent/python",))
    for _ in range(2):
        with pytest.raises(ConnectError):
            await servers.acquire(gguf("serves"), keep=True)
    servers._program = PROGRAM
    with pytest.raises(ConnectError, match="no memory left"):
        await servers.acquire(gguf("dies"), keep=True)
    assert not servers._running
    await (await servers.acquire(gguf("serves"))).aclose()


async def test_an_error_never_shows_the_key(servers: Servers, witness: Witness, gguf: Gguf) -> None:
    """Even where the child's own last words do."""
    with pytest.raises(ConnectError, match="my key is …") as caught:
        await servers.acquire(gguf("tells_its_key"))
    assert witness.child().told["order"]["key"] not in str(caught.value)


async def test_a_program_that_cannot_be_started_is_a_connect_error(gguf: Gguf) -> None:
    """The operating system's reason is in the sentence."""
    with pytest.raises(ConnectError, match="cannot be started: No such file or directory"):
        await Servers(("/nonexistent/python",)).acquire(gguf("serves"))


async def test_no_file_no_process(servers: Servers, witness: Witness, tmp_path: Path) -> None:
    """A path that leads nowhere is found out before anything is started."""
    with pytest.raises(ModelFileError, match="there is no model file"):
        await servers.acquire(str(tmp_path / "none.gguf"))
    assert not witness.saw_another()


async def test_ctrl_c_in_a_terminal_does_not_reach_the_child(servers: Servers, witness: Witness, gguf: Gguf) -> None:
    """It is in a process group of its own."""
    lease = await servers.acquire(gguf("serves"))
    assert os.getpgid(witness.child().told["pid"]) != os.getpgid(0)
    lease.release()


PARENT = """
import asyncio, os, signal, sys
from bourn.transport.local.server import SERVERS
SERVERS._program = (sys.executable, "-S", sys.argv[1])
lease = asyncio.run(SERVERS.acquire(sys.argv[2], keep=True))
print("ready", flush=True)
"""
ENDINGS = {
    "the interpreter ends": "",
    "the interpreter ends with an error": "raise SystemExit(3)",
    "the parent is killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "the parent leaves without a clean-up": "os._exit(0)",
    "the parent is killed and its fork lives on": "os.fork() and os.kill(os.getpid(), signal.SIGKILL) or os.read(0, 1)",
    "a fork of the parent ends before the parent": "os.fork() and os.wait(); os._exit(0)",
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_the_child_never_outlives_its_parent(witness: Witness, gguf: Gguf, ending: str) -> None:
    """However the parent ends, and although it kept the server and never gave its lease back."""
    command = [sys.executable, "-W", "ignore", "-c", PARENT + ending, PROGRAM[-1], gguf("serves")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:  # noqa: S603 - our own program
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        parent.wait(20)
        assert witness.child().ended()


def test_an_interpreter_that_ends_kills_a_child_that_does_not_listen(witness: Witness, gguf: Gguf) -> None:
    """It leaves nothing to the child's good will, and with all warnings shown it has nothing to say."""
    command = [sys.executable, "-X", "dev", "-c", PARENT, PROGRAM[-1], gguf("does_not_listen")]
    ended = subprocess.run(command, capture_output=True, timeout=20, check=True)  # noqa: S603 - our own program
    assert (ended.stdout, ended.stderr) == (b"ready\n", b"")
    assert witness.child().ended()


FORK = """
if os.fork() == 0:
    lease.release()
    assert asyncio.run(SERVERS.acquire(sys.argv[2])).key != lease.key
    os._exit(0)
_, status = os.wait()
assert status == 0
assert asyncio.run(SERVERS.acquire(sys.argv[2])).key == lease.key
"""


def test_a_fork_does_not_touch_its_parents_server(witness: Witness, gguf: Gguf) -> None:
    """What it gives back was never its own, what it acquires is a server of its own, and the parent's still runs."""
    command = [sys.executable, "-W", "ignore", "-c", PARENT + FORK, PROGRAM[-1], gguf("serves")]
    subprocess.run(command, stdout=subprocess.DEVNULL, timeout=20, check=True)  # noqa: S603 - our own program
    assert witness.child().ended()
    assert witness.child().ended()
    assert not witness.saw_another()
