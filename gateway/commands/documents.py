"""`knownas documents add`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from domain.errors import InputError
from gateway.app import is_introspectable
from gateway.commands.parameters import DEFAULT_CONFIG, ConfigFile, configured
from gateway.config import Config
from gateway.documents import Documents
from gateway.manifests import Document, Fault, faults, read
from gateway.server import run
from gateway.terminal import note, say
from schema.graph import build_schema
from state.engine import open_state

group = typer.Typer(name="documents", help="What may be run by its hash.", no_args_is_help=True)

File = Annotated[
    Path,
    typer.Argument(help="GraphQL with one or more operations, or a manifest: JSON by hash."),
]


@group.callback()
def _group() -> None:
    """Keeps `add` a command of its own."""


@group.command("add")
def add(file: File, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Trust the operations of a file; prints the hash of each. Nothing is added where one of them
    is not of this graph.
    """
    settings = configured(config)
    documents = read(file)
    wrong = faults(documents, _judge(settings))
    if wrong:
        _refuse(file, wrong)
    added = run(_stored(settings, documents))
    for one in documents:
        say(f"{one.digest}\t{one.name}")
    note(f"{added} added, {len(documents) - added} were trusted already")


def _judge(config: Config) -> Documents:
    """As the server judges them."""
    graph = build_schema()._schema  # Strawberry has no other name for it
    return Documents(graph, config.limits, introspection=is_introspectable(config))


def _refuse(file: Path, wrong: Sequence[Fault]) -> None:
    for fault in wrong[1:]:
        note(f"{file}{fault}")
    raise InputError(f"{file}{wrong[0]} (nothing was added)")


async def _stored(config: Config, documents: Sequence[Document]) -> int:
    state = open_state(config.state.url.reveal())
    try:
        await state.upgrade()
        return await state.documents.add({one.digest: one.text for one in documents})
    finally:
        await state.close()
