"""Many prompts to one model: a row for each as it is finished; one that fails is a row, never the end.

python examples/many_prompts.py               # a scripted model: no network, no key
python examples/many_prompts.py openai/gpt-6-luna

From a file, of any length, and going on where it was when the machine was switched off:

bourn batch prompts.jsonl answers.jsonl -m openai/gpt-6-luna --concurrency 16 --retries 2
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator

import bourn
from bourn.messages import Request
from bourn.mock import Scenario, computed, http_error, serve, text

CAPITALS = {"Paris": "France", "Lima": "Peru", "Oslo": "Norway", "Nairobi": "Kenya", "Atlantis": ""}


def prompts() -> Iterator[str]:
    """Any iterable will do, an endless one too: it is read as far as there is work for."""
    for city in CAPITALS:
        yield f"Of which country is {city} the capital?"


async def ask_all(model: str, base_url: str | None = None, api_key: str | None = None) -> None:
    pace = bourn.Pace(requests_per_minute=600)  # and slower than that, where the provider says so
    async with (
        bourn.Client(base_url=base_url, api_key=api_key, retry=bourn.Retry(attempts=3), pace=pace) as client,
        client.map(prompts(), model, concurrency=4, max_tokens=50) as rows,
    ):
        async for row in rows:
            if row.error is not None or row.response is None:
                print(f"{row.index}: {row.input} {type(row.error).__name__}: {row.error}")
            else:
                print(f"{row.index}: {row.input} {row.response.text} ({len(row.response.attempts)} requests)")


async def pretend() -> None:
    """The same with a script in the place of the model, which is busy when it is asked of Oslo for the first time."""
    asked: Counter[str] = Counter()

    def say(request: Request) -> Scenario:
        city = next(city for city in CAPITALS if city in request.messages[-1].text)
        asked[city] += 1
        if city == "Oslo" and asked[city] == 1:
            return http_error(503, "Come back later.", retry_after=0.1)
        return text(CAPITALS[city]) if CAPITALS[city] else http_error(400, "There is no such city.")

    async with serve(computed(say)) as server:
        await ask_all("openai/any", server.base_url(), "mock-key")


asyncio.run(ask_all(sys.argv[1]) if sys.argv[1:] else pretend())
