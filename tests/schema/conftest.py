"""The world of fakes, as a fixture: test helpers are not importable by name."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

_PATH = Path(__file__).parents[1] / "fixtures" / "world.py"


def _load() -> ModuleType:
    name = "tests_fixtures_world"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, _PATH)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def fakes() -> ModuleType:
    """The module: `ago`, `NOW`, `EVERYTHING`, `System_`..."""
    return _load()


@pytest.fixture
def world(fakes: ModuleType) -> Any:
    return fakes.World()


@pytest.fixture(scope="session")
def graph() -> Any:
    from schema.graph import build_schema  # noqa: PLC0415  # built once, and not at collection

    return build_schema()


@pytest.fixture
def run(graph: Any, world: Any) -> Any:
    """Execute a query in the world; the answer's errors as (path, code, system)."""

    async def execute(query: str, *, operation: Any = None, **variables: Any) -> Any:
        context = operation or world.operation()
        result = await graph.execute(query, variable_values=variables, context_value=context)
        result.told = [
            (error.path, error.extensions["code"], error.extensions.get("system"))
            for error in result.errors or ()
        ]
        return result

    return execute
