"""Who is told of calls as they happen: the protocol ``Observer``, and a bridge to OpenTelemetry (``bourn.observing.otel``).

House rule: an observer only watches. What it raises is reported to the event loop and changes no call; without one nothing is
paid.
"""

from __future__ import annotations

from bourn.observing.observer import Call, Observation, Observer
from bourn.observing.source import ObservedSource

__all__ = ["Call", "Observation", "ObservedSource", "Observer"]
