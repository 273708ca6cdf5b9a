"""``bourn record``: a proxy on this machine that saves what passes between a client and a service.

House rule: keys stay out of the folder; those of the environment are looked for in everything that is written.
"""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from bourn import dialects
from bourn.cli import loops
from bourn.cli.arguments import Parser, integer
from bourn.cli.serving import Log, addresses, serve
from bourn.cli.terminal import Console
from bourn.errors import InputError, MissingKeyError
from bourn.mock import MockServer
from bourn.mock.recorder import Recorder
from bourn.mock.variables import base_urls
from bourn.providers import PROVIDERS

EPILOG = """Point a client at the address that is shown; its requests go to the upstream, the answers come back byte for byte as
they come, and each is saved in a folder of its own:

  request.json   what was asked
  response.json  status, headers, every read with its time, and how it ended
  body.bin       the bytes of the answer

  bourn record --upstream https://api.openai.com --out recordings
  bourn mock serve --replay recordings

Authorization, keys and cookies are left out, and the keys that a request carries or that the environment holds are starred out
wherever they occur; --secret-env adds others. Prompts and answers are kept: read a recording before you publish it."""


def configure(parser: Parser) -> None:
    """The arguments of ``bourn record``."""
    parser.add_argument("--upstream", metavar="URL", required=True, help="the service to record")
    parser.add_argument("--out", metavar="FOLDER", default="recordings", help="where to save (recordings)")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    parser.add_argument("--port", metavar="N", type=integer, default=0, help="the port to listen on (a free one)")
    parser.add_argument("--dialect", metavar="NAME", help="show the base URL of this dialect only")
    parser.add_argument(
        "--secret-env",
        metavar="VARIABLE",
        action="append",
        default=[],
        help="a variable whose value is secret; may be repeated",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="show the base URLs and nothing else")


def run(arguments: Namespace) -> int:
    """Record until Ctrl-C."""
    console = Console(os.environ, quiet=arguments.quiet)
    names = (arguments.dialect,) if arguments.dialect else spoken(arguments.upstream)
    for name in names:
        dialects.get(name)
    folder = Path(arguments.out)
    recorder = Recorder(
        arguments.upstream,
        folder,
        secrets=secrets(console.environ, arguments.secret_env),
        saved=lambda saved: console.note(f"bourn: saved {saved}"),
    )
    make(folder)
    log = Log(console)
    server = MockServer(recorder, host=arguments.host, port=arguments.port, observe=log.told)
    with loops.runner() as runner:
        return runner.run(serve(server, console, log, lambda url: shown(url, arguments.upstream, names)))


def shown(url: str, upstream: str, names: tuple[str, ...]) -> str:
    """Lines to paste. What an upstream's own path stands for (``/v1``) is not asked of the client once more."""
    if urlsplit(upstream).path.strip("/"):
        return "".join(f"{variable}={url}\n" for variable in base_urls("", names))
    return addresses(url, names)


def spoken(upstream: str) -> tuple[str, ...]:
    """The dialects that the service at ``upstream`` speaks, where the table of services knows it; else all."""
    host = urlsplit(upstream).netloc
    known = {row.dialect for row in PROVIDERS.values() if row.base_url and urlsplit(row.base_url).netloc == host}
    return tuple(name for name in dialects.DIALECTS if name in known) or tuple(dialects.DIALECTS)


def make(folder: Path) -> None:
    """Make the folder if need be. Raises ``InputError`` where nothing can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write recordings to {folder}: {error.strerror}") from None


def secrets(environ: Mapping[str, str], others: list[str]) -> set[str]:
    """The keys of all services that are set here, and the values of ``others``. Raises ``MissingKeyError`` for an unset one."""
    unset = [name for name in others if not environ.get(name)]
    if unset:
        raise MissingKeyError(f"--secret-env names {unset[0]}, which is not set")
    names = {name for row in PROVIDERS.values() for name in row.key_env} | {"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
    return {environ[name] for name in names.union(others) if environ.get(name)}
