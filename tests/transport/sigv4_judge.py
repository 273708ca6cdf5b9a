"""A second reading of AWS Signature Version 4: from a request as a server received it to the signature that it must have.

Written from https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html; it shares no code with
botocore, and is itself held to AWS's published vectors in ``test_sigv4``.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import quote

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<scope>(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request), "
    r"SignedHeaders=(?P<names>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)


def signature(secret: str, method: str, path: str, headers: Mapping[str, str], body: bytes) -> str:
    """The signature that the request has to have, by its own ``authorization`` and date; ``path`` is as received."""
    told = _AUTHORIZATION.fullmatch(headers["authorization"])
    assert told is not None
    names = told["names"].split(";")
    canonical = "\n".join(
        [
            method,
            quote(path, safe="/-_.~"),  # encoded once more: S3 alone does without
            "",  # no query
            *(f"{name}:{' '.join(headers[name].split())}" for name in names),
            "",
            told["names"],
            hashlib.sha256(body).hexdigest(),
        ]
    )
    date = headers["x-amz-date"]
    assert date.startswith(told["day"])
    text = "\n".join(["AWS4-HMAC-SHA256", date, told["scope"], hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + secret.encode()
    for word in (told["day"], told["region"], told["service"], "aws4_request", text):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    return key.hex()


def claimed(headers: Mapping[str, str]) -> dict[str, str]:
    """What the ``authorization`` header says: ``key``, ``region``, ``service``, ``names``, ``signature``."""
    told = _AUTHORIZATION.fullmatch(headers["authorization"])
    assert told is not None
    return told.groupdict()
