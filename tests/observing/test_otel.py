"""Calls as spans and metrics of OpenTelemetry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import bourn
from bourn.mock import http_error, pause, text, usage
from bourn.observing import Call, Observation
from bourn.observing.otel import METRICS, PROVIDERS, REQUEST, USAGE, OtelObserver
from bourn.providers.table import PROVIDERS as ROWS

pytest.importorskip("opentelemetry.sdk", reason="the SDK of OpenTelemetry is not installed")

from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


class Seen:
    """A program's set-up, and what came of it."""

    def __init__(self) -> None:
        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracing = TracerProvider()
        self.tracing.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.metering = MeterProvider([self.reader])
        self.observer = OtelObserver(tracer_provider=self.tracing, meter_provider=self.metering)

    @property
    def span(self) -> ReadableSpan:
        (span,) = self.exporter.get_finished_spans()
        return span

    def points(self, name: str) -> list[tuple[float, dict[str, Any]]]:
        data = self.reader.get_metrics_data()
        assert data is not None
        metrics = [each for resource in data.resource_metrics for scope in resource.scope_metrics for each in scope.metrics]
        return [(point.sum, dict(point.attributes)) for each in metrics if each.name == name for point in each.data.data_points]  # type: ignore[union-attr, arg-type]


@pytest.fixture
def seen() -> Iterator[Seen]:
    """OpenTelemetry in memory."""
    made = Seen()
    yield made
    made.tracing.shutdown()
    made.metering.shutdown()


def test_every_name_is_one_of_the_conventions() -> None:
    """Attributes, providers and metrics are those of the published package."""
    attributes = pytest.importorskip("opentelemetry.semconv._incubating.attributes.gen_ai_attributes")
    metrics = pytest.importorskip("opentelemetry.semconv._incubating.metrics.gen_ai_metrics")
    names = {value for name, value in vars(attributes).items() if name.startswith("GEN_AI_") and isinstance(value, str)}
    assert {*REQUEST, *USAGE} <= names
    assert set(PROVIDERS.values()) <= {each.value for each in attributes.GenAiProviderNameValues}
    assert set(METRICS) <= {value for name, value in vars(metrics).items() if name.startswith("GEN_AI_")}
    assert set(PROVIDERS) <= set(ROWS)


async def test_a_span_says_who_was_asked_what_it_cost_and_how_it_ended(seen: Seen) -> None:
    """Kind, name, attributes and times; not a word of the conversation."""
    answer = pause(2) + text("Hello, wörld!") + usage(11, 7, cached_tokens=3)
    options: dict[str, Any] = {"max_tokens": 9, "temperature": 0.5, "stop": ["END"], "seed": 1}
    address = "https://llm.example:8443/v1"
    client = bourn.Client(observers=[seen.observer])
    response = await client.stream("xai/any", "a secret", mock=answer, base_url=address, api_key="k", **options).collect()
    span = seen.span
    assert (span.name, span.kind, span.status.status_code) == ("chat any", trace.SpanKind.CLIENT, trace.StatusCode.UNSET)
    told = dict(span.attributes or {})
    assert told == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "x_ai",
        "gen_ai.request.model": "any",
        "gen_ai.request.stream": True,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.stop_sequences": ("END",),
        "gen_ai.request.seed": 1,
        "gen_ai.response.id": response.id,
        "gen_ai.response.model": "any",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.response.time_to_first_chunk": 2,
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 3,
        "server.address": "llm.example",
        "server.port": 8443,
    }
    assert "secret" not in span.to_json()
    assert "wörld" not in span.to_json()


async def test_metrics(seen: Seen) -> None:
    """How long, how long to the first content, how many tokens, by who was asked."""
    answer = pause(2) + text("Hello") + pause(3) + usage(11, 7)
    await bourn.stream("openai/any", "hi", mock=answer, observers=[seen.observer]).collect()
    ((seconds, who),) = seen.points("gen_ai.client.operation.duration")
    assert seconds == 5
    assert (who["gen_ai.provider.name"], who["gen_ai.response.model"]) == ("openai", "any")
    assert "gen_ai.response.id" not in who
    assert seen.points("gen_ai.client.operation.time_to_first_chunk")[0][0] == 2
    tokens = {told["gen_ai.token.type"]: count for count, told in seen.points("gen_ai.client.token.usage")}
    assert tokens == {"input": 11, "output": 7}


async def test_a_failure_is_the_spans_error(seen: Seen) -> None:
    """The status, or the class, in span and duration."""
    with pytest.raises(bourn.RateLimitError):
        await bourn.stream("openai/any", "hi", mock=http_error(429), observers=[seen.observer]).collect()
    assert seen.span.status.status_code is trace.StatusCode.ERROR
    assert (seen.span.attributes or {})["error.type"] == "429"
    assert seen.points("gen_ai.client.operation.duration")[0][1]["error.type"] == "429"


async def test_a_call_that_is_left_ends_its_span(seen: Seen) -> None:
    """Nothing stays open."""
    async with bourn.stream("openai/any", "hi", mock=text("a", "b"), observers=[seen.observer]) as stream:
        await anext(stream)
    assert (seen.span.attributes or {})["error.type"] == "ClosedError"


async def test_the_span_is_a_child_and_never_current(seen: Seen) -> None:
    """It belongs to the span around the call, and leaves the context as it was."""
    tracer = seen.tracing.get_tracer("test")
    with tracer.start_as_current_span("around") as around:
        async with bourn.stream("openai/any", "hi", mock="Hello", observers=[seen.observer]) as stream:
            assert trace.get_current_span() is around
            async for _ in stream:
                assert trace.get_current_span() is around
    inner, _ = seen.exporter.get_finished_spans()
    assert inner.parent is not None
    assert inner.parent.span_id == around.get_span_context().span_id


def test_a_retry_is_an_event(seen: Seen) -> None:
    """With what failed, and how long is waited."""
    observation = Observation(Call("openai", "m", None, bourn.Request("m", ())), [seen.observer])
    observation.opened()
    observation.retried(bourn.OverloadedError("busy", status=503), 1.5)
    observation.finished(bourn.Finish("stop"))
    (event,) = seen.span.events
    assert (event.name, dict(event.attributes or {})) == ("retry", {"error.type": "503", "wait_seconds": 1.5})


@pytest.mark.parametrize(
    ("address", "told"), [("llm.example", ("llm.example", None)), ("[::1]:80", ("::1", 80)), (None, (None, None))]
)
def test_the_address_of_a_server(seen: Seen, address: str | None, told: tuple[Any, Any]) -> None:
    """Host and port apart, also of IPv6; neither where the model has no address."""
    observation = Observation(Call("openai", "m", address, bourn.Request("m", ())), [seen.observer])
    observation.opened()
    observation.finished(bourn.Finish("stop"))
    attributes = seen.span.attributes or {}
    assert (attributes.get("server.address"), attributes.get("server.port")) == told
