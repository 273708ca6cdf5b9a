"""What a row of the table of services says.

House rule: a row is data; whoever reads it has no branch for any one service.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Provider(msgspec.Struct, frozen=True):
    """A service: its ``dialect``, ``base_url``, the variables its key and its URL are read from, and its quirks.

    ``base_url`` and the values of ``query`` (added to every URL) may have places, filled in from the environment: see
    ``bourn.providers.address``. ``base_url_env`` names the variables that replace the URL whole; without any it is the row's
    name and ``_BASE_URL``. ``host_env`` names those that tell such a server where to listen: see ``bourn.providers.host``.
    ``paths`` gives a path of the dialect the name it has here; ``auth`` overrides the dialect's key header (name, word before
    the key). A call without a key is refused here unless ``key_optional``; or it is signed, where ``sign`` says how: a word of
    ``bourn.transport.signing``, and what that needs to know, which may have places. ``default_model`` is what ``bourn chat``
    takes when only the key is set. Quirks: ``no_end_mark`` (sends no end evidence: a clean end is *unverified*, not
    *truncated*), and those that a dialect names. ``way`` says which transport reaches it.
    """

    name: str
    dialect: str
    base_url: str | None
    key_env: tuple[str, ...] = ()
    base_url_env: tuple[str, ...] = ()
    host_env: tuple[str, ...] = ()
    key_optional: bool = False
    sign: tuple[str, ...] = ()
    default_model: str | None = None
    auth: tuple[str, str] | None = None
    headers: Mapping[str, str] = {}
    query: Mapping[str, str] = {}
    paths: Mapping[str, str] = {}
    quirks: frozenset[str] = frozenset()
    way: str = "http"

    @property
    def url_variables(self) -> tuple[str, ...]:
        """The variables that replace ``base_url`` whole, the first that is set."""
        if self.base_url_env or self.base_url is None:
            return (*self.base_url_env, *self.host_env)
        return (self.name.upper().replace("-", "_") + "_BASE_URL", *self.host_env)
