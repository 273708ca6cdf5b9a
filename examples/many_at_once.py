"""One question to several models at the same time: a row for each, also for those that fail.

python examples/many_at_once.py               # four scripted models: no network, no key
python examples/many_at_once.py openai/gpt-6-luna anthropic/claude-sonnet-5-5 local/smollm2-135m
"""

import asyncio
import sys
import time

import bourn
from bourn.mock import faults, http_error, serve, text

QUESTION = "Why is the sky blue? Answer in one sentence."
TIMEOUTS = bourn.Timeouts(connect=5, first_event=30, idle=15, total=120)


async def ask(client: bourn.Client, model: str) -> str:
    """The row of one model: how it ended, seconds to the first word and to the end, and what it said."""
    began = time.perf_counter()
    first = None
    try:
        async with client.stream(model, QUESTION, max_tokens=200) as stream:
            async for _ in stream.text():
                first = first or time.perf_counter() - began
        ending, said = str(stream.response.finish_reason), stream.response.text
    except bourn.BournError as error:
        ending = type(error).__name__
        said = error.response.text if error.response and error.response.text else error.message
    waited = "-" if first is None else f"{first:.2f}"
    return f"{model:36} {ending:20} {waited:>6} {time.perf_counter() - began:>6.2f}  {' '.join(said.split())[:60]}"


async def compare(models: list[str], base_url: str | None = None, api_key: str | None = None) -> None:
    print(f"{'model':36} {'ending':20} {'first':>6} {'total':>6}  said")
    async with bourn.Client(base_url=base_url, api_key=api_key, timeouts=TIMEOUTS) as client:
        print(*await asyncio.gather(*(ask(client, model) for model in models)), sep="\n")


async def pretend() -> None:
    """The same with scripts in the place of the models."""
    answer = text("Because air scatters blue light more than red.")
    async with serve() as server:
        server.add(answer, name="quick")
        server.add(answer.paced(first=0.2, rate=50), name="slow")
        server.add(answer.broken(faults.Reset(event=6)), name="cut")
        server.add(http_error(429, "Too many requests.", retry_after=20), name="busy")
        await compare([f"openai/mock/{name}" for name in ("quick", "slow", "cut", "busy")], server.base_url(), "mock-key")


asyncio.run(compare(sys.argv[1:]) if sys.argv[1:] else pretend())
