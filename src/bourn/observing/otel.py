"""Calls as OpenTelemetry spans and metrics, under the names of its semantic conventions for generative AI.

    client = bourn.Client(observers=[OtelObserver()])

Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/ (client spans, client metrics; the names as the Python package
``opentelemetry-semantic-conventions`` 0.66b2 has them). Needs the extra ``bourn[otel]``, and an SDK that the program sets up.

House rule: every name is in the tables below. What was asked and answered is never recorded, only how much and how long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bourn.errors import BournError, InputError, StatusError
from bourn.events import Event, Finish, Usage
from bourn.messages import Options
from bourn.observing.observer import Call, Observer

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

PROVIDERS: dict[str, str] = {
    "vertex": "gcp.vertex_ai",
    "vertex-global": "gcp.vertex_ai",
    "vertex-express": "gcp.vertex_ai",
    "gemini": "gcp.gemini",
    "google": "gcp.gemini",
    "bedrock": "aws.bedrock",
    "bedrock-invoke": "aws.bedrock",
    "azure": "azure.ai.openai",
    "mistral": "mistral_ai",
    "xai": "x_ai",
}
"""Our names of providers to the conventions' (``gen_ai.provider.name``), where they differ."""

REQUEST: dict[str, Callable[[Options], Any]] = {
    "gen_ai.request.max_tokens": lambda options: options.max_tokens,
    "gen_ai.request.temperature": lambda options: options.temperature,
    "gen_ai.request.top_p": lambda options: options.top_p,
    "gen_ai.request.seed": lambda options: options.seed,
    "gen_ai.request.stop_sequences": lambda options: options.stop or None,
    "gen_ai.output.type": lambda options: "json" if options.schema is not None else None,
}
"""Attribute to what it is in the options; one that is ``None`` is left out."""

USAGE: dict[str, str] = {
    "gen_ai.usage.input_tokens": "input_tokens",
    "gen_ai.usage.output_tokens": "output_tokens",
    "gen_ai.usage.cache_read.input_tokens": "cached_tokens",
    "gen_ai.usage.cache_creation.input_tokens": "cache_write_tokens",
    "gen_ai.usage.reasoning.output_tokens": "reasoning_tokens",
}
"""Attribute to our count."""

DURATION = "gen_ai.client.operation.duration"
FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"
TOKENS = "gen_ai.client.token.usage"

_SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
_COUNTS = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864]

METRICS: dict[str, tuple[str, str, list[float]]] = {
    DURATION: ("s", "GenAI operation duration.", _SECONDS),
    FIRST_CHUNK: ("s", "Time to receive the first chunk.", _SECONDS),
    TOKENS: ("{token}", "Number of input and output tokens used.", [float(count) for count in _COUNTS]),
}
"""Histogram to its unit, description and buckets, which the conventions advise."""


class OtelObserver(Observer):
    """A span of kind ``CLIENT`` for each call, from its opening to its end, and three histograms.

    The span is a child of the context in which the request is sent, and is never made current: it leaks into no other task. A
    retry is an event on it. The providers are the global ones unless given. Raises ``InputError`` where the extra is missing.
    """

    def __init__(self, *, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None) -> None:
        try:
            from opentelemetry import metrics, trace
        except ModuleNotFoundError:
            raise InputError("OtelObserver needs OpenTelemetry: pip install 'bourn[otel]'") from None
        import bourn

        self._trace = trace
        self._tracer = trace.get_tracer("bourn", bourn.__version__, tracer_provider)
        meter = metrics.get_meter("bourn", bourn.__version__, meter_provider)
        self._histograms = {
            name: meter.create_histogram(name, unit, description, explicit_bucket_boundaries_advisory=buckets)
            for name, (unit, description, buckets) in METRICS.items()
        }
        self._spans: dict[Call, Span] = {}

    def opened(self, call: Call) -> None:
        """A span begins."""
        attributes = {**_who(call), **_asked(call.request.options), "gen_ai.request.stream": True}
        name = f"chat {call.model}"
        self._spans[call] = self._tracer.start_span(name, kind=self._trace.SpanKind.CLIENT, attributes=attributes)

    def first_event(self, call: Call, event: Event) -> None:  # noqa: ARG002 - as observers are called
        """How long the first content took."""
        assert call.first_event_seconds is not None
        self._histograms[FIRST_CHUNK].record(call.first_event_seconds, {**_who(call), **_answered(call, named=False)})
        self._spans[call].set_attribute("gen_ai.response.time_to_first_chunk", call.first_event_seconds)

    def retried(self, call: Call, error: BournError, wait: float) -> None:
        """An event on the span."""
        self._spans[call].add_event("retry", {"error.type": _error_type(error), "wait_seconds": wait})

    def finished(self, call: Call, finish: Finish) -> None:
        """The span ends, with the answer's figures."""
        self._end(call, {"gen_ai.response.finish_reasons": (finish.raw_reason or finish.reason,)}, finish.usage)

    def failed(self, call: Call, error: BournError) -> None:
        """The span ends as an error; a call that was left early is none of the provider's, and is marked the same way."""
        kind = _error_type(error)
        span = self._spans.get(call)
        if span is not None:
            span.set_status(self._trace.StatusCode.ERROR, error.message)
        self._end(call, {"error.type": kind}, error.response.usage if error.response is not None else None)

    def _end(self, call: Call, ending: dict[str, Any], usage: Usage | None) -> None:
        span = self._spans.pop(call, None)
        if span is None:
            return
        counts = {name: getattr(usage, count) for name, count in USAGE.items() if getattr(usage, count, None) is not None}
        span.set_attributes({**_answered(call, named=True), **ending, **counts})
        span.end()
        who = {**_who(call), **_answered(call, named=False)}
        error = {name: word for name, word in ending.items() if name == "error.type"}
        self._histograms[DURATION].record(call.seconds, {**who, **error})
        for kind in ("input", "output"):
            count = counts.get(f"gen_ai.usage.{kind}_tokens")
            if count is not None:
                self._histograms[TOKENS].record(count, {**who, "gen_ai.token.type": kind})


def _who(call: Call) -> dict[str, Any]:
    place = urlsplit(f"//{call.address or ''}")
    told = {"server.address": place.hostname, "server.port": place.port}
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": PROVIDERS.get(call.provider, call.provider),
        "gen_ai.request.model": call.model,
        **{name: word for name, word in told.items() if word},
    }


def _asked(options: Options) -> dict[str, Any]:
    values = {name: read(options) for name, read in REQUEST.items()}
    return {name: value for name, value in values.items() if value is not None}


def _answered(call: Call, *, named: bool) -> dict[str, str]:
    """Which model answered; ``named``: and what the answer is called, which is for spans only."""
    start = call.start
    told = {"gen_ai.response.model": start and start.model, **({"gen_ai.response.id": start and start.id} if named else {})}
    return {name: word for name, word in told.items() if word}


def _error_type(error: BournError) -> str:
    """The status, or the class: of few values, as the conventions want it."""
    return str(error.status) if isinstance(error, StatusError) else type(error).__qualname__
