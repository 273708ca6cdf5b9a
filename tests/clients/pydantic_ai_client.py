"""pydantic-ai: an agent's loop with a tool, streamed, and a refusal. Prints what it understood as JSON."""

import asyncio
import json
import sys
from typing import Any

from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


async def main() -> None:
    """Ask twice."""
    provider = OpenAIProvider(openai_client=AsyncOpenAI(max_retries=0))
    told: dict[str, Any] = {"calls": []}

    def get_weather(city: str) -> str:
        """The weather in a city."""
        told["calls"].append(["get_weather", city])
        return f"sunny in {city}"

    agent = Agent(OpenAIChatModel("mock/loop", provider=provider), tools=[get_weather])
    async with agent.run_stream("hi") as stream:
        told["text"] = "".join([piece async for piece in stream.stream_text(delta=True)])
    try:
        await Agent(OpenAIChatModel("mock/limited", provider=provider)).run("hi")
    except ModelHTTPError as error:
        told["refused"] = error.status_code
    sys.stdout.write(json.dumps(told))


asyncio.run(main())
