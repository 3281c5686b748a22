"""Parameters that several commands share, and the configuration they lead to."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from gateway import logs
from gateway.config import Config
from gateway.config_file import load

ConfigFile = Annotated[
    Path,
    typer.Option(
        "--config", "-c", help="The configuration, docs/configuration.md.", metavar="FILE"
    ),
]
DEFAULT_CONFIG = Path("knownas.toml")


def configured(path: Path) -> Config:
    """The configuration, for a command that ends: it tells what it did itself, so that its log has
    errors only, unless debugging was asked for.
    """
    config = load(path)
    level = "debug" if config.log.level == "debug" else "error"
    logs.configure(config.log.model_copy(update={"level": level}))
    return config


def configured_to_serve(path: Path, overrides: Mapping[str, object | None]) -> Config:
    """The configuration with what the command line says put over it."""
    given = {key: value for key, value in overrides.items() if value is not None}
    config = load(path, overrides=given)
    logs.configure(config.log)
    return config
