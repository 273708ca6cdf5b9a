"""Several models answer at the same time, and what they say is shown as it comes; one that fails is a row, never the end.

python examples/together.py               # three scripted models: no network, no key
python examples/together.py openai/gpt-6-luna anthropic/claude-sonnet-5-5 local/smollm2-135m
"""

import asyncio
import sys

import bourn
from bourn.mock import faults, serve, text

QUESTION = "Why is the sky blue? Answer in one sentence."


async def together(models: list[str], base_url: str | None = None, api_key: str | None = None) -> None:
    async with bourn.Client(base_url=base_url, api_key=api_key) as client:
        streams = {model: client.stream(model, QUESTION, max_tokens=200) for model in models}
        async with bourn.merge(streams) as merged:
            async for model, event in merged:
                if isinstance(event, bourn.TextDelta) and (word := event.text.strip()):
                    print(f"{model}: {word}")
                elif isinstance(event, bourn.BournError):
                    print(f"{model} failed: {event.message}")
        for model, response in merged.responses.items():
            print(f"{model} said: {response.text!r}, {'whole' if response.complete else 'cut'}")


async def pretend() -> None:
    """The same with scripts in the place of the models."""
    async with serve() as server:
        server.add(text("Air ", "scatters ", "blue.").paced(rate=50), name="quick")
        server.add(text("Because ", "of ", "Rayleigh.").paced(rate=20), name="slow")
        server.add(text("Well, ", "let ", "me ", "see.").broken(faults.Reset(event=3)), name="cut")
        await together([f"openai/mock/{name}" for name in ("quick", "slow", "cut")], server.base_url(), "mock-key")


asyncio.run(together(sys.argv[1:]) if sys.argv[1:] else pretend())
