"""Services under a second name, which speak another dialect there than under their usual one.

House rule: key and base URL come from the same variables as under the usual name, where the address is the same.
"""

from __future__ import annotations

from bourn.providers.row import Provider

SECOND_NAMES = (
    Provider("openai-responses", "openai-responses", "https://api.openai.com/v1", ("OPENAI_API_KEY",), ("OPENAI_BASE_URL",)),
    Provider(
        "openai-completions", "openai-completions", "https://api.openai.com/v1", ("OPENAI_API_KEY",), ("OPENAI_BASE_URL",)
    ),
    Provider(
        "deepseek-responses", "openai-responses", "https://api.deepseek.com", ("DEEPSEEK_API_KEY",), ("DEEPSEEK_BASE_URL",)
    ),
    Provider(
        "huggingface-tgi",
        "huggingface-tgi",
        "https://router.huggingface.co/hf-inference/models/{model}",
        ("HF_TOKEN",),
        paths={"/generate_stream": ""},
    ),
    Provider(
        "openrouter-anthropic",
        "anthropic",
        "https://openrouter.ai/api",
        ("OPENROUTER_API_KEY",),
        auth=("authorization", "Bearer "),
    ),
    Provider(
        "openrouter-responses",
        "openai-responses",
        "https://openrouter.ai/api/v1",
        ("OPENROUTER_API_KEY",),
        ("OPENROUTER_BASE_URL",),
    ),
    Provider(
        "together-completions",
        "openai-completions",
        "https://api.together.ai/v1",
        ("TOGETHER_API_KEY",),
        ("TOGETHER_BASE_URL",),
    ),
    Provider(
        "writer-completions",
        "openai-completions",
        "https://api.writer.com/v1",
        ("WRITER_API_KEY",),
        ("WRITER_BASE_URL",),
        quirks=frozenset({"no_end_mark", "no_stream_options"}),
    ),
    Provider("xai-responses", "openai-responses", "https://api.x.ai/v1", ("XAI_API_KEY",), ("XAI_BASE_URL",)),
)
"""OpenAI's, then in alphabetical order."""
