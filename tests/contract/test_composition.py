"""Our graph composes with a subgraph that extends our entities, in Apollo's implementation of
federation and in The Guild's.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
PROJECT = Path(__file__).parent / "composition"


@pytest.fixture(scope="module")
def composed(
    tmp_path_factory: pytest.TempPathFactory, node_environment: dict[str, str]
) -> dict[str, dict[str, object]]:
    folder = tmp_path_factory.mktemp("composition")
    for path in PROJECT.iterdir():
        shutil.copyfile(path, folder / path.name)
    sdl = ROOT / "schema" / "schema.graphql"
    for command in (["npm", "ci", "--no-audit", "--no-fund"], ["node", "compose.mjs", str(sdl)]):
        done = subprocess.run(
            command,
            cwd=folder,
            env=node_environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            pytest.fail(f"NOT RUN: {command[0]} ended with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)


@pytest.mark.parametrize("implementation", ["apollo", "guild"])
def test_the_graph_composes_and_its_entities_can_be_extended(
    composed: dict[str, dict[str, object]], implementation: str
) -> None:
    result = composed[implementation]
    assert result["errors"] == []
    for name in ("loyaltyTier", "pointsEarned", "customerLookup"):
        assert name in str(result["supergraph"])
