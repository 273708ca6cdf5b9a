"""Base64 and data URLs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.media import read_base64, read_data_url, write_base64, write_data_url


@given(st.binary(max_size=20))
def test_bytes_survive(data: bytes) -> None:
    """Written and read, bytes are the same again."""
    assert read_base64(write_base64(data)) == data
    assert read_data_url(write_data_url("image/png", data)) == ("image/png", data)


@pytest.mark.parametrize("text", ["?", "QQ", None, 7, "Grüße"])
def test_what_is_no_base64_is_nothing(text: object) -> None:
    """None, and no error."""
    assert read_base64(text) is None


@pytest.mark.parametrize("url", ["https://a/b.png", "data:image/png,x", "data:image/png;base64,?", ""])
def test_what_is_no_data_url_is_nothing(url: str) -> None:
    """An address, another encoding, or bytes that are none."""
    assert read_data_url(url) is None
