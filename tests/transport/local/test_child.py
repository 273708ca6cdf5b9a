"""The real child program, with a fake `xllamacpp` where the real one would load a model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bourn.errors import ConnectError, InputError, ModelFileError
from bourn.transport.local.process import PROGRAM
from bourn.transport.local.server import Servers
from tests.transport.local.witness import Witness

Gguf = Callable[[str], str]

XLLAMACPP = """
import ctypes, json, os, socket, sys, threading
from types import SimpleNamespace

witness = socket.create_connection(("127.0.0.1", int(os.environ["BOURN_TEST_WITNESS"])))

def echo():
    while asked := witness.recv(1):
        witness.sendall(asked)

threading.Thread(target=echo, daemon=True).start()
ggml_backend_dev_type = SimpleNamespace(GGML_BACKEND_DEVICE_TYPE_CPU="cpu")

def get_device_info():
    return [{"type": "cpu"}]

class CommonParams(SimpleNamespace):
    def __init__(self):
        super().__init__(model=SimpleNamespace(path=""), cpuparams=SimpleNamespace(n_threads=-1))
        self.cpuparams_batch = SimpleNamespace(n_threads=-1)

class Server:
    listening_address = "http://127.0.0.1:1"

    def __init__(self, params):
        told = {k: v for k, v in vars(params).items() if not isinstance(v, SimpleNamespace)}
        told |= {"model": params.model.path, "threads": [params.cpuparams.n_threads, params.cpuparams_batch.n_threads]}
        told |= {"model_alias": list(params.model_alias), "omp": os.environ["OMP_WAIT_POLICY"]}
        witness.sendall(json.dumps(told).encode() + b"\\n")
        os.write(1, b"native code prints where it likes\\n")
        if "hangs" in params.model.path:
            ctypes.PyDLL(None).sleep(1000)  # in native code, and the interpreter is locked, as while llama.cpp loads
        if "fails" in params.model.path:
            os.write(2, b"0.00.003.5 E gguf_init: key 'x' has an invalid type\\n")
            raise RuntimeError("always the same words")
"""


@pytest.fixture
def import_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The first directory that parent and child import from; it holds the fake `xllamacpp`."""
    directory = tmp_path / "site"
    directory.mkdir()
    (directory / "xllamacpp.py").write_text(XLLAMACPP)
    monkeypatch.syspath_prepend(str(directory))
    return directory


@pytest.fixture
def servers(witness: Witness, import_path: Path) -> Iterator[Servers]:
    """Servers of real children; none is left after the test."""
    servers = Servers()
    yield servers
    servers.stop_all()


async def test_the_server_is_set_up_as_promised(servers: Servers, witness: Witness, gguf: Gguf) -> None:
    """Loopback, a port that the kernel picks, the key, the model's name, and a memory that does not grow."""
    lease = await servers.acquire(gguf("model"))
    told = witness.child().told
    assert (told["hostnames"], told["port"], told["api_keys"]) == (["127.0.0.1"], 0, [lease.key])
    assert (told["model"], told["model_alias"]) == (gguf("model"), ["model"])
    assert (told["ui"], told["cache_ram_mib"], told["kv_unified"], told["fit_params"]) == (False, 0, False, False)
    assert told["threads"] == [1, min(4, os.cpu_count() or 1)]
    assert told["omp"] == "passive"
    assert lease.base_url == "http://127.0.0.1:1"


def _wait_for_the_end(thread: threading.Thread) -> None:
    """A thread that was joined ends in the kernel a moment later."""
    thread.join()
    while Path(f"/proc/self/task/{thread.native_id}").exists():
        pass


async def test_a_child_lives_until_its_lease_is_given_back(servers: Servers, witness: Witness, gguf: Gguf) -> None:
    """The thread that started it ends long before, which Linux must not take for the death of the parent."""
    lease = await servers.acquire(gguf("model"))
    (process,) = servers._running.values()
    _wait_for_the_end(process._thread)
    child = witness.child()
    assert child.answers()
    lease.release()
    assert child.ended()


async def test_a_file_that_llama_cpp_refuses_is_a_model_file_error(servers: Servers, gguf: Gguf) -> None:
    """The reason is the one in its log, since the exception's words are always the same."""
    with pytest.raises(ModelFileError, match=r"llama.cpp cannot load .*fails.gguf: key 'x' has an invalid type$"):
        await servers.acquire(gguf("fails"))


async def test_without_xllamacpp_the_error_says_what_to_install(servers: Servers, import_path: Path, gguf: Gguf) -> None:
    """It is the caller's to mend: an `InputError`."""
    (import_path / "xllamacpp.py").write_text("raise ModuleNotFoundError(\"No module named 'xllamacpp'\")")
    with pytest.raises(InputError, match=r"pip install 'bourn\[local\]'"):
        await servers.acquire(gguf("model"))


async def test_an_xllamacpp_that_does_not_load_says_why(servers: Servers, import_path: Path, gguf: Gguf) -> None:
    """A missing shared library, for one."""
    (import_path / "xllamacpp.py").write_text("raise ImportError('libgomp.so.1: cannot open shared object file')")
    with pytest.raises(ConnectError, match=r"does not load on this machine: libgomp.so.1"):
        await servers.acquire(gguf("model"))


async def test_a_crash_while_loading_does_not_take_the_parent(servers: Servers, import_path: Path, gguf: Gguf) -> None:
    """A child that is killed by a signal is an error that names the signal."""
    (import_path / "xllamacpp.py").write_text("import os; os.kill(os.getpid(), 9)")
    with pytest.raises(ConnectError, match="ended with SIGKILL"):
        await servers.acquire(gguf("model"))


@contextmanager
def _started(order: dict[str, Any]) -> Iterator[subprocess.Popen[bytes]]:
    """The child program, given an order by hand."""
    with subprocess.Popen(PROGRAM, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:  # noqa: S603 - our own
        assert child.stdin is not None
        child.stdin.write(json.dumps(order).encode() + b"\n")
        yield child
        child.kill()


def _order(model: str, import_path: Path, sha256: str | None = None) -> dict[str, Any]:
    return {"model": model, "name": "m", "sha256": sha256, "key": "k", "path": [str(import_path), *sys.path]}


@pytest.mark.parametrize(("content", "kind"), [(b"GGUF, more or less", None), (b"GGUF, another one", "damaged")])
def test_a_pinned_file_is_read_and_compared_before_it_is_loaded(
    witness: Witness, import_path: Path, gguf: Gguf, content: bytes, kind: str | None
) -> None:
    """The right bytes are served, others are refused."""
    with _started(_order(gguf("model"), import_path, sha256(content).hexdigest())) as child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline()).get("kind") == kind


def test_the_child_ends_when_its_standard_input_does(witness: Witness, import_path: Path, gguf: Gguf) -> None:
    """That is what a parent's death looks like on every system; and it does so in good order."""
    with _started(_order(gguf("model"), import_path)) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert b"base_url" in child.stdout.readline()
        child.stdin.close()
        assert child.wait(20) == 0


def test_a_child_without_an_order_ends(import_path: Path) -> None:
    """A parent that died at once leaves nothing."""
    assert subprocess.run(PROGRAM, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=20, check=False).returncode == 0  # noqa: S603 - our own program


def test_an_interrupt_leaves_the_child_alone(witness: Witness, import_path: Path, gguf: Gguf) -> None:
    """Should a terminal's Ctrl-C reach it all the same, it goes on."""
    with _started(_order(gguf("model"), import_path)) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdout.readline()
        child.send_signal(signal.SIGINT)
        child.stdin.close()
        assert child.wait(20) == 0


PARENT = """
import asyncio, sys
from bourn.transport.local.server import acquire
sys.path.insert(0, sys.argv[1])
asyncio.run(acquire(sys.argv[2]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can end a child that does not look at its standard input")
def test_a_parent_that_is_killed_while_its_child_loads_does_not_leave_it(
    witness: Witness, import_path: Path, gguf: Gguf
) -> None:
    """Then native code has the interpreter locked, and nothing in the child can see that standard input ended."""
    with subprocess.Popen([sys.executable, "-c", PARENT, str(import_path), gguf("hangs")]) as parent:  # noqa: S603 - our own program
        child = witness.child()
        os.kill(parent.pid, signal.SIGKILL)
        assert child.ended()
