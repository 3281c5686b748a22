"""The kit: a generated connector is green as it is, registered by its entry point, and a tier says
what the next one lacks.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.kit.package import write_package
from connectors.manifest import Tier, next_tier
from connectors.registry import connector_names, load_connector, load_connectors
from domain.errors import InputError
from gateway.clock import SystemClock
from gateway.commands import connectors_test

TODAY = SystemClock().now().date()


def ran(folder: Path, *command: str, site: Path | None = None) -> str:
    """The output of a command that has to succeed."""
    environ = {**os.environ, "PYTHONPATH": str(site) if site else ""}
    ended = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_a_generated_connector_is_green_registered_and_held_against_the_contract(
    tmp_path: Path,
) -> None:
    knownas = str(Path(sys.executable).with_name("knownas"))
    site = tmp_path / "site"
    listed = ran(tmp_path, knownas, "connectors", "new", "acme_desk")
    assert "acme_desk/acme_desk_knownas/manifest.toml" in listed.splitlines()
    folder = tmp_path / "acme_desk"
    passed = ran(folder, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert "6 passed" in passed
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--target", str(site), "."]
    ran(folder, *install, *offline)
    table = ran(tmp_path, knownas, "connectors", "list", site=site)
    rows = {line.split("\t")[0]: line.split("\t") for line in table.splitlines()}
    assert rows["acme_desk"][1:4] == ["TICKETING", "bronze", "silver: rate_limits"]
    suite = ran(tmp_path, knownas, "connectors", "test", "acme_desk", site=site)
    assert " passed" in suite
    assert "failed" not in suite


@pytest.mark.parametrize("name", ["", "Acme", "1acme", "acme-desk", "../acme", "acme__desk"])
def test_a_name_no_package_can_have_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="small letters"):
        write_package(name, tmp_path / "new", (), TODAY)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is a connector of that name"):
        write_package("hubspot", tmp_path / "new", connector_names(), TODAY)
    with pytest.raises(InputError, match="already there"):
        write_package("acme", tmp_path, connector_names(), TODAY)
    assert list(tmp_path.iterdir()) == []


def test_nothing_below_silver_ships() -> None:
    ours = [one for one in load_connectors() if one.package.startswith("connectors.")]
    below = [one.name for one in ours if one.manifest.tier is Tier.BRONZE]
    assert len(ours) >= 8
    assert below == []


def test_a_tier_says_what_the_next_one_lacks() -> None:
    assert next_tier(load_connector("hubspot").manifest) == (Tier.GOLD, ["identity_measured"])
    assert next_tier(load_connector("rest").manifest) == (None, [])


def test_without_the_source_tree_the_suite_says_where_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(connectors_test, "SUITE", tmp_path / "nothing")
    with pytest.raises(InputError, match="comes with the source tree"):
        connectors_test.command("hubspot")
