"""A stream as the bytes that a front end reads: ``to_sse`` writes them in its protocol, for any web framework.

House rule: framework-free. What is sent to people says nothing of providers, addresses or requests.
"""

from __future__ import annotations

from bourn.frontends.body import SseBody
from bourn.frontends.protocols import PROTOCOLS, to_sse

__all__ = ["PROTOCOLS", "SseBody", "to_sse"]
