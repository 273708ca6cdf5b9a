"""The next model when one fails, by hand: what an error tells, and when nothing may be repeated.

python examples/fallback_by_hand.py           # scripted models: no network, no key
python examples/fallback_by_hand.py openai/gpt-5-mini anthropic/claude-sonnet-4-5
"""

import asyncio
import sys

import bourn
from bourn.mock import http_error, serve, text, turns

QUESTION = "Why is the sky blue?"
TRIES = 2
PATIENCE = 5.0
"""Seconds that are waited for the same model; whoever wants longer is left."""


def pause_after(error: bourn.BournError) -> float | None:
    """Seconds until the same model may be asked again; `None` means: go to the next one."""
    if not error.retryable:  # the request or the key is wrong: it will be wrong again
        return None
    told = error.retry_after if isinstance(error, bourn.StatusError) else None
    pause = 0.5 if told is None else told
    return pause if pause <= PATIENCE else None


async def tell(client: bourn.Client, model: str) -> None:
    async with client.stream(model, QUESTION) as stream:
        async for piece in stream.text():
            print(piece, end="", flush=True)
    print()


async def tell_somehow(client: bourn.Client, models: list[str]) -> None:
    for model in models:
        for _ in range(TRIES):
            try:
                return await tell(client, model)
            except bourn.BournError as error:
                if error.response and error.response.text:  # somebody has read the beginning: do not begin again
                    raise
                pause = pause_after(error)
                print(f"{type(error).__name__}: {error}", "" if pause is None else f"-- once more in {pause:g} s")
            if pause is None:
                break
            await asyncio.sleep(pause)
    print("no model answered")
    return None


async def run(models: list[str], base_url: str | None = None, api_key: str | None = None) -> None:
    async with bourn.Client(base_url=base_url, api_key=api_key) as client:
        await tell_somehow(client, models)


async def pretend() -> None:
    """The same with scripts in the place of the models."""
    async with serve() as server:
        server.add(http_error(401, "This key is not known."), name="no-key")
        server.add(turns(http_error(429, "Slow down.", retry_after=0.1), http_error(503, "Busy.", retry_after=60)), name="busy")
        server.add(text("Because air scatters blue light more than red."), name="good")
        await run([f"openai/mock/{name}" for name in ("no-key", "busy", "good")], server.base_url(), "mock-key")


asyncio.run(run(sys.argv[1:]) if sys.argv[1:] else pretend())
