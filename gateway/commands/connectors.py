"""`knownas connectors list | show | new | test`."""

from collections.abc import Mapping
from importlib import import_module
from typing import Annotated

import typer

from connectors.manifest import next_tier
from connectors.registry import described, load_connector, load_connectors
from gateway.terminal import say, table

group = typer.Typer(name="connectors", help="Systems that can be read.", no_args_is_help=True)


@group.command("list")
def list_() -> None:
    """Print every connector: name, system, tier, what the next tier lacks, what it is."""
    rows = []
    for one in load_connectors():
        tier, lacking = next_tier(one.manifest)
        lack = f"{tier.value}: {', '.join(lacking) or 'nothing'}" if tier else "-"
        manifest = one.manifest
        rows.append((one.name, manifest.system.value, manifest.tier.value, lack, manifest.title))
    table(("connector", "system", "tier", "lacks for the next", "title"), rows)


@group.command("show")
def show(name: Annotated[str, typer.Argument(help="A connector's name.")]) -> None:
    """Print what a connector can do, its options and its limits."""
    for key, value in described(load_connector(name)).items():
        say(f"{key}: {_text(value)}" if not isinstance(value, Mapping) else f"{key}:")
        if isinstance(value, Mapping):
            for inner, one in value.items():
                say(f"  {inner}: {_text(one)}")


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(one) for one in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


for _name in ("new", "test"):
    _module = import_module(f"gateway.commands.connectors_{_name}")
    group.command(_name)(_module.command)
