"""What a provider says beside the text, both ways: nothing is lost, and nothing that is odd raises."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.form import Form, listed
from bourn.events import Citation, Other, ServerToolCall
from bourn.testing.strategies import json_values


class _Told(msgspec.Struct):
    url: str
    title: str | None = None


def _read(raw: Any) -> Citation:
    told = msgspec.convert(raw, _Told)
    return Citation(url=told.url, title=told.title)


FORM = Form("note", _read, lambda event: {"url": event.url, "title": event.title})


@given(st.dictionaries(st.sampled_from(["url", "title", "date"]), json_values) | json_values, st.none() | st.integers(0, 9))
def test_what_is_read_is_written_again(raw: Any, index: int | None) -> None:
    """Whatever came: it is an event that becomes the same JSON, or an Other that holds it."""
    event = FORM.take(raw, index)
    assert event.index == index
    assert (event.payload if isinstance(event, Other) else FORM.give(event)) == raw


def test_only_what_the_fields_do_not_say_is_kept() -> None:
    """A form that its fields say whole leaves no raw."""
    assert FORM.take({"url": "u", "title": "t"}) == Citation(url="u", title="t")
    assert FORM.take({"url": "u"}, 3) == Citation(3, "u", raw={"url": "u"})
    assert FORM.take({"title": "t"}, 3) == Other("note", {"title": "t"}, 3)


@pytest.mark.parametrize("raw", [{"url": "other"}, {"uri": "u"}, 7])
def test_the_form_of_another_provider_is_not_written(raw: Any) -> None:
    """A raw that does not say what the fields say, or that is not in this form, is made anew."""
    event = Citation(url="u", raw=raw)
    assert not FORM.fits(event)
    assert FORM.give(event) == {"url": "u", "title": None}


def test_events_without_an_index_have_forms_too() -> None:
    """A server tool belongs to no part."""
    form = Form("tool", lambda raw: ServerToolCall(None, msgspec.convert(raw, str)), lambda event: event.name)
    assert form.take("search") == ServerToolCall(None, "search")
    assert form.give(ServerToolCall(None, "search", raw=7)) == "search"


def test_one_thing_is_a_list_of_one() -> None:
    """Services send one where they mean several, and the other way round."""
    assert (listed([1, 2]), listed({"a": 1})) == ([1, 2], [{"a": 1}])
