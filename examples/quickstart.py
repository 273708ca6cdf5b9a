"""The ten lines of the README, for any model.

python examples/quickstart.py                      # a small model on this machine: `bourn model get` fetches it
python examples/quickstart.py openai/gpt-6-luna    # with the key in OPENAI_API_KEY
"""

import asyncio
import sys

import bourn

MODEL = sys.argv[1] if sys.argv[1:] else "local/smollm2-135m"


async def main() -> None:
    async with bourn.stream(MODEL, "Why is the sky blue?") as stream:
        async for event in stream:
            if isinstance(event, bourn.TextDelta):
                print(event.text, end="", flush=True)
    print(stream.response.finish_reason, stream.response.usage)


asyncio.run(main())
