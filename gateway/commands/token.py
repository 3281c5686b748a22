"""`knownas token new`."""

from typing import Annotated

import typer

from domain.errors import InputError
from gateway.auth import new_token
from gateway.scopes import SCOPES
from gateway.source_settings import unknown
from gateway.terminal import note, say

group = typer.Typer(name="token", help="Tokens of callers.", no_args_is_help=True)

Scopes = Annotated[str, typer.Option(help=f"Separated by commas, of: {', '.join(sorted(SCOPES))}.")]
Name = Annotated[str, typer.Option(help="Who will call with it.")]


@group.callback()
def _group() -> None:
    """Keeps `new` a command of its own."""


@group.command("new")
def new(scopes: Scopes, name: Name = "caller") -> None:
    """Print a new token, this once, and the lines of the configuration that let it in."""
    wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    for scope in wanted:
        if scope not in SCOPES:
            raise InputError(f"--scopes: {scope}: {unknown(scope, SCOPES, 'unknown')}")
    if not name.isprintable() or '"' in name or "\\" in name:
        raise InputError("--name: letters, digits, spaces and signs other than quotes")
    made = new_token(name, wanted)
    say(made.token)
    note("The token is shown this once. In the configuration:")
    say()
    say(made.lines)
