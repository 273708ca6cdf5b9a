"""Typed functions as tools: the model calls them, until it answers. `tools.py` does the same by hand.

python examples/tool_loop.py                      # a scripted model: no network, no key
python examples/tool_loop.py openai-responses/gpt-6-luna    # any model that knows tools
"""

import asyncio
import sys

import bourn
from bourn.mock import serve, text, tool_call, turns

QUESTION = "Do I need an umbrella in Paris today?"


async def get_weather(city: str, days: int = 1) -> dict[str, str]:
    """The weather in a city.

    Args:
        city: Its name.
        days: How many days ahead.
    """
    return {"city": city, "sky": "rain", "days": str(days)}


async def converse(model: str, base_url: str | None = None, api_key: str | None = None) -> None:
    async with bourn.tool_loop(model, QUESTION, tools=[get_weather], base_url=base_url, api_key=api_key, rounds=5) as loop:
        async for item in loop:
            if isinstance(item, bourn.TextDelta):
                print(item.text, end="", flush=True)
            elif isinstance(item, bourn.ToolResult):
                print(f"\n{item.name} -> {item.content}")
    print()


async def pretend() -> None:
    """The same conversation with a script in the place of the model."""
    first = text("Let me look.") + tool_call("get_weather", {"city": "Paris"})
    async with serve(turns(first, text("Yes: it rains in Paris."))) as server:
        await converse("openai/scripted", server.base_url(), "mock-key")


asyncio.run(converse(sys.argv[1]) if sys.argv[1:] else pretend())
