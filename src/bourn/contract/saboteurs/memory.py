"""Breaks section 8: memory."""

from __future__ import annotations

from typing import Any

from bourn.contract.reference import ReferenceClient, ReferenceStream, reference
from bourn.contract.registry import sabotage

_TOLD: list[Any] = []


class TellsEverybody(ReferenceStream):
    """Keeps each answer for whoever may ask for it."""

    async def aclose(self) -> None:
        await super().aclose()
        _TOLD.append(self.response)


class Circular(ReferenceStream):
    """Refers to itself through a bound method, so that only the collector can free it."""

    def __init__(self, client: ReferenceClient) -> None:
        super().__init__(client)
        self.on_close = self.drop


sabotage("8.1", "bytes stayed behind for each stream", reference("tells everybody", TellsEverybody))
sabotage("8.1", "and held by nobody else, it lived on, held by", reference("circular", Circular))
