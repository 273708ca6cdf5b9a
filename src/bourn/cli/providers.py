"""``bourn providers``: the services there are, where they are, and which of them are configured here.

House rule: variables are named, their values never shown, save an address; whether a service can be used is what the library
itself would say.
"""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Iterable, Mapping
from typing import Any

from bourn import dialects, providers
from bourn.cli import exits
from bourn.cli.arguments import Parser, near
from bourn.cli.terminal import Console
from bourn.errors import InputError
from bourn.providers import Provider

EPILOG = """key:
  set            a variable with the key is set
  not set        this variable is to be set
  not needed     the service takes none, or asks for one only if it was told to, or calls can be signed instead

A {VARIABLE} in a base URL is filled in from the environment: {A|B} by the first that is set, {A=text} by text if none is."""

QUIRKS: dict[str, str] = {
    "max_completion_tokens": "the token limit is sent as `max_completion_tokens`, not as `max_tokens`",
    "no_end_mark": "sends no end mark: an answer that ends cleanly is *unverified* instead of *truncated*",
    "no_stream_options": "`stream_options` is not sent: usage comes unasked",
    "reasoning": "earlier reasoning is sent back as `reasoning`",
    "reasoning_content": "earlier reasoning is sent back as `reasoning_content`",
    "vertex": "paths and bodies as Vertex wants them",
}
"""Quirk to what it does."""


def configure(parser: Parser) -> None:
    """The arguments of ``bourn providers``."""
    parser.add_argument("word", metavar="WORD", nargs="?", help="only those with WORD in their name or dialect")
    parser.add_argument("--ready", action="store_true", help="only those for which nothing more is to be set")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="everything, for programs")
    shape.add_argument("--markdown", action="store_true", help="the page docs/providers.md, the same on every machine")


def run(arguments: Namespace) -> int:
    """List the services."""
    console = Console(os.environ)
    if arguments.markdown:
        console.out(markdown())
        return exits.OK
    rows = [described(row, console.environ) for row in _chosen(arguments.word)]
    if arguments.ready:
        rows = [row for row in rows if row["problem"] is None]
    if arguments.json:
        console.out(json.dumps(rows, indent=2) + "\n")
    else:
        console.out(_aligned([_cells(row) for row in rows]))
    return exits.OK


def described(row: Provider, environ: Mapping[str, str]) -> dict[str, Any]:
    """A service and what of it is configured. ``problem`` is what the library would say to a call, ``None`` if nothing.

    Where an address of the user's own is no good there is no ``base_url``: the row's would not be used.
    """
    url, problem = row.base_url, None
    try:
        url = providers.resolve(f"{row.name}/MODEL", environ=environ).base_url
    except InputError as error:
        problem = error.message
        if any(environ.get(name) for name in row.url_variables):
            url = None
    set_here = next((name for name in row.key_env if environ.get(name)), None)
    needed = bool(row.key_env) and not row.key_optional and not row.sign
    return {
        "name": row.name,
        "dialect": row.dialect,
        "base_url": url,
        "base_url_variables": list(row.url_variables),
        "key_variable": set_here or next(iter(row.key_env), None),
        "key_variables": list(row.key_env),
        "key": "set" if set_here else "not set" if needed else "not needed",
        "problem": problem,
        "default_model": row.default_model,
        "quirks": sorted(row.quirks),
    }


def markdown() -> str:
    """The page of all services, whatever the environment."""
    rows = [(row, described(row, {})) for row in providers.PROVIDERS.values()]
    spoken = {name: sum(row.dialect == name for row, _ in rows) for name in dialects.DIALECTS}
    lines = [
        "# Providers",
        "",
        "Written by `bourn providers --markdown`; change the rows in `src/bourn/providers/`, not this page.",
        "",
        f"{len(rows)} services: " + ", ".join(f"{count} speak `{name}`" for name, count in spoken.items() if count) + ".",
        "A model is named `provider/model`, for example `groq/openai/gpt-oss-120b`. The key is read from the first of its",
        "variables that is set, an address of your own from the base URL variable; both can be given to a call or a client",
        "instead (`api_key=`, `base_url=`). `{NAME}` in a base URL is the environment variable of that name, `{A|B}` the first",
        "that is set, `{A=text}` is `text` if none is. `bourn providers` shows what is configured on your machine.",
        "",
        "| provider | dialect | base URL | key | base URL variable | quirks |",
        "|---|---|---|---|---|---|",
        *(_markdown_row(row) for row, _ in rows),
        "",
        "## Quirks",
        "",
        "| quirk | what it means |",
        "|---|---|",
        *(f"| `{quirk}` | {meaning} |" for quirk, meaning in QUIRKS.items()),
    ]
    return "\n".join(lines) + "\n"


def _chosen(word: str | None) -> Iterable[Provider]:
    """The rows that ``word`` picks; raises ``InputError`` where it picks none."""
    if word is None:
        return providers.PROVIDERS.values()
    found = [row for row in providers.PROVIDERS.values() if word.lower() in row.name or word.lower() in row.dialect]
    if not found:
        known = near(word, [*providers.PROVIDERS, *dialects.DIALECTS])
        raise InputError(f"no provider or dialect has {word!r} in its name{known}")
    return found


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (row["name"], row["dialect"], row["key_variable"] or "-", row["key"], row["base_url"] or row["problem"] or "-")


def _aligned(rows: list[tuple[str, ...]]) -> str:
    """The rows under their head, in columns; the last one, whose cells are long, ends where it ends."""
    rows = [("PROVIDER", "DIALECT", "KEY VARIABLE", "KEY", "BASE URL"), *rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return "".join("  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)) + "\n" for row in rows)


def _markdown_row(row: Provider) -> str:
    keys = " or ".join(f"`{name}`" for name in row.key_env) + (" (optional)" if row.key_env and row.key_optional else "")
    cells = (
        f"`{row.name}`",
        row.dialect,
        f"`{row.base_url}`" if row.base_url else "",
        keys,
        " ".join(f"`{name}`" for name in row.url_variables),
        " ".join(f"`{quirk}`" for quirk in sorted(row.quirks)),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
