"""Which release this is."""

import tomllib
from importlib.metadata import PackageNotFoundError, version

from gateway.tree import ROOT


def release() -> str:
    """As it was installed, else as the tree says that is run where it lies."""
    try:
        return version("knownas")
    except PackageNotFoundError:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        return str(project["project"]["version"])
