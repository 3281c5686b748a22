"""What every question of a mapping is made of: who puts it, and how its answer is read."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from connectors.mapped.paging import Paging, link_header
from connectors.mapped.paths import Path
from connectors.mapped.rules import path_of
from connectors.mapped.tables import Table
from connectors.mapped.templates import Blank, Values
from connectors.reading import RowError, identifier
from connectors.request import Request
from connectors.spec import BY_CHARACTER, Figure, Page, any_id
from domain.ids import Kind
from domain.slots import quick

UNKNOWN = frozenset({404, 410})
"""What a source may say of one thing it does not have."""
_NUMBER = re.compile("[0-9]+").fullmatch
"""As `decimal_id`. Like the next, it is asked of every id, so it is no function of Python's."""
_IN_ONE_PIECE = re.compile(r"[^, ;|]+").fullmatch
BY_CHARACTER.update((_NUMBER, _IN_ONE_PIECE))

Ask = Callable[[Values], Request]
_page = quick(Page)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a transport is told about a question: its name, its blank, what an empty answer is."""

    name: str
    blank: Blank
    empty: frozenset[int] = frozenset()


class Transport(Protocol):
    """How questions are put: as HTTP requests, GraphQL operations or SQL statements."""

    one_is_a_row: bool
    """Whether an answer may be one object in place of a list of them."""

    def question(self, form: Table, wanted: Wanted) -> Ask:
        """Reads its own keys of the form; what is wrong is noted there."""
        ...

    def scoped(self, form: Table) -> bool:
        """Whether the question itself, and not a filter beside it, says whose rows are meant."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What the forms of one kind share. `integer`: its ids are numbers; `id_path` is where they
    stand in a row; `owners` where a row names its customer.
    """

    kind: Kind
    transport: Transport
    id_path: Path
    owners: Path | None
    integer: bool


def ids_of(ids: Sequence[str], one: str, many: str, integer: bool) -> dict[str, Any]:
    shown: Sequence[Any] = [int(each) for each in ids] if integer else list(ids)
    return {one: shown[0], many: shown}


def valid_ids(integer: bool, size: int) -> Callable[[str], object]:
    """Which ids can be asked for: a separator in one would make two of it."""
    if integer:
        return _NUMBER
    return any_id if size == 1 else _IN_ONE_PIECE


def page_places(paging: Paging) -> Collection[str]:
    place = {"page": "page", "offset": "offset", "cursor": "cursor"}.get(paging.style)
    return (place,) if place else ()


def check_places(form: Table, blank: Blank, paging: Paging) -> None:
    for place in page_places(paging):
        if place not in blank.used:
            form.wrong("page.style", f"is {paging.style}, and {{{place}}} is nowhere asked for")


def follow_of(paging: Paging) -> Callable[[Mapping[str, str]], str | None] | None:
    return link_header if paging.style == "link" and paging.next is None else None


def question_name(desk: Desk, form: str) -> str:
    return f"{desk.kind.name.lower()}.{form}"


def figure(value: int, key: str) -> Figure:
    return Figure(value, f"the mapping of this source: {key}")


def reader(
    form: Table, desk: Desk, paging: Paging, deleted: Path | None = None
) -> Callable[[Any, Any], Page]:
    """Rows of an answer: a list, or one object. Raises RowError for anything else."""
    path = path_of(form, "rows", form.text("rows", "@"))
    one_is_a_row, id_path = desk.transport.one_is_a_row, desk.id_path
    at_top, one_page = path.text == "@", paging.style == "none"

    def read(data: Any, asked: Any) -> Page:
        rows = data if at_top else path(data)
        if one_is_a_row and isinstance(rows, dict):
            rows = [rows]
        if not isinstance(rows, list) or (rows and not isinstance(rows[0], dict)):
            raise RowError("no rows where they should be")
        cursor = None
        if not one_page:
            limit = getattr(asked, "limit", paging.size)
            cursor = paging.following(data, rows, getattr(asked, "cursor", None), limit)
        if deleted is None:
            return _page(rows=rows, cursor=cursor)
        gone = [row for row in rows if deleted(row)]
        kept = [row for row in rows if not deleted(row)]
        return Page(rows=kept, cursor=cursor, deleted=[identifier(id_path(row)) for row in gone])

    return read
