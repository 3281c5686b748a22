"""The suite every registered connector gets: one line to its fake vendor for each of them."""

import asyncio
import importlib.util
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from connectors.registry import connector_names

TESTS = Path(__file__).parents[2]


def _harness() -> ModuleType:
    name = "connector_harness"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, TESTS / "connectors" / "harness.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Time is virtual where a connector talks to its fake vendor."""
    if "line" in getattr(item, "fixturenames", ()):
        return {"virtual": _harness().VirtualLoop}
    return {"real": asyncio.new_event_loop}


def pytest_addoption(parser: pytest.Parser) -> None:
    """For `knownas connectors test NAME`, which starts pytest in this folder."""
    parser.addoption("--connector", help="Only this connector.")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "line" in metafunc.fixturenames:
        only = metafunc.config.getoption("--connector", None)
        names = [name for name in connector_names() if only in (None, name)]
        metafunc.parametrize("line", names, indirect=True)


@pytest.fixture(scope="session")
def harness() -> ModuleType:
    return _harness()


@pytest.fixture
def line(request: pytest.FixtureRequest, harness: ModuleType) -> Any:
    """A connector and its fake vendor, with seven rows of each kind."""
    return harness.Line.open(request.param)


@pytest.fixture
def taps(harness: ModuleType) -> Iterator[Any]:
    """Every line logged during the test."""
    taps, root = harness.Taps(), logging.getLogger()
    level = root.level
    root.addHandler(taps)
    root.setLevel(logging.DEBUG)
    yield taps
    root.removeHandler(taps)
    root.setLevel(level)
