"""What is asked of whom: the command line's model, address, key and options, as a stream.

House rule: everything a person can get wrong here is found before anything is sent. A key comes from a variable, never from the
command line.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bourn import providers
from bourn.cli import again, question
from bourn.cli.arguments import Parser
from bourn.cli.fetching import bring
from bourn.cli.terminal import Console
from bourn.client import Client
from bourn.errors import MissingKeyError
from bourn.messages import Message
from bourn.prompts import read_options
from bourn.streams import Stream
from bourn.transport.limits import Timeouts

_NOT_OF_THE_MODEL = ("timeouts", "retry")
"""Options of ``bourn.stream`` that say how to ask, not what."""


def make_client(**options: Any) -> Client:
    """The client that a command uses; tests put one with another transport here."""
    return Client(**options)


@dataclass(frozen=True)
class Asking:
    """Whom to ask, and how. ``options`` are those of ``bourn.stream``; what is not given is not in it."""

    model: str
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    dialect: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    offline: bool = False

    def check(self, console: Console) -> None:
        """Find out whether ``model`` can be asked this at all, then fetch its file if it is a local one that is not here.

        Raises ``InputError``, and what a download raises.
        """
        providers.resolve(
            self.model, base_url=self.base_url, api_key=self.api_key, dialect=self.dialect, environ=console.environ
        )
        read_options(**{name: value for name, value in self.options.items() if name not in _NOT_OF_THE_MODEL})
        provider, name = providers.split_model_id(self.model)
        if provider == "local" and not self.base_url:
            bring(name, console, offline=self.offline)

    def of(self, model: str) -> Asking:
        """The same asked of another model. An address and a key belong to one provider and stay only within it."""
        same = providers.split_model_id(model)[0] == providers.split_model_id(self.model)[0]
        return replace(self, model=model) if same else replace(self, model=model, base_url=None, api_key=None, dialect=None)

    def stream(self, client: Client, messages: Sequence[Message]) -> Stream:
        """The streaming answer; nothing is sent yet."""
        return client.stream(
            self.model, messages, base_url=self.base_url, api_key=self.api_key, dialect=self.dialect, **self.options
        )


def configure(parser: Parser) -> None:
    """The arguments that say where the model is reached, for commands that ask one."""
    add = parser.add_argument
    add("--base-url", metavar="URL", help="where the provider's dialect is spoken")
    add("--api-key-env", metavar="VARIABLE", help="the environment variable that holds the key")
    add("--dialect", metavar="NAME", help="the wire format, if not the provider's usual one")


def asking(console: Console, arguments: Namespace, model: str | None) -> Asking:
    """Whom the command line means; without a model the default one, and a remark that says which and why."""
    if model is None:
        model, why = providers.default_model(console.environ)
        console.note(f"bourn: asking {model}, because {why} (-m names another)")
    given = {name: value for name, value in question.options(arguments).items() if value is not None}
    if arguments.timeout:
        given["timeouts"] = Timeouts(**arguments.timeout)
    if arguments.retries is not None:
        given["retry"] = again.policy(arguments.retries)
    base_url, variable, dialect = (getattr(arguments, name, None) for name in ("base_url", "api_key_env", "dialect"))
    return Asking(model, base_url, _key(console.environ, variable), dialect, given, arguments.offline)


def _key(environ: Mapping[str, str], variable: str | None) -> str | None:
    if variable is None:
        return None
    if not environ.get(variable):
        raise MissingKeyError(f"--api-key-env names {variable}, which is not set")
    return environ[variable]
