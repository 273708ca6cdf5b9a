"""Brings a local model's file to this machine, saying what, how big, from where and under which licence.

House rule: nothing is downloaded unannounced, and nothing at all with ``--offline``.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from bourn.cli.progress import Progress, megabytes
from bourn.cli.terminal import Console
from bourn.errors import InputError
from bourn.transport.local import fetch, models

ENGINE = "xllamacpp"
"""The package that runs local models."""


def bring(name: str, console: Console, *, offline: bool) -> None:
    """See that local model ``name`` can run, fetching its file if need be; a path is left to the library to judge.

    Raises ``InputError`` (unknown name, no engine) and what :func:`get` raises.
    """
    if find_spec(ENGINE) is None:
        raise InputError(f"a local model needs the package {ENGINE}: run `python3 -m pip install 'bourn[local]'`")
    if not models.is_path(name) and not fetch.plan(name).present:
        get(name, console, offline=offline)


def get(name: str, console: Console, *, offline: bool = False) -> Path:
    """Fetch catalogue model ``name``; gives its path.

    Raises ``ModelFileError`` and errors of the network; call it again to resume.
    """
    if offline:
        return fetch.fetch(name, offline=True)
    _announce(fetch.plan(name), console)
    bar = Progress(f"  {name}", console.stderr, drawn=console.err_is_terminal)
    try:
        path = fetch.fetch(name, progress=None if console.quiet else bar)
    except KeyboardInterrupt:
        bar.end()
        console.complain("bourn: the download was stopped; the same command goes on where it stopped")
        raise
    finally:
        bar.end()
    console.note(f"  {name} is here and checked: {path}")
    return path


def _announce(plan: fetch.Plan, console: Console) -> None:
    """Say what will be downloaded. Also when quiet: it is the user's disk and line."""
    model = plan.model
    lines = [
        f"bourn: fetching local model {model.name}, once",
        f"  what  {model.title}, {megabytes(model.size)}, licence {model.licence}",
        *(
            f"  {word}  {source.name}, {megabytes(source.size)}, {source.address}"
            for word, source in zip(("from", *["else"] * len(plan.sources)), plan.sources, strict=False)
        ),
        f"  to    {plan.path}",
    ]
    console.complain("\n".join(lines))
