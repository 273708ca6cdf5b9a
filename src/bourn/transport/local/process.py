"""One child process that serves one model file, from its start to its end.

House rule: nothing here blocks an event loop. The thread that starts a child ends as soon as the child has answered. The key is
told through the child's standard input, never in its arguments or environment, and is in no error and no ``repr``.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import msgspec

from bourn.errors import BournError, ConnectError, InputError, ModelFileError
from bourn.transport.local.last_words import last_words

PROGRAM = (sys.executable or "python3", "-P", str(Path(__file__).with_name("child.py")))
"""How a child is started: as a script, so that it loads nothing of bourn."""

# A terminal's Ctrl-C reaches the parent only: stopping one answer must not stop the model.
if sys.platform == "win32":
    _GROUP, _FLAGS = None, subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
else:
    _GROUP, _FLAGS = 0, 0


class Order(msgspec.Struct, frozen=True):
    """What the child is told; ``child.py`` says what each word means."""

    model: str
    name: str
    sha256: str | None
    key: str
    path: list[str]

    def __repr__(self) -> str:
        return f"<Order to serve {self.model}>"


class _Answer(msgspec.Struct, frozen=True):
    """What the child says: where it serves, or why it does not."""

    base_url: str = ""
    kind: str = ""
    error: str = ""


FAILURES: dict[str, tuple[type[BournError], str]] = {
    "": (ConnectError, "the process of the local model {name} died while starting: {words}"),
    "missing": (InputError, "local models need the package xllamacpp: run `python3 -m pip install 'bourn[local]'`"),
    "import": (ConnectError, "the package xllamacpp does not load on this machine: {error}"),
    "load": (ModelFileError, "llama.cpp cannot load {model}: {words}"),
    "damaged": (ModelFileError, "{model} is damaged or another model: run `bourn model get {name}` to fetch it again"),
}
"""The child's word for what went wrong (none: it said nothing), to the error and its sentence."""


class Process:
    """A child process; :meth:`launch` it, wait for ``started``, :meth:`stop` it, and :meth:`reap` it."""

    def __init__(self, program: Sequence[str], order: Order) -> None:
        self.order = order
        self.users = 0
        self.keep = False
        self.ended = False
        """Whether it was stopped, or never got going."""
        self.started: Future[str] = Future()
        """Its base URL, or the error."""
        self.started.set_running_or_notify_cancel()  # many may wait for it, and none of them may cancel it
        self._program = program
        self._popen: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._start, name="bourn-local-start", daemon=True)

    def launch(self) -> None:
        """Begin to start the process, beside the caller."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the process is being started or runs."""
        return not self.ended and (self._popen is None or self._popen.poll() is None)

    def stop(self) -> None:
        """Kill the process: it has no state that would be worth a farewell. Returns at once; :meth:`reap` it later."""
        self.ended = True
        if self._popen is not None:
            self._popen.kill()

    def reap(self, timeout: float | None = None) -> bool:
        """Wait until a stopped process is gone and close its pipe; false if that takes longer than ``timeout`` seconds."""
        self._thread.join(timeout)
        if self._thread.is_alive():
            return False
        if self._popen is not None:
            try:
                self._popen.wait(timeout)
            except subprocess.TimeoutExpired:
                return False
            _stdin(self._popen).close()
        return True

    def forget(self) -> None:
        """Let go of a process that is the parent's, after a fork: close the copy of the pipe that tells it that we live."""
        if self._popen is not None:
            _stdin(self._popen).close()
            self._popen.returncode = 0

    def _start(self) -> None:
        """The thread: it lives until the child has answered (``child.py`` relies on that), and reaps a child that failed."""
        try:
            with TemporaryFile() as stderr:
                self.started.set_result(self._base_url(stderr))
        except OSError as error:
            self._fail(ConnectError(f"the local model's process cannot be started: {error.strerror or error}"))
        except BaseException as error:  # noqa: BLE001 - it is handed to those who wait
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self.ended = True
        self.started.set_exception(error)

    def _base_url(self, stderr: IO[bytes]) -> str:
        popen = self._popen = subprocess.Popen(  # noqa: S603 - our own program
            self._program,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            process_group=_GROUP,
            creationflags=_FLAGS,
        )
        if self.ended:  # stop() came when there was nothing to kill yet
            popen.kill()
        answer = self._ask(popen)
        if answer.base_url:
            return answer.base_url
        popen.kill()
        popen.wait()
        _stdin(popen).close()
        raise self._failure(answer, last_words(stderr, popen.returncode))

    def _ask(self, popen: subprocess.Popen[bytes]) -> _Answer:
        """Give the order and wait for the answer; an empty one if the child dies or says anything else."""
        assert popen.stdout is not None
        with popen.stdout as stdout:
            try:
                _stdin(popen).write(msgspec.json.encode(self.order) + b"\n")
                return msgspec.json.decode(stdout.readline(), type=_Answer)
            except (OSError, msgspec.MsgspecError):
                return _Answer()

    def _failure(self, answer: _Answer, words: str) -> BournError:
        error, sentence = FAILURES.get(answer.kind, FAILURES[""])
        order = self.order
        message = sentence.format(name=order.name, model=order.model, error=answer.error, words=words)
        return error(message.replace(order.key, "…"))


def _stdin(popen: subprocess.Popen[bytes]) -> IO[bytes]:
    """The parent's end of the pipe that keeps the child alive."""
    assert popen.stdin is not None
    return popen.stdin
