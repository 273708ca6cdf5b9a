"""AWS Signature Version 4, with the credential chain and the signer of botocore: the only module that knows it.

Loaded when a call is first signed. Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html.
House rule: botocore's signer is used in its parts, since as a whole it logs what it signs, the session's token included.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from bourn.transport.signing import CredentialsError

_COVERED = frozenset({"content-type"})
"""The headers that are signed beside the host and the date: proxies may change others."""

_IDENTITY = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")
"""The variables that say whose credentials are wanted; when one changes they are looked up anew."""


def sign(scope: tuple[str, ...], method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """The headers that sign a call. ``scope`` is the service's name and the region. Blocks; raises ``CredentialsError``.

    Credentials come from where every AWS tool has them (environment, files, SSO, a process, the machine's role), are kept, and
    refreshed when they expire.
    """
    service, region = scope
    return signature(_credentials(), service, region, method, url, headers, body, datetime.now(UTC))


def signature(
    credentials: Any,
    service: str,
    region: str,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
) -> dict[str, str]:
    """The headers that sign a call made ``now`` with ``credentials`` (``access_key``, ``secret_key``, ``token``)."""
    added = {"x-amz-date": now.strftime(SIGV4_TIMESTAMP)}
    if credentials.token:
        added["x-amz-security-token"] = credentials.token
    covered = {name: value for name, value in headers.items() if name in _COVERED}
    request = AWSRequest(method, url, headers=covered | added, data=body)
    request.context["timestamp"] = added["x-amz-date"]
    signer = SigV4Auth(credentials, service, region)
    proof = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    names = signer.signed_headers(signer.headers_to_sign(request))
    who = signer.scope(request)
    return added | {"authorization": f"AWS4-HMAC-SHA256 Credential={who}, SignedHeaders={names}, Signature={proof}"}


def _credentials() -> Any:
    try:
        found = _found(*(os.environ.get(name) for name in _IDENTITY))
        return found.get_frozen_credentials()
    except (BotoCoreError, ClientError) as error:
        raise CredentialsError(" ".join(str(error).split())) from error


@lru_cache(maxsize=8)
def _found(*_: str | None) -> Any:
    """The credentials that botocore's chain finds; they refresh themselves. That there are none is not kept."""
    found = Session().get_credentials()
    if found is None:
        raise CredentialsError("none were found in the environment, in ~/.aws, or from the machine's role")
    return found
