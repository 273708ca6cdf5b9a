"""Services whose address belongs to an account, a region or a resource: their rows have places, filled from the environment.

House rule: the variables are those that the service's own clients and pages use.
"""

from __future__ import annotations

from bourn.providers.row import Provider

_AZURE_KEY = ("AZURE_OPENAI_API_KEY",)
_AZURE_AUTH = ("api-key", "")
_AZURE_QUIRKS = frozenset({"max_completion_tokens"})
_BEDROCK = "https://bedrock-runtime.{AWS_REGION|AWS_DEFAULT_REGION}.amazonaws.com"
_BEDROCK_KEY = ("AWS_BEARER_TOKEN_BEDROCK",)
_BEDROCK_URL = ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME",)
_BEDROCK_SIGN = ("aws-sigv4", "bedrock", "{AWS_REGION|AWS_DEFAULT_REGION}")

CLOUDS = (
    Provider(
        "azure",
        "openai-chat",
        "{AZURE_OPENAI_ENDPOINT}/openai/v1",
        _AZURE_KEY,
        ("AZURE_OPENAI_BASE_URL",),
        auth=_AZURE_AUTH,
        quirks=_AZURE_QUIRKS,
    ),
    Provider(
        "azure-responses",
        "openai-responses",
        "{AZURE_OPENAI_ENDPOINT}/openai/v1",
        _AZURE_KEY,
        ("AZURE_OPENAI_BASE_URL",),
        auth=_AZURE_AUTH,
    ),
    Provider(  # the older form: the deployment is in the path, the version in the query
        "azure-deployments",
        "openai-chat",
        "{AZURE_OPENAI_ENDPOINT}/openai/deployments/{model}",
        _AZURE_KEY,
        auth=_AZURE_AUTH,
        query={"api-version": "{OPENAI_API_VERSION=2024-10-21}"},
        quirks=_AZURE_QUIRKS,
    ),
    Provider(
        "azure-models",
        "openai-chat",
        "{AZURE_INFERENCE_ENDPOINT}",
        ("AZURE_INFERENCE_CREDENTIAL",),
        auth=_AZURE_AUTH,
        query={"api-version": "2024-05-01-preview"},
    ),
    Provider(
        "azure-anthropic",
        "anthropic",
        "https://{ANTHROPIC_FOUNDRY_RESOURCE}.services.ai.azure.com/anthropic",
        ("ANTHROPIC_FOUNDRY_API_KEY",),
        ("ANTHROPIC_FOUNDRY_BASE_URL",),
    ),
    Provider("bedrock", "bedrock-converse", _BEDROCK, _BEDROCK_KEY, _BEDROCK_URL, sign=_BEDROCK_SIGN),
    Provider("bedrock-invoke", "bedrock-invoke", _BEDROCK, _BEDROCK_KEY, _BEDROCK_URL, sign=_BEDROCK_SIGN),
    Provider(
        "bedrock-openai",
        "openai-chat",
        _BEDROCK + "/openai/v1",
        _BEDROCK_KEY,
        ("BEDROCK_OPENAI_BASE_URL",),
        sign=_BEDROCK_SIGN,
    ),
    Provider(
        "bedrock-openai-responses",
        "openai-responses",
        _BEDROCK + "/openai/v1",
        _BEDROCK_KEY,
        ("BEDROCK_OPENAI_BASE_URL",),
        sign=_BEDROCK_SIGN,
    ),
    Provider(
        "bedrock-mantle",
        "openai-responses",
        "https://bedrock-mantle.{AWS_REGION|AWS_DEFAULT_REGION}.api.aws/openai/v1",
        ("AWS_BEARER_TOKEN_BEDROCK",),
    ),
    Provider(
        "cloudflare",
        "openai-chat",
        "https://api.cloudflare.com/client/v4/accounts/{CLOUDFLARE_ACCOUNT_ID}/ai/v1",
        ("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY"),
    ),
    Provider(
        "cloudflare-run",
        "cloudflare",
        "https://api.cloudflare.com/client/v4/accounts/{CLOUDFLARE_ACCOUNT_ID}",
        ("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY"),
    ),
    Provider("databricks", "openai-chat", "{DATABRICKS_HOST}/serving-endpoints", ("DATABRICKS_TOKEN",)),
    Provider("databricks-gateway", "openai-chat", "{DATABRICKS_HOST}/ai-gateway/mlflow/v1", ("DATABRICKS_TOKEN",)),
    Provider(
        "snowflake",
        "openai-chat",
        "https://{SNOWFLAKE_ACCOUNT}.snowflakecomputing.com/api/v2/cortex/v1",
        ("SNOWFLAKE_PAT", "SNOWFLAKE_CORTEX_PAT"),
    ),
)
"""In alphabetical order of the company."""
