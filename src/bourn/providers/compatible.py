"""Services on the net that speak OpenAI's chat completions at an address of their own.

Where a key has several names, the first is the one that the service's own pages use. ``reasoning_content`` and ``reasoning``
stand where a service takes the model's reasoning back under that name, by its documentation or in recorded traffic.

House rule: a row says only what the service's documentation, its own client or recorded traffic says; no account, no row.
"""

from __future__ import annotations

from collections.abc import Mapping

from bourn.providers.row import Provider


def _row(
    name: str,
    base_url: str,
    *key_env: str,
    quirks: tuple[str, ...] = (),
    default_model: str | None = None,
    paths: Mapping[str, str] = {},
) -> Provider:
    return Provider(name, "openai-chat", base_url, key_env, quirks=frozenset(quirks), default_model=default_model, paths=paths)


_MOONSHOT = ("reasoning_content", "max_completion_tokens")

COMPATIBLE = (
    _row(
        "openrouter",
        "https://openrouter.ai/api/v1",
        "OPENROUTER_API_KEY",
        quirks=("reasoning",),
        default_model="openrouter/auto",
    ),
    _row("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", default_model="openai/gpt-oss-120b"),
    _row(
        "deepseek",
        "https://api.deepseek.com",
        "DEEPSEEK_API_KEY",
        quirks=("reasoning_content",),
        default_model="deepseek-v4-flash",
    ),
    _row("xai", "https://api.x.ai/v1", "XAI_API_KEY", default_model="grok-4.3"),
    _row("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY", default_model="gpt-oss-120b"),
    _row("ai21", "https://api.ai21.com/studio/v1", "AI21_API_KEY"),
    _row("avian", "https://api.avian.io/v1", "AVIAN_API_KEY", quirks=("reasoning_content",)),
    _row("baseten", "https://inference.baseten.co/v1", "BASETEN_API_KEY"),
    _row("byteplus", "https://ark.ap-southeast.bytepluses.com/api/v3", "ARK_API_KEY"),
    _row("chutes", "https://llm.chutes.ai/v1", "CHUTES_API_KEY"),
    _row("clarifai", "https://api.clarifai.com/v2/ext/openai/v1", "CLARIFAI_PAT"),
    _row("crusoe", "https://api.inference.crusoecloud.com/v1", "CRUSOE_API_KEY"),
    _row("deepinfra", "https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY", "DEEPINFRA_TOKEN"),
    _row("digitalocean", "https://inference.do-ai.run/v1", "DIGITALOCEAN_ACCESS_TOKEN"),
    _row("doubleword", "https://api.doubleword.ai/v1", "DOUBLEWORD_API_KEY", quirks=("reasoning_content",)),
    _row("featherless", "https://api.featherless.ai/v1", "FEATHERLESS_API_KEY"),
    _row("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    _row("friendli", "https://api.friendli.ai/serverless/v1", "FRIENDLI_TOKEN"),
    _row("helicone", "https://ai-gateway.helicone.ai/v1", "HELICONE_API_KEY"),
    _row("huggingface", "https://router.huggingface.co/v1", "HF_TOKEN"),
    _row("hyperbolic", "https://api.hyperbolic.xyz/v1", "HYPERBOLIC_API_KEY"),
    _row("inception", "https://api.inceptionlabs.ai/v1", "INCEPTION_API_KEY"),
    _row("inference-net", "https://api.inference.net/v1", "INFERENCE_API_KEY"),
    _row("io-net", "https://api.intelligence.io.solutions/api/v1", "IOINTELLIGENCE_API_KEY"),
    _row("modelscope", "https://api-inference.modelscope.cn/v1", "MODELSCOPE_API_KEY"),
    _row("moonshot", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY", quirks=_MOONSHOT),
    _row("moonshot-cn", "https://api.moonshot.cn/v1", "MOONSHOT_API_KEY", quirks=_MOONSHOT),
    _row("nebius", "https://api.tokenfactory.nebius.com/v1", "NEBIUS_API_KEY"),
    _row("novita", "https://api.novita.ai/openai/v1", "NOVITA_API_KEY"),
    _row("nscale", "https://inference.api.nscale.com/v1", "NSCALE_SERVICE_TOKEN", "NSCALE_API_KEY"),
    _row("nvidia", "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY", "NVIDIA_NIM_API_KEY"),
    _row("ovhcloud", "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1", "OVHCLOUD_API_KEY"),
    _row("parasail", "https://api.parasail.io/v1", "PARASAIL_API_KEY"),
    _row("poe", "https://api.poe.com/v1", "POE_API_KEY"),
    _row("pollinations", "https://gen.pollinations.ai/v1", "POLLINATIONS_API_KEY"),
    _row("qwen", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY"),
    _row("qwen-cn", "https://dashscope.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY"),
    _row("requesty", "https://router.requesty.ai/v1", "REQUESTY_API_KEY"),
    _row("sambanova", "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
    _row("scaleway", "https://api.scaleway.ai/v1", "SCW_SECRET_KEY", "SCALEWAY_API_KEY"),
    _row("siliconflow", "https://api.siliconflow.com/v1", "SILICONFLOW_API_KEY"),
    _row("siliconflow-cn", "https://api.siliconflow.cn/v1", "SILICONFLOW_CN_API_KEY", "SILICONFLOW_API_KEY"),
    _row("stepfun", "https://api.stepfun.com/v1", "STEPFUN_API_KEY"),
    _row("together", "https://api.together.ai/v1", "TOGETHER_API_KEY"),
    _row("upstage", "https://api.upstage.ai/v1/solar", "UPSTAGE_API_KEY"),
    _row("venice", "https://api.venice.ai/api/v1", "VENICE_API_KEY"),
    _row("vercel", "https://ai-gateway.vercel.sh/v1", "AI_GATEWAY_API_KEY"),
    _row("volcengine", "https://ark.cn-beijing.volces.com/api/v3", "ARK_API_KEY"),
    _row("vultr", "https://api.vultrinference.com/v1", "VULTR_API_KEY"),
    _row("wandb", "https://api.inference.wandb.ai/v1", "WANDB_API_KEY"),
    _row("writer", "https://api.writer.com/v1", "WRITER_API_KEY", paths={"/chat/completions": "/chat"}),
    _row("xiaomi", "https://api.xiaomimimo.com/v1", "MIMO_API_KEY", "XIAOMI_API_KEY", quirks=("max_completion_tokens",)),
    _row("zai", "https://api.z.ai/api/paas/v4", "ZAI_API_KEY", "ZHIPU_API_KEY", quirks=("reasoning_content",)),
    _row("zai-coding", "https://api.z.ai/api/coding/paas/v4", "ZAI_API_KEY", "ZHIPU_API_KEY", quirks=("reasoning_content",)),
    _row("zhipu", "https://open.bigmodel.cn/api/paas/v4", "ZHIPU_API_KEY", quirks=("reasoning_content",)),
)
"""The five that ``bourn chat`` can choose by itself, then the others in alphabetical order."""
