"""One answer, three consumers: a person who reads along, a file that keeps everything, a status line that may miss events.

python examples/shared.py               # a scripted model: no network, no key
python examples/shared.py openai/gpt-6-luna
"""

import asyncio
import sys
import tempfile
from pathlib import Path

import bourn
from bourn.mock import text

QUESTION = "Why is the sky blue? Answer in one sentence."


async def show(branch: bourn.Branch[bourn.Event]) -> None:
    async with branch:
        async for event in branch:
            if isinstance(event, bourn.TextDelta):
                print(event.text, end="", flush=True)
    print()


async def keep(branch: bourn.Branch[bourn.Event], path: Path) -> None:
    async with branch:
        with path.open("w") as file:
            async for event in branch:
                if isinstance(event, bourn.TextDelta):
                    file.write(event.text)


async def count(branch: bourn.Branch[bourn.Event]) -> int:
    async with branch:
        return sum([1 async for event in branch if isinstance(event, bourn.TextDelta)])


async def share(stream: bourn.Stream, path: Path) -> None:
    shown, kept, counted = bourn.tee(stream, 3, buffer=100)
    _, _, pieces = await asyncio.gather(show(shown), keep(kept, path), count(counted))
    print(f"{pieces} pieces")


with tempfile.TemporaryDirectory() as folder:
    answer = text("Air ", "scatters ", "blue ", "light ", "most.").paced(rate=50)
    stream = bourn.stream(sys.argv[1], QUESTION) if sys.argv[1:] else bourn.stream("openai/any", QUESTION, mock=answer)
    path = Path(folder) / "answer.txt"
    asyncio.run(share(stream, path))
    print(f"{path.name}: {path.read_text()}")
