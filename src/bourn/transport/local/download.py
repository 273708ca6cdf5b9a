"""One address to one file: resumed where it stopped, held to its size and hash, and there only when it is whole.

House rule: the bytes lie in ``NAME.part`` until all of them are proven. Two processes must not write one file at once: hold a
:func:`lock`. An ``OSError`` that leaves this module is about the disk; what the network does is a ``BournError``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from bourn.errors import ConnectionLostError, ModelFileError
from bourn.transport.local import models
from bourn.transport.local.web import Web, blocks

Progress = Callable[[int, int], None]
"""Is told how many bytes are here and how many there will be, first when the download begins."""

_PARTIAL_CONTENT = 206


def part_of(target: Path) -> Path:
    """Where a file lies until it is whole."""
    return target.with_name(target.name + ".part")


def download(web: Web, url: str, target: Path, *, size: int, sha256: str, progress: Progress) -> None:
    """Bring the file of an address to ``target``, going on with what an interrupted download left in ``NAME.part``.

    Raises ``ConnectError`` or a ``StatusError`` where nothing comes, ``ConnectionLostError`` where it breaks off (call again to
    resume), ``ModelFileError`` where other bytes come than the pinned ones (they are removed), ``OSError`` for the disk.
    """
    part = part_of(target)
    with part.open("ab") as file:
        _complete(web, url, file, size, progress)
    try:
        models.verify(part, sha256)
    except ModelFileError as error:
        part.unlink()
        raise ModelFileError(f"{_shown(url)} is not the pinned file: what came has another SHA-256 and was removed") from error
    part.replace(target)


def _complete(web: Web, url: str, file: IO[bytes], size: int, progress: Progress) -> None:
    """Append what is missing of the file."""
    done = file.tell()
    if done > size:
        done = file.truncate(0)
    progress(done, size)
    if done == size:
        return
    with web.open(url, {"Range": f"bytes={done}-"} if done else None) as response:
        if done and not _resumes(response, done):
            done = file.truncate(0)
        for block in blocks(response):
            done += len(block)
            if done > size:
                file.truncate(0)
                raise ModelFileError(f"{_shown(url)} is not the pinned file: it has more than {size:,} bytes")
            file.write(block)
            progress(done, size)
    if done < size:
        raise ConnectionLostError(f"{_shown(url)} broke off at {done:,} of {size:,} bytes; run the command again to resume")


def _resumes(response: Any, done: int) -> bool:
    """Whether the server sends the rest and not everything anew (RFC 9110, section 14.4)."""
    content_range = str(response.headers.get("Content-Range", ""))
    return bool(response.status == _PARTIAL_CONTENT) and content_range.startswith(f"bytes {done}-")


def _shown(url: str) -> str:
    """An address without what may be secret in it."""
    return url.rpartition("@")[2].partition("?")[0]


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold the lock file ``path``, waiting while another process holds it; it is left behind, empty."""
    with path.open("ab") as file:
        _lock(file)
        yield


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        while True:
            try:
                msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
            except OSError:  # it gives up after ten seconds
                continue
            return

else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)
