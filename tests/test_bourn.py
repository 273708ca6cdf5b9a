"""The package itself: its public names, and what an import costs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import bourn

HEAVY = ("aiohttp", "asyncio", "ssl", "xllamacpp", "pytest", "hypothesis", "http.client")


def loaded_by(code: str) -> set[str]:
    """The modules that are loaded after `code` ran in an interpreter of its own."""
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_an_import_loads_nothing_heavy() -> None:
    """`import bourn` loads neither aiohttp nor anything else that costs."""
    assert not loaded_by("import bourn").intersection(HEAVY)


def test_a_program_that_has_asyncio_loads_all_that_a_call_needs() -> None:
    """There the first call comes from inside a loop, which an import would hold up."""
    used = "bourn.stream('openai/m', 'hi', base_url='http://127.0.0.1:9', timeouts=bourn.Timeouts())"
    before, after = loaded_by("import asyncio, bourn"), loaded_by(f"import asyncio, bourn; {used}")
    assert not {name for name in after - before if name.startswith("bourn")}
    assert "aiohttp" not in before


def test_making_a_stream_does_not_load_the_http_client() -> None:
    """The HTTP client is loaded when the first request goes out, not when a stream is made."""
    code = "import bourn; bourn.stream('openai/m', 'hi', base_url='http://127.0.0.1:9')"
    assert "aiohttp" not in loaded_by(code)


def test_making_a_stream_does_not_load_the_dialect() -> None:
    """Nor is the dialect loaded then: a stream is made in the loop's thread, which would stand still."""
    code = "import bourn; bourn.stream('openai/m', 'hi', base_url='http://127.0.0.1:9')"
    assert not [name for name in loaded_by(code) if name.startswith("bourn.dialects.openai")]


@pytest.mark.parametrize("name", bourn.__all__)
def test_every_public_name_is_there(name: str) -> None:
    """Each name in `__all__` can be had, is documented, and is listed for type checkers."""
    assert getattr(bourn, name).__doc__
    source = Path(bourn.__file__).read_text()
    assert re.search(rf"^    from bourn\.[\w.]+ import {name} as {name}$", source, re.MULTILINE)


def test_the_list_and_the_table_of_public_names_agree() -> None:
    """`__all__`, which type checkers read, is the table from which names are loaded."""
    assert sorted(bourn._NAMES) == sorted(bourn.__all__)


def test_a_public_module_needs_no_import_of_its_own() -> None:
    """`bourn.sync` is there after `import bourn`, and is loaded when it is first used."""
    assert "bourn.sync" not in loaded_by("import bourn")
    assert "bourn.sync" in loaded_by("import bourn; bourn.sync.stream")


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A name that is not there is an AttributeError, as for any module."""
    with pytest.raises(AttributeError, match="no attribute 'strem'"):
        bourn.strem  # noqa: B018 - the access is the test


def test_the_function_stream_is_not_hidden_by_a_module() -> None:
    """Whichever module is imported first, `bourn.stream` is the function."""
    assert loaded_by("import bourn.client, bourn.streams, bourn; assert callable(bourn.stream)")
