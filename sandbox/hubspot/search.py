"""The search endpoint: groups of filters, free text, sorting and pages.

Source: CRM search guide. Limits: 5 filter groups of 6 filters, 18 in all; 200 results a page;
10,000 in all; a request of 3,000 characters; archived contacts are never found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from sandbox.hubspot.errors import invalid
from sandbox.hubspot.filters import Filter, comparable, predicate
from sandbox.hubspot.properties import KNOWN, value
from sandbox.rows import CrmContact

MOST_GROUPS: Final = 5
MOST_FILTERS_A_GROUP: Final = 6
MOST_FILTERS: Final = 18
MOST_A_PAGE: Final = 200
MOST_RESULTS: Final = 10_000

# What `query` looks at, by the search guide's table for contacts.
_FREE_TEXT: Final = (
    "firstname",
    "lastname",
    "email",
    "phone",
    "mobilephone",
    "company",
    "hs_additional_emails",
)


class FilterGroup(BaseModel):
    filters: list[Filter]


class Sort(BaseModel):
    propertyName: str
    direction: Literal["ASCENDING", "DESCENDING"] = "ASCENDING"


class SearchRequest(BaseModel):
    """The body. `sorts` takes names ("-name" descends), the object form, or that object as text."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    query: str | None = None
    limit: int = 10
    after: str = "0"
    sorts: list[Sort | str] = []
    properties: list[str] = []
    filterGroups: list[FilterGroup] = []


def found(rows: Iterable[CrmContact], request: SearchRequest) -> list[CrmContact]:
    """Every contact the request matches, sorted; pages are the caller's. Raises Refused."""
    _check_size(request)
    groups = [[predicate(rule) for rule in group.filters] for group in request.filterGroups]
    words = (request.query or "").lower().split()
    hits = [
        row
        for row in rows
        if (not groups or any(all(passes(row) for passes in group) for group in groups))
        and all(_says(row, word) for word in words)
    ]
    return _sorted(hits, request.sorts)


def window(request: SearchRequest) -> tuple[int, int]:
    """Where the page asked for starts and ends. Raises Refused beyond the limits."""
    if not 1 <= request.limit <= MOST_A_PAGE:
        raise invalid(f"limit must be between 1 and {MOST_A_PAGE}, was {request.limit}")
    if not request.after.isdecimal():
        raise invalid(f"after must be a number, was {request.after!r}")
    start = int(request.after)
    if start + request.limit > MOST_RESULTS:
        raise invalid(f"paging beyond {MOST_RESULTS} results is not supported")
    return start, start + request.limit


def _check_size(request: SearchRequest) -> None:
    sizes = [len(group.filters) for group in request.filterGroups]
    if len(sizes) > MOST_GROUPS:
        raise invalid(f"filterGroups: at most {MOST_GROUPS}, were {len(sizes)}")
    if any(size > MOST_FILTERS_A_GROUP for size in sizes) or sum(sizes) > MOST_FILTERS:
        raise invalid(
            f"filters: at most {MOST_FILTERS_A_GROUP} a group and {MOST_FILTERS} in all, "
            f"were {sizes}"
        )


def _says(row: CrmContact, word: str) -> bool:
    """Whether some token of the searched properties begins with the word."""
    texts = ((value(row, name) or "").lower() for name in _FREE_TEXT)
    return any(
        token.startswith(word) for text in texts for token in [text, *re.split(r"[\s@.;]+", text)]
    )


def _sorted(rows: list[CrmContact], sorts: list[Sort | str]) -> list[CrmContact]:
    """By the one sort HubSpot allows, empty values last; ties and no sort at all by id."""
    if len(sorts) > 1:
        raise invalid(f"sorts: at most 1 is supported, were {len(sorts)}")
    by_id = sorted(rows, key=lambda row: int(row.id))
    if not sorts:
        return by_id
    sort = _parsed_sort(sorts[0])
    filled = [row for row in by_id if value(row, sort.propertyName) is not None]
    empty = [row for row in by_id if value(row, sort.propertyName) is None]
    falling = sort.direction == "DESCENDING"
    return (
        sorted(filled, key=lambda row: _sort_key(row, sort.propertyName), reverse=falling) + empty
    )


def _sort_key(row: CrmContact, name: str) -> tuple[int, str]:
    key = comparable(name, value(row, name) or "")
    return (key, "") if isinstance(key, int) else (0, key)


def _parsed_sort(given: Sort | str) -> Sort:
    if isinstance(given, Sort):
        sort = given
    elif given.startswith("{"):
        sort = Sort.model_validate_json(given)
    else:
        falling = given.startswith("-")
        sort = Sort(
            propertyName=given.removeprefix("-"),
            direction="DESCENDING" if falling else "ASCENDING",
        )
    if sort.propertyName not in KNOWN:
        raise invalid(f"cannot sort by {sort.propertyName!r}: no such property")
    return sort
