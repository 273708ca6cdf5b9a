"""A check in a child process, with a deadline that needs nobody's help: whatever the subject does, its verdict comes.

The child is forked, so that subjects may be any objects; it writes its result into a pipe, twice: what it found, and again when
its event loop is closed. A watchdog inside it (C code, so that no Python can hold it up) writes down where every thread stands
and ends it when its time is over. It leads a process group of its own, and what it started goes with it. What it may take of
memory and of disk is limited where the system can do that (Linux).

House rule: the parent waits for pipes only, never for a timer, so it may itself run in virtual time. Where there is no ``fork``
(Windows) checks run in this process, and only what the event loop can interrupt is interrupted.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import os
import signal
import struct
import sys
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path
from typing import IO, NoReturn

import msgspec

from bourn.contract.performing import Tell, perform
from bourn.contract.registry import Check
from bourn.contract.subject import Subject
from bourn.contract.verdict import CheckResult

POSSIBLE = hasattr(os, "fork")
"""Whether children can be forked here."""

_HEAD = struct.Struct("!Q")
_OUTPUT_LIMIT = 16 * 1024
_LOST_STATUS = 113
"""With this status a child ends that cannot even say what it found."""

MEMORY = 2 * 1024**3
"""Bytes of memory that a check may take, beyond what this process has."""

OUTPUT = 256 * 1024**2
"""Bytes that a check may write to one file; its output is one."""


class _Child:
    """A running child: its process id, the pipe it writes to, and the files that take its output and its last words."""

    def __init__(self, pid: int, pipe: int, output: IO[bytes], stuck: IO[bytes]) -> None:
        self.pid, self.pipe, self.output, self.stuck = pid, pipe, output, stuck
        self.data = bytearray()
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def ended(self) -> None:
        """Return when the child is gone and everything that it wrote was read."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self.pipe, self._read)
        handle = os.pidfd_open(self.pid) if hasattr(os, "pidfd_open") else None  # a grandchild may hold the pipe open
        if handle is not None:
            loop.add_reader(handle, self._end)
        try:
            await self._ended
        finally:
            loop.remove_reader(self.pipe)
            if handle is not None:
                loop.remove_reader(handle)
                os.close(handle)

    def _read(self) -> bool:
        """The pipe has bytes, or is at its end; whether there may be more now."""
        try:
            data = os.read(self.pipe, 1 << 20)
        except BlockingIOError:
            return False
        self.data += data
        if not data and not self._ended.done():
            self._ended.set_result(None)
        return bool(data)

    def _end(self) -> None:
        """The child is gone: what is in the pipe is all there is."""
        while self._read():
            pass
        if not self._ended.done():
            self._ended.set_result(None)


async def perform_apart(check: Check, subject: Subject, seed: int, deadline: float | None = None) -> CheckResult:
    """Run a check in a child of its own and give its result. Never raises for anything that the subject does.

    ``deadline`` is in seconds; by default the check's own, longer on a machine that is busy.
    """
    if not POSSIBLE:
        return perform(check, subject, seed)
    seconds = check.deadline * _busyness() if deadline is None else deadline
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as stuck:
        child = _fork(check, subject, seed, seconds, output, stuck)
        try:
            await child.ended()
        finally:
            os.close(child.pipe)
            status = _reap(child.pid)
        return _result(child, check, status, seconds)


def _busyness() -> float:
    """How many ready processes there are for a processor, from 1 to 4: a slow machine is no stream's fault."""
    ready = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return min(4.0, max(1.0, ready / (os.cpu_count() or 1)))


def _fork(check: Check, subject: Subject, seed: int, seconds: float, output: IO[bytes], stuck: IO[bytes]) -> _Child:
    receive, send = os.pipe()
    os.set_blocking(receive, False)
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns when there are threads; the child uses none of them
        pid = os.fork()
    if pid == 0:
        os.close(receive)
        _live(check, subject, seed, seconds, send, output, stuck)
    os.close(send)
    return _Child(pid, receive, output, stuck)


def _live(
    check: Check, subject: Subject, seed: int, seconds: float, send: int, output: IO[bytes], stuck: IO[bytes]
) -> NoReturn:
    """The child's whole life."""
    status = _LOST_STATUS
    try:
        os.setpgid(0, 0)
        _limit()
        faulthandler.dump_traceback_later(seconds, exit=True, file=stuck)
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, seconds + 2)  # should the watchdog have been called off
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is asked to stop, and ends its children
        gc.freeze()  # the parent's garbage is not the subject's
        _redirect(output)
        born = os.getpid()

        def tell(found: CheckResult) -> None:
            if os.getpid() == born:  # a fork of the subject's may come back through here
                _write(send, found)

        tell(_performed(check, subject, seed, tell))
        status = 0
    finally:
        sys.stdout.flush()
        os._exit(status)


def _performed(check: Check, subject: Subject, seed: int, tell: Tell) -> CheckResult:
    try:
        return perform(check, subject, seed, tell)
    except BaseException as error:  # noqa: BLE001 -- nobody else is here to raise it
        said = f"the stream ended the event loop with {type(error).__name__}"
        return CheckResult(check.name, check.aspect, check.level, "FAIL", said)


def _limit() -> None:
    """Memory and files without end end here, and if memory becomes scarce all the same, it is this process that goes."""
    try:
        import resource

        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
        told = Path("/proc/self/status").read_text("ascii", "replace").partition("VmData:")[2].split()
        for kind, most in ((resource.RLIMIT_DATA, int(told[0]) * 1024 + MEMORY), (resource.RLIMIT_FSIZE, OUTPUT)):
            _, hard = resource.getrlimit(kind)
            resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    except (ImportError, OSError, LookupError, ValueError):
        return  # not Linux


def _redirect(output: IO[bytes]) -> None:
    """Nothing to read, and everything that is written goes to a file, whatever wrote it."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    sys.stdout = sys.stderr = os.fdopen(1, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)


def _write(pipe: int, result: CheckResult) -> None:
    data = msgspec.json.encode(result, enc_hook=repr)
    view = memoryview(_HEAD.pack(len(data)) + data)
    while view:
        view = view[os.write(pipe, view) :]


def _reap(pid: int) -> int:
    """The child's exit status as ``waitpid`` gives it; a child that nobody waits for any more is ended, and so is its group."""
    if sys.exc_info()[0] is not None:
        os.kill(pid, signal.SIGKILL)
    if hasattr(os, "waitid"):
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def _result(child: _Child, check: Check, status: int, seconds: float) -> CheckResult:
    told = _messages(bytes(child.data))
    result = told[-1] if told else CheckResult(check.name, check.aspect, check.level, "FAIL")
    if len(told) < 2:
        _blame(result, child, status, seconds, closing=bool(told))
    child.output.seek(0)
    result.evidence.output = child.output.read(_OUTPUT_LIMIT).decode("utf-8", "replace")
    return result


def _messages(data: bytes) -> list[CheckResult]:
    out = []
    while len(data) >= _HEAD.size:
        (size,) = _HEAD.unpack_from(data)
        if len(data) < _HEAD.size + size:
            break
        try:
            out.append(msgspec.json.decode(data[_HEAD.size : _HEAD.size + size], type=CheckResult))
        except msgspec.DecodeError:
            break  # the subject wrote into the kit's pipe
        data = data[_HEAD.size + size :]
    return out


def _blame(result: CheckResult, child: _Child, status: int, seconds: float, *, closing: bool) -> None:
    """The child did not get to its end: say where it stuck, or what it died of. A failure it had found already stays."""
    child.stuck.seek(0)
    trace = child.stuck.read(_OUTPUT_LIMIT).decode("utf-8", "replace")
    result.evidence.traceback = result.evidence.traceback or trace
    if result.verdict in {"FAIL", "ERROR"} and result.message:
        return
    when = "while its event loop was being closed" if closing else "and never came back"
    if trace or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM):
        result.message = f"it blocked the event loop {when}: after {seconds:g} s it stood at {_stood(trace)}"
    elif os.WIFEXITED(status) and os.WEXITSTATUS(status) == _LOST_STATUS:
        result.message = "it broke the process that it ran in: not even a verdict could be written"
    elif os.WIFSIGNALED(status):
        result.message = f"it killed the process with {signal.Signals(os.WTERMSIG(status)).name}"
    else:
        result.message = f"it ended the process with exit status {os.WEXITSTATUS(status)}"
    result.verdict = "FAIL"


def _stood(trace: str) -> str:
    """The innermost line of the main thread in faulthandler's words, which puts it last of the threads."""
    *_, main = trace.split("hread 0x")
    return next((line.strip() for line in main.splitlines() if line.strip().startswith("File ")), "an unknown place")
