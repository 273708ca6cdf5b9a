"""The output of a batch, which is its journal as well: one JSON object a line, and what is in it is done.

A row is written whole, with one call, at the end of the file; so after a crash at most the last line is torn, and whoever goes
on cuts it off and asks that row again. One run at a time holds the file's lock. Rows are handed to the disk every second and at
the end: a crash of the process loses none that was written, one of the machine those of the last second, which are asked again.

House rule: a file that we did not write is never written to.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from bourn.errors import InputError

if sys.platform != "win32":
    import fcntl


class _Seen(msgspec.Struct):
    """What of a row is looked at when it is read again."""

    index: int
    input: str
    error: Any = None


_FIRST = b'{"index":'
"""What every row begins with."""

_SEEN = msgspec.json.Decoder(_Seen)


class Done:
    """Which rows are done: a bit for each, and a sum that tells whether they answer the same questions."""

    def __init__(self) -> None:
        self._bits = bytearray()
        self._sum = 0
        self.count = 0
        self.errors = 0
        self.last = -1
        self.in_order = True

    def __contains__(self, index: int) -> bool:
        byte, bit = divmod(index, 8)
        return byte < len(self._bits) and bool(self._bits[byte] >> bit & 1)

    def add(self, index: int, digest: str, *, error: bool = False) -> None:
        """A row is done."""
        byte, bit = divmod(index, 8)
        if byte >= len(self._bits):
            self._bits.extend(bytes(byte + 1 - len(self._bits)))
        self._bits[byte] |= 1 << bit
        self._sum ^= _mark(index, digest)
        self.in_order = self.in_order and index == self.count
        self.count += 1
        self.errors += error
        self.last = max(self.last, index)

    def answers(self, digests: Iterable[str]) -> bool:
        """Whether what is done answers the rows that have these digests, in their order."""
        found = count = 0
        for index, digest in enumerate(digests):
            if index in self:
                found ^= _mark(index, digest)
                count += 1
        return (found, count) == (self._sum, self.count)


def _mark(index: int, digest: str) -> int:
    return hash((index, int(digest, 16)))


class Journal:
    """The rows of ``path``: :attr:`done` says which are there, :meth:`add` writes one more. Use it under ``with``.

    With ``without_errors`` rows that are errors are taken out first, so that they are asked again. Raises ``InputError`` for a
    file that is another's, or that another run is writing; ``OSError`` where it cannot be written.
    """

    def __init__(self, path: Path, *, without_errors: bool = False) -> None:
        self._path = path
        self._fd = _opened(path)
        try:
            self.done = self._scan()
            if without_errors and self.done.errors:
                self._rewrite()
                self.done = self._scan()
        except BaseException:
            os.close(self._fd)
            raise

    def add(self, index: int, digest: str, row: dict[str, Any]) -> None:
        """Write a row; it is done. Raises ``OSError`` where it cannot be written, on a full disk say."""
        data = msgspec.json.encode({"index": index, "input": digest, **row}) + b"\n"
        try:
            while data:  # a signal, or a full disk, may cut a write short
                data = data[os.write(self._fd, data) :]
        except OSError as error:
            error.filename = str(self._path)
            raise
        self.done.add(index, digest, error=row.get("error") is not None)

    def sync(self) -> None:
        """Hand what was written to the disk, and wait for it."""
        with suppress(OSError):  # a pipe or a device has nothing to hand on
            os.fsync(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.sync()
        os.close(self._fd)

    def _scan(self) -> Done:
        done = Done()
        end = 0
        for number, line in enumerate(self._lines(), 1):
            if not line.endswith(b"\n"):
                self._cut(number, line, end)
                break
            end += len(line)
            seen = self._seen(number, line)
            if seen.index in done:
                raise InputError(f"{self._path}, line {number}: row {seen.index} is there twice; take one of them out")
            done.add(seen.index, seen.input, error=seen.error is not None)
        return done

    def _cut(self, number: int, line: bytes, end: int) -> None:
        """Take away a last line that is torn; one that is not the beginning of a row of ours is somebody else's."""
        if not _FIRST.startswith(line[: len(_FIRST)]) and line.strip(b"\0"):
            self._seen(number, b"")
        os.ftruncate(self._fd, end)

    def _seen(self, number: int, line: bytes) -> _Seen:
        try:
            seen = _SEEN.decode(line)
            if seen.index < 0 or int(seen.input, 16) < 0:
                raise ValueError
        except (msgspec.DecodeError, ValueError, RecursionError):
            raise InputError(
                f"{self._path}, line {number}: is no row that bourn batch wrote, so nothing is added to this file; "
                "name another output"
            ) from None
        return seen

    def _lines(self) -> Iterator[bytes]:
        with os.fdopen(os.dup(self._fd), "rb") as file:
            if not stat.S_ISREG(os.fstat(self._fd).st_mode):
                return  # a device has nothing to read again
            file.seek(0)
            yield from file

    def _rewrite(self) -> None:
        """The same file without rows that are errors; it takes the old one's place at once, whole."""
        target = self._path.resolve()
        beside = target.with_name(f"{target.name}.part")
        fd = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, os.fstat(self._fd).st_mode & 0o777)
        try:
            _lock(fd, self._path)
            with os.fdopen(os.dup(fd), "wb") as file:
                file.writelines(line for line in self._lines() if _SEEN.decode(line).error is None)
            os.fsync(fd)
            beside.replace(target)
        except BaseException:
            os.close(fd)
            raise
        os.close(self._fd)
        self._fd = fd


def _opened(path: Path) -> int:
    """The file, locked. Raises ``InputError`` where another run has it."""
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            _lock(fd, path)
            there = path.stat()
        except BaseException:
            os.close(fd)
            raise
        if os.path.samestat(os.fstat(fd), there):
            return fd
        os.close(fd)  # a run that ended just now has put another file in its place


def _lock(fd: int, path: Path) -> None:
    if sys.platform == "win32":
        return  # nothing keeps two runs from one file there
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(f"{path} is being written by another run of bourn batch") from None
