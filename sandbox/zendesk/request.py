"""What a request asks for: ids, lists and bodies, refused in Zendesk's words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeVar

from pydantic import BaseModel
from starlette.requests import Request

from sandbox.rows import Row
from sandbox.world import Table
from sandbox.zendesk.errors import invalid_attribute

MOST_IDS: Final = 100

M = TypeVar("M", bound=BaseModel)
R = TypeVar("R", bound=Row)


def by_id(table: Table[R]) -> list[R]:
    return sorted(table.live(), key=lambda row: int(row.id))


def unordered(rows: Iterable[R]) -> list[R]:
    """The order is not promised: this one is neither the asked nor the stored order."""
    return sorted(rows, key=lambda row: row.id[::-1])


def row_id(request: Request, name: str, place: str) -> str:
    value: str = request.path_params[name]
    if not value.isdecimal():
        raise invalid_attribute("id", "must be an integer", place)
    return value


def ids(request: Request) -> list[str]:
    """The `ids` of a show_many request, each once. Raises Refused."""
    given = listed(request, "ids")
    if not given or not all(key.isdecimal() for key in given):
        raise invalid_attribute("ids", "must be an array of integers", "api/v2/show_many")
    return list(dict.fromkeys(given))


def listed(request: Request, name: str) -> list[str]:
    """A list separated by commas. Raises Refused beyond 100 values."""
    values = [part for part in request.query_params.get(name, "").split(",") if part]
    if len(values) > MOST_IDS:
        raise invalid_attribute(name, f"must have at most {MOST_IDS} values", "api/v2/show_many")
    return values


async def body(request: Request, model: type[M]) -> M:
    return model.model_validate_json(await request.body())
