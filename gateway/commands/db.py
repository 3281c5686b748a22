"""`knownas db upgrade`."""

import typer

from gateway.commands.parameters import DEFAULT_CONFIG, ConfigFile, configured
from gateway.server import run
from gateway.terminal import say
from state.engine import open_state

group = typer.Typer(name="db", help="The state store.", no_args_is_help=True)


@group.callback()
def _group() -> None:
    """Keeps `upgrade` a command of its own."""


@group.command("upgrade")
def upgrade(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Bring the state store to what this release needs; harmless to repeat."""
    run(_upgrade(configured(config).state.url.reveal()))
    say("the state store is up to date")


async def _upgrade(url: str) -> None:
    state = open_state(url)
    try:
        await state.upgrade()
    finally:
        await state.close()
