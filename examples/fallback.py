"""The next model when one fails, each tried again where that may help; and what it took.

python examples/fallback.py           # scripted models: no network, no key
python examples/fallback.py openai/gpt-6-luna anthropic/claude-sonnet-5-5
"""

import asyncio
import sys

import bourn
from bourn.mock import http_error, serve, text, turns

QUESTION = "Why is the sky blue?"
RETRY = bourn.Retry(attempts=2, max_wait=5)
"""A model that asks for more than five seconds is left for the next one."""


async def run(models: list[str], base_url: str | None = None, api_key: str | None = None) -> None:
    async with bourn.Client(base_url=base_url, api_key=api_key, retry=RETRY) as client:
        stream = client.fallback(models, QUESTION)
        try:
            async with stream, stream.text() as pieces:
                async for piece in pieces:
                    print(piece, end="", flush=True)
            print()
        except bourn.BournError as error:
            print(f"{type(error).__name__}: {error}")
        for attempt in stream.response.attempts:
            print(f"{attempt.model}: {attempt.outcome} after a pause of {attempt.waited:.1f} s", attempt.error or "")


async def pretend() -> None:
    """The same with scripts in the place of the models."""
    async with serve() as server:
        server.add(http_error(401, "This key is not known."), name="no-key")
        server.add(turns(http_error(429, "Slow down.", retry_after=0.1), http_error(503, "Busy.", retry_after=60)), name="busy")
        server.add(text("Because air scatters blue light more than red."), name="good")
        await run([f"openai/mock/{name}" for name in ("no-key", "busy", "good")], server.base_url(), "mock-key")


asyncio.run(run(sys.argv[1:]) if sys.argv[1:] else pretend())
