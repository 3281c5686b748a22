"""`knownas connectors new NAME`."""

from pathlib import Path
from typing import Annotated

import typer

from connectors.kit.package import write_package
from connectors.registry import connector_names
from gateway.clock import SystemClock
from gateway.terminal import note, say

Name = Annotated[str, typer.Argument(help="What the connector is called, as in acme.")]
Into = Annotated[Path, typer.Option("--into", help="The folder to make NAME in.")]


def command(name: Name, into: Into = Path()) -> None:
    """Write a connector of your own: manifest, code, fixtures and tests that pass as they are."""
    folder = into / name
    today = SystemClock().now().date()
    for path in write_package(name, folder, connector_names(), today):
        say(str(path))
    note(f"next: {folder / 'README.md'}")
