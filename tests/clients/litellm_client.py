"""litellm: one answer streamed, one whole, one refused. Prints what it understood as JSON."""

import json
import os
import sys
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # or it asks the network at import

import litellm

asked: dict[str, Any] = {
    "messages": [{"role": "user", "content": "hi"}],
    "api_base": os.environ["OPENAI_BASE_URL"],
    "num_retries": 0,
    "max_retries": 0,
}
told: dict[str, Any] = {"text": "", "calls": [["", ""]], "finish": None, "usage": None}
for chunk in litellm.completion(model="openai/mock/all", stream=True, stream_options={"include_usage": True}, **asked):
    for choice in chunk.choices:
        told["text"] += choice.delta.content or ""
        for call in choice.delta.tool_calls or ():
            told["calls"][0][0] += call.function.name or ""
            told["calls"][0][1] += call.function.arguments or ""
        told["finish"] = choice.finish_reason or told["finish"]
    if getattr(chunk, "usage", None):
        told["usage"] = [chunk.usage.prompt_tokens, chunk.usage.completion_tokens]
told["whole"] = litellm.completion(model="openai/mock/all", **asked).choices[0].message.content
try:
    litellm.completion(model="openai/mock/limited", **asked)
except litellm.RateLimitError as error:
    told["refused"] = error.status_code
sys.stdout.write(json.dumps(told))
