"""The shortest script: no async, an answer as it comes, and what had come by Ctrl-C is kept.

python examples/without_async.py               # a scripted model: no network, no key
python examples/without_async.py openai/gpt-6-luna
"""

import sys

import bourn
from bourn.mock import text

QUESTION = "Why is the sky blue? Answer in one sentence."
ANSWER = text("Because air scatters blue light more than red.").paced(rate=50)

model = sys.argv[1] if sys.argv[1:] else "openai/any"
stream = bourn.sync.stream(model, QUESTION, mock=None if sys.argv[1:] else ANSWER)
try:
    with stream:
        for piece in stream.text():
            print(piece, end="", flush=True)
    print(f"\n{stream.response.finish_reason}")
except KeyboardInterrupt:
    print(f"\nstopped after {len(stream.response.text)} characters")
