"""Images and speech on the wire: base64, and data URLs (RFC 2397).

House rule: reading never fails; what is no base64 is ``None``.
"""

from __future__ import annotations

import base64
import binascii

_MARK = ";base64,"


def read_base64(text: object) -> bytes | None:
    """The bytes of a base64 text, ``None`` where it is none."""
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except (binascii.Error, ValueError):
        return None


def write_base64(data: bytes) -> str:
    """Bytes as base64."""
    return base64.b64encode(data).decode()


def read_data_url(url: str) -> tuple[str, bytes] | None:
    """Media type and bytes of a ``data:`` URL in base64; ``None`` for any other URL."""
    head, mark, text = url.partition(_MARK)
    if not (mark and head.startswith("data:")):
        return None
    data = read_base64(text)
    return None if data is None else (head.removeprefix("data:"), data)


def write_data_url(media_type: str, data: bytes) -> str:
    """A ``data:`` URL in base64."""
    return f"data:{media_type}{_MARK}{write_base64(data)}"
