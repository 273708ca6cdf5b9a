"""What providers tell of their rate limits, in each family of headers, and in every recorded head."""

from __future__ import annotations

import json
import re

import pytest

import bourn
from bourn.transport.memory import MemoryTransport
from bourn.transport.quota import Allowance, Quota, read_quota
from tests.plain import answer, chunks
from tests.recordings import CORPUS, needs_corpus

COUNT = re.compile("ratelimit.*-remaining(?!-input-images)")
NO_COUNT = "x-ratelimit-dynamic-period-remaining"  # seconds until Hugging Face looks at its limits again
DATE = "Fri, 08 Aug 2025 15:40:34 GMT"


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        pytest.param(
            {"x-ratelimit-limit-tokens": "500", "x-ratelimit-remaining-tokens": "499", "x-ratelimit-reset-tokens": "120ms"},
            [Allowance("tokens", 500, 499, 0.12, refills=True)],
            id="openai",
        ),
        pytest.param(
            {"x-ratelimit-limit-tokens": "1000", "x-ratelimit-remaining-tokens": "10", "x-ratelimit-reset-tokens": "1h6m0.5s"},
            [Allowance("tokens", 1000, 10, 3960.5, refills=True)],
            id="openai-long",
        ),
        pytest.param(
            {
                "x-ratelimit-renewalperiod-requests": "60",
                "x-ratelimit-limit-requests": "120",
                "x-ratelimit-remaining-requests": "119",
                "x-ratelimit-reset-requests": "500",
            },
            [Allowance("requests", 120, 119, 0.5, 60, refills=True)],
            id="azure",
        ),
        pytest.param(
            {"x-ratelimit-limit-req-minute": "50", "x-ratelimit-remaining-req-minute": "49"},
            [Allowance("requests", 50, 49, None, 60)],
            id="mistral",
        ),
        pytest.param(
            {"ratelimitbysize-limit": "500000", "ratelimitbysize-remaining": "307190", "ratelimitbysize-reset": "46"},
            [Allowance("tokens", 500000, 307190, 46, 60)],
            id="mistral-2024",
        ),
        pytest.param(
            {"x-ratelimit-remaining-tokens-day": "8", "x-ratelimit-reset-tokens-day": "3.5"},
            [Allowance("tokens", None, 8, 3.5, 86400)],
            id="cerebras",
        ),
        pytest.param(
            {"x-ratelimit-limit": "1", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1754667660000", "date": DATE},
            [Allowance("requests", 1, 0, 26)],
            id="openrouter",
        ),
        pytest.param(
            {
                "anthropic-ratelimit-input-tokens-limit": "30000",
                "anthropic-ratelimit-input-tokens-remaining": "29000",
                "anthropic-ratelimit-input-tokens-reset": "2025-08-08T15:40:36Z",
                "date": DATE,
            },
            [Allowance("input_tokens", 30000, 29000, 2, 60, refills=True)],
            id="anthropic",
        ),
        pytest.param(
            {"ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "50", "ratelimit-reset": "30"},
            [Allowance("requests", 100, 50, 30)],
            id="draft-06",
        ),
        pytest.param({"ratelimit": "limit=100, remaining=50, reset=30"}, [Allowance("requests", 100, 50, 30)], id="draft-07"),
        pytest.param(
            {"ratelimit": '"hour";r=9, "burst";r=1;t=2', "ratelimit-policy": '"hour";q=10;w=3600,"burst";q=5;w=60'},
            [Allowance("requests", 10, 9, None, 3600), Allowance("requests", 5, 1, 2, 60)],
            id="draft-09",
        ),
        pytest.param(
            {"ratelimit": '"api";r=499;t=70', "ratelimit-policy": '"fixed window";"api";q=500;w=300'},
            [Allowance("requests", 500, 499, 70, 300)],
            id="huggingface",
        ),
        pytest.param({"ratelimit": '"b";r=5', "ratelimit-policy": '"b";q=9;qu="content-bytes"'}, [], id="bytes"),
        pytest.param({"x-ratelimit-limit-tokens": "-1", "x-ratelimit-remaining-tokens": "-1"}, [], id="no-limit"),
        pytest.param({"x-ratelimit-remaining-requests": "soon", "x-ratelimit-limit-requests": "nan"}, [], id="nonsense"),
        pytest.param({"x-ratelimit-reset-requests": "1s"}, [], id="a-reset-alone-limits-nothing"),
        pytest.param({"x-ratelimit-key": "7", "authorization": "Bearer k", "retry-after": "9"}, [], id="others"),
    ],
)  # fmt: skip
def test_each_family_of_headers_is_read(headers: dict[str, str], told: list[Allowance]) -> None:
    """Counts, and seconds until the reset, whichever way they are written."""
    assert list(read_quota(headers).allowances) == told


def test_a_reset_that_is_over_is_none() -> None:
    """A moment before the answer is now; one without a date to compare it with is compared with this machine's clock."""
    headers = {"anthropic-ratelimit-requests-remaining": "5", "anthropic-ratelimit-requests-reset": "2020-01-01T00:00:00"}
    assert read_quota({**headers, "date": DATE}).allowances[0].reset == 0
    assert read_quota(headers).allowances[0].reset == 0


def test_the_tightest_of_a_unit() -> None:
    """`get` gives the one that has the smallest share left, and nothing for a unit that was not told of."""
    hour, minute = Allowance("requests", 100, 90, None, 3600), Allowance("requests", 10, 2, None, 60)
    quota = Quota((hour, Allowance("requests", 5), minute))
    assert quota.get("requests") == minute
    assert quota.get("tokens") is None
    assert quota
    assert not Quota()


@needs_corpus
def test_every_recorded_head_is_read() -> None:
    """Whatever real services sent of a known unit is read: limit, remaining and reset are where their headers are."""
    heads = [json.loads(path.read_text())["headers"] for path in sorted(CORPUS.glob("*/*/response.json"))]
    read = 0
    for head in heads:
        headers = {name.lower(): value for name, value in head.items()}
        counts = [
            name
            for name, value in headers.items()
            if COUNT.search(name) and name != NO_COUNT and value not in ("-1", "**REDACTED**")
        ]
        quota = read_quota(headers)
        told = [each for each in quota.allowances if each.remaining is not None]
        assert len(told) == len(counts) + ("ratelimit" in headers)
        for each in told:
            assert each.limit is None or each.limit >= 0
            assert each.reset is None or 0 <= each.reset <= 86400
            read += 1
    assert read > 500


async def test_a_stream_and_a_refusal_tell_of_it() -> None:
    """`stream.quota` is empty before the head came; an error of a status has it, too, and without the header is empty."""
    headers = {"x-ratelimit-remaining-requests": "3", "content-type": "text/event-stream"}
    client = bourn.Client(transport=MemoryTransport(chunks(answer("a")), headers=headers), base_url="http://test")
    stream = client.stream("openai/m", "hi", dialect="plain")
    assert not stream.quota
    await stream.collect()
    assert stream.quota.get("requests") == bourn.Allowance("requests", None, 3, refills=True)
    refused = bourn.Client(transport=MemoryTransport([b"no"], status=429, headers=headers), base_url="http://test")
    with pytest.raises(bourn.RateLimitError) as caught:
        await refused.stream("openai/m", "hi", dialect="plain").collect()
    assert caught.value.quota == stream.quota
    assert bourn.RateLimitError("no").quota is None
