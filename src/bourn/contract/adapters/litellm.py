"""litellm: ``acompletion(stream=True)``, in the two wire formats that it is asked for most.

House rule: the package is its own client: it keeps connections by base URL, so the base URL stands for the client.
"""

from __future__ import annotations

import os
from typing import Any

from bourn.contract.subject import Subject

SECONDS = 20.0


def _subject(name: str, dialect: str, model: str) -> Subject:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or it asks the network at import
    import litellm
    import openai  # its exceptions are subclasses of OpenAI's, which is what its documentation says to catch

    litellm.suppress_debug_info = True
    ask: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": "Say something."}], "api_key": "none"}
    return Subject(
        name=name,
        dialect=dialect,
        client=lambda base_url: base_url,
        connect=lambda base: litellm.acompletion(**ask, api_base=base, stream=True, max_retries=0, timeout=SECONDS),
        view=lambda chunk: chunk.model_dump(exclude={"id", "created"}),  # made up anew for each stream
        text=lambda chunk: chunk.choices[0].delta.content if chunk.choices else None,
        errors=(openai.OpenAIError,),
        byte_idle=SECONDS,
        keeps_alive=True,
    )


def chat() -> Subject:
    """``acompletion("openai/...")``."""
    return _subject("litellm", "openai-chat", "openai/mock")


def anthropic() -> Subject:
    """``acompletion("anthropic/...")``."""
    return _subject("litellm, anthropic", "anthropic", "anthropic/mock")
