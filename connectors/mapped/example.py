"""The worked example of a kind of connector: `example.toml` in its package."""

import importlib.resources
import tomllib
from typing import Any


def example(package: str) -> dict[str, Any]:
    text = (importlib.resources.files(package) / "example.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
