"""Our packages have plain names; nobody else's may stand in their place."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from gateway.tree import PACKAGES, ROOT, intruders


def test_our_packages_come_from_our_tree() -> None:
    assert intruders() == []


def test_the_list_of_our_packages_is_whole() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["packages"]
    assert set(PACKAGES) == {name for name in declared if (ROOT / name / "__init__.py").exists()}


def test_a_package_of_somebody_else_is_named_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "knownas_stranger").mkdir()
    (tmp_path / "knownas_stranger" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    (told,) = intruders(["knownas_stranger"])
    assert str(tmp_path / "knownas_stranger" / "__init__.py") in told
    assert str(ROOT / "knownas_stranger") in told


def test_a_package_without_a_file_is_somebody_elses_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "knownas_hollow").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert len(intruders(["knownas_hollow"])) == 1
    assert intruders(["knownas_missing"])[0].startswith("the package knownas_missing is missing")


def test_the_command_does_not_start_with_an_intruder(tmp_path: Path) -> None:
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "__init__.py").write_text("raise SystemExit('the intruder ran')")
    script = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]; "
        "from gateway.cli import main; main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("knownas: the package schema was taken from ")
    assert str(tmp_path) in line


def test_no_locked_distribution_provides_one_of_our_names() -> None:
    text = (ROOT / "requirements.lock").read_text() + (ROOT / "requirements-dev.lock").read_text()
    locked = {name.lower() for name in re.findall(r"^([A-Za-z0-9._-]+)==", text, re.M)}
    assert {"strawberry-graphql", "splink"} <= locked
    provided = packages_distributions()
    for name in PACKAGES:
        assert {one.lower() for one in provided.get(name, [])} & locked == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_says_what_it_is(package: str) -> None:
    assert (ROOT / package / "__init__.py").read_text().startswith('"""')
