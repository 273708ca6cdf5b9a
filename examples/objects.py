"""An answer as an object of a type, shown while it grows, then validated.

python examples/objects.py                      # a scripted model: no network, no key
python examples/objects.py openai/gpt-6-luna    # any model that knows schemas
"""

import asyncio
import sys
from dataclasses import dataclass

import bourn
from bourn.mock import text

QUESTION = "A recipe for pancakes."
SCRIPT = text('{"title": "Pancakes", "minutes": 20, "steps": ["Whisk flour, milk and eggs.", "Bake in butter."]}')


@dataclass
class Recipe:
    """A dish, and how to make it."""

    title: str
    minutes: int
    steps: list[str]


async def main() -> None:
    model, mock = (sys.argv[1], None) if sys.argv[1:] else ("openai/scripted", SCRIPT)
    async with bourn.stream(model, QUESTION, schema=Recipe, mock=mock).objects(Recipe) as recipes:
        async for recipe in recipes:  # what is not there yet is None
            print(f"\r{recipe.title or '...'}: {len(recipe.steps or ())} steps", end="")
    print()
    print(recipes.object)


asyncio.run(main())
