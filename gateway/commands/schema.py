"""`knownas schema print | diff`."""

from pathlib import Path
from typing import Annotated

import typer
from graphql import GraphQLError, GraphQLSchema, build_schema, find_schema_changes
from graphql.utilities import BreakingChange, DangerousChange

from domain.errors import InputError
from gateway.terminal import say
from schema.graph import build_schema as build_own

group = typer.Typer(name="schema", help="The public graph.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="A file in the GraphQL schema language.")]


@group.command("print")
def print_() -> None:
    """Print the schema this release serves."""
    say(build_own().as_str().rstrip())


@group.command("diff")
def diff(old: File, new: File) -> None:
    """Print what changed between two schemas; exit 1 where something breaks clients."""
    changes = find_schema_changes(_read(old), _read(new))
    for change in changes:
        say(f"{_kind(change)}\t{change.type.name}\t{change.description}")
    if any(isinstance(change, BreakingChange) for change in changes):
        raise typer.Exit(1)


def _kind(change: object) -> str:
    if isinstance(change, BreakingChange):
        return "breaking"
    return "dangerous" if isinstance(change, DangerousChange) else "safe"


def _read(path: Path) -> GraphQLSchema:
    try:
        # Federation's directives are used without being defined: the router knows them.
        return build_schema(path.read_text(encoding="utf-8"), assume_valid_sdl=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (GraphQLError, UnicodeDecodeError, TypeError) as error:
        reason = str(error).split("\n", 1)[0]
        raise InputError(f"{path}: is not a GraphQL schema: {reason}") from error
