"""Tools by hand: run what the model calls, send the results back, until it answers.

python examples/tools.py                      # a scripted model: no network, no key
python examples/tools.py openai-responses/gpt-6-luna    # any model that knows tools
"""

import asyncio
import json
import sys

import bourn
from bourn.mock import serve, text, tool_call, turns

QUESTION = "Do I need an umbrella in Paris today?"
ROUNDS = 5


def get_weather(city: str) -> str:
    return json.dumps({"city": city, "sky": "rain", "celsius": 11})


FUNCTIONS = {"get_weather": get_weather}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [bourn.Tool("get_weather", "The weather in a city now.", CITY)]


def run(call: bourn.ToolCall) -> bourn.ToolResult:
    """What the tool gives. A wrong call is told to the model, which may mend it."""
    try:
        content, failed = FUNCTIONS[call.name](**json.loads(call.arguments or "{}")), False
    except (KeyError, TypeError, ValueError) as error:  # no such tool, wrong arguments, no JSON
        content, failed = f"{type(error).__name__}: {error}", True
    print(f"{call.name}({call.arguments}) -> {content}")
    return call.result(content, is_error=failed)


async def converse(model: str, base_url: str | None = None, api_key: str | None = None) -> None:
    messages = [bourn.Message("user", QUESTION)]
    for _ in range(ROUNDS):
        async with bourn.stream(model, messages, tools=TOOLS, base_url=base_url, api_key=api_key) as stream:
            async for piece in stream.text():
                print(piece, end="", flush=True)
        print()
        if stream.response.finish_reason != "tool_calls":  # an answer; or "length", whose last call may be cut: never run that
            return
        results = tuple(run(call) for call in stream.response.tool_calls)
        messages += [stream.response.message, bourn.Message("tool", results)]
    print(f"no answer after {ROUNDS} rounds of tools")


async def pretend() -> None:
    """The same conversation with a script in the place of the model."""
    first = text("Let me look.") + tool_call("get_weather", {"city": "Paris"})
    async with serve(turns(first, text("Yes: it rains in Paris, at 11 degrees."))) as server:
        await converse("openai/scripted", server.base_url(), "mock-key")


asyncio.run(converse(sys.argv[1]) if sys.argv[1:] else pretend())
