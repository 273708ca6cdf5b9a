"""What holds for `tests/` and `examples/` alike: both run with pytest-asyncio, and all but one file without it."""

from pathlib import Path

import pytest

NEEDS_IT = Path(__file__).parent / "examples" / "test_async_iterator.py"


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Without pytest-asyncio its setting in pyproject.toml is nobody's, and `--strict-config` would refuse it."""
    if not pluginmanager.hasplugin("asyncio"):
        parser.addini("asyncio_default_fixture_loop_scope", "pytest-asyncio's, which is not installed")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what needs pytest-asyncio where it is not there; `None` leaves the decision to others."""
    return True if collection_path == NEEDS_IT and not config.pluginmanager.hasplugin("asyncio") else None


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say what is left out."""
    if config.pluginmanager.hasplugin("asyncio"):
        return []
    return [f"pytest-asyncio is not installed: {NEEDS_IT.name} is left out"]
