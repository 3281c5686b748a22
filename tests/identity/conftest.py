"""A connection of one's own, and the people with truth that lie beside the repository."""

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from identity.engine import engine


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with engine() as opened:
        yield opened


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs people who are not in the repository is not for `make test` of a bare clone."""
    for item in items:
        needs = "people_1k" in getattr(item, "fixturenames", ())
        if needs and item.get_closest_marker("engines") is None:
            item.add_marker(pytest.mark.contract)


@pytest.fixture(scope="session")
def people_1k() -> Path:
    shared = os.environ.get("KNOWNAS_SHARED")
    root = Path(shared) if shared else Path(__file__).parents[3] / "shared"
    return root / "data" / "identity" / "people-dev-1k"
