"""Files of GraphQL documents, as people and as build tools write them.

*.graphql       one operation: the text of the file as it is, so that its hash is the file's
                several: each with the fragments it uses, as the library prints them
*.json          {hash: document}, as Relay and GraphQL Code Generator write them, or the manifest
                of Apollo's generator: {"operations": [{"id": hash, "body": document}]}
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from graphql import (
    DocumentNode,
    GraphQLError,
    OperationDefinitionNode,
    parse,
    print_ast,
    separate_operations,
)

from domain.errors import InputError
from gateway.documents import Documents
from gateway.refusals import Refusal

PREFIX: Final = "sha256:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One operation. `place` is set where it is not the file itself."""

    name: str
    text: str
    place: str = ""

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where: printed behind the name of the file."""

    place: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        where = f":{self.line}:{self.column}" if self.line else ""
        return f"{where}: {self.place and self.place + ': '}{self.message}"


def read(file: Path) -> list[Document]:
    """The documents of a file. Raises InputError with the place of what cannot be read."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: is not UTF-8") from error
    found = _of_manifest(file, text) if file.suffix == ".json" else _of_graphql(file, text)
    if not found:
        raise InputError(f"{file}: holds no operation")
    return found


def faults(documents: Sequence[Document], judge: Documents) -> list[Fault]:
    """What keeps documents from being run, in order; at most one for each."""
    return [fault for one in documents if (fault := _fault(one, judge)) is not None]


def _fault(document: Document, judge: Documents) -> Fault | None:
    try:
        judge.prepare(document.text, None)
    except Refusal as refusal:
        first = refusal.errors[0] if refusal.errors else None
        places = first.locations if first is not None else None
        place = places[0] if places else None
        line, column = (place.line, place.column) if place is not None else (0, 0)
        return Fault(document.place, line, column, str(refusal))
    return None


def _of_graphql(file: Path, text: str) -> list[Document]:
    try:
        tree = parse(text)
    except GraphQLError as error:
        where = error.locations[0] if error.locations else None
        place = f":{where.line}:{where.column}" if where else ""
        raise InputError(f"{file}{place}: {error.message}") from error
    operations = _operations(tree)
    if len(operations) <= 1:
        return [Document(name=_name(one), text=text) for one in operations]
    if not all(one.name for one in operations):
        raise InputError(f"{file}: of several operations each needs a name")
    parts = separate_operations(tree)
    if len(parts) < len(operations):
        raise InputError(f"{file}: two operations have the same name")
    return [
        Document(name=name, text=print_ast(part), place=f"operation {name}")
        for name, part in parts.items()
    ]


def _of_manifest(file: Path, text: str) -> list[Document]:
    try:
        decoded = json.loads(text)
    except json.JSONDecodeError as error:
        place = f"{file}:{error.lineno}:{error.colno}"
        raise InputError(f"{place}: is not JSON: {error.msg}") from error
    found: list[Document] = []
    for digest, body in _entries(file, decoded):
        one = Document(name=_told_name(body), text=body, place=f"document {digest[:80]}")
        if digest.removeprefix(PREFIX) != one.digest:
            raise InputError(f"{file}: {one.place}: its text has the hash {one.digest}")
        found.append(one)
    return found


def _entries(file: Path, decoded: Any) -> Iterator[tuple[str, str]]:
    """Hash and text. Raises InputError."""
    pairs: Any = decoded.items() if isinstance(decoded, Mapping) else ()
    if isinstance(decoded, Mapping) and isinstance(decoded.get("operations"), list):
        listed = [one if isinstance(one, Mapping) else {} for one in decoded["operations"]]
        pairs = [(one.get("id"), one.get("body")) for one in listed]
    for digest, body in pairs:
        if not isinstance(digest, str) or not isinstance(body, str):
            raise InputError(f"{file}: must be documents by their hash: {{hash: document}}")
        yield digest, body


def _operations(tree: DocumentNode) -> list[OperationDefinitionNode]:
    return [one for one in tree.definitions if isinstance(one, OperationDefinitionNode)]


def _name(operation: OperationDefinitionNode) -> str:
    return operation.name.value if operation.name else ""


def _told_name(text: str) -> str:
    """Of a document that may be wrong: that is said where it is judged."""
    try:
        operations = _operations(parse(text))
    except GraphQLError:
        return ""
    return _name(operations[0]) if operations else ""
