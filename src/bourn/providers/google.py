"""Google's services: the Gemini API, the same models at Vertex, and Anthropic's there.

Vertex takes an access token of a cloud project (``gcloud auth print-access-token``), in a region or world-wide, or, in its
express mode, an API key. The locations ``us`` and ``eu`` are reached at hosts of another form (multi-region).

House rule: the variables are those of Google's own clients.
"""

from __future__ import annotations

from bourn.providers.row import Provider

_GEMINI = "https://generativelanguage.googleapis.com"
_KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
_URL = ("GOOGLE_GEMINI_BASE_URL",)
_TOKENS = ("GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN")
_BEARER = ("authorization", "Bearer ")
_VERTEX = frozenset({"vertex"})

GOOGLE = (
    Provider("gemini", "gemini", _GEMINI, _KEYS, _URL, default_model="gemini-flash-latest"),
    Provider("google", "gemini", _GEMINI, _KEYS, _URL),
    Provider(
        "vertex",
        "gemini",
        "https://{GOOGLE_CLOUD_LOCATION}-aiplatform.googleapis.com/v1"
        "/projects/{GOOGLE_CLOUD_PROJECT}/locations/{GOOGLE_CLOUD_LOCATION}",
        _TOKENS,
        auth=_BEARER,
        quirks=_VERTEX,
    ),
    Provider(
        "vertex-global",
        "gemini",
        "https://aiplatform.googleapis.com/v1/projects/{GOOGLE_CLOUD_PROJECT}/locations/global",
        _TOKENS,
        auth=_BEARER,
        quirks=_VERTEX,
    ),
    Provider(
        "vertex-multi-region",
        "gemini",
        "https://aiplatform.{GOOGLE_CLOUD_LOCATION}.rep.googleapis.com/v1"
        "/projects/{GOOGLE_CLOUD_PROJECT}/locations/{GOOGLE_CLOUD_LOCATION}",
        _TOKENS,
        auth=_BEARER,
        quirks=_VERTEX,
    ),
    Provider(
        "vertex-anthropic",
        "anthropic-vertex",
        "https://{CLOUD_ML_REGION|GOOGLE_CLOUD_LOCATION}-aiplatform.googleapis.com/v1"
        "/projects/{ANTHROPIC_VERTEX_PROJECT_ID|GOOGLE_CLOUD_PROJECT}/locations/{CLOUD_ML_REGION|GOOGLE_CLOUD_LOCATION}",
        _TOKENS,
    ),
    Provider(
        "vertex-anthropic-global",
        "anthropic-vertex",
        "https://aiplatform.googleapis.com/v1/projects/{ANTHROPIC_VERTEX_PROJECT_ID|GOOGLE_CLOUD_PROJECT}/locations/global",
        _TOKENS,
    ),
    Provider(
        "vertex-anthropic-multi-region",
        "anthropic-vertex",
        "https://aiplatform.{CLOUD_ML_REGION|GOOGLE_CLOUD_LOCATION}.rep.googleapis.com/v1"
        "/projects/{ANTHROPIC_VERTEX_PROJECT_ID|GOOGLE_CLOUD_PROJECT}/locations/{CLOUD_ML_REGION|GOOGLE_CLOUD_LOCATION}",
        _TOKENS,
    ),
    Provider("vertex-express", "gemini", "https://aiplatform.googleapis.com/v1", ("GOOGLE_API_KEY",), quirks=_VERTEX),
)
"""The usual one first."""
