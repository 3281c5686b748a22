"""What several types share: nodes, pages, where a value came from and how its source is."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import strawberry
from strawberry import federation

from domain import provenance
from domain.vocabulary import ServedFrom, SourceState, SystemKind
from resolvers import connection
from resolvers.operation import Operation
from schema.following import follows_from
from schema.scalars import URL

Info = strawberry.Info[Operation, None]


def speaks_for(*records: type) -> Callable[[Any, Any], bool]:
    """`is_type_of` of a type that stands for these records: nothing is copied between them."""

    def is_type_of(value: Any, _info: Any) -> bool:
        return isinstance(value, records)

    return is_type_of


@strawberry.interface
class Node:
    id: strawberry.ID


@federation.type(shareable=True)
class PageInfo:
    is_type_of = speaks_for(connection.PageInfo)

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type(
    description=(
        "name is the source's name in the configuration; ExternalRef.system and EventInput.system "
        "use the same."
    )
)
class System(Node):
    is_type_of = speaks_for(provenance.System)

    name: str
    kind: SystemKind
    connector: str
    region: str | None


@follows_from("fetched_at")
def _age_seconds(root: strawberry.Parent[provenance.Provenance], info: Info) -> float:
    age = info.context.started_at - root.fetched_at
    return max(age.total_seconds(), 0.0)


@strawberry.type(description="Where a value came from and how old it is.")
class Provenance:
    is_type_of = speaks_for(provenance.Provenance)

    system: System
    external_id: str
    source_updated_at: datetime | None
    fetched_at: datetime
    age_seconds: float = strawberry.field(resolver=_age_seconds)
    served_from: ServedFrom
    url: URL | None


@strawberry.type
class SourceStatus:
    is_type_of = speaks_for(provenance.SourceStatus)

    system: System
    state: SourceState
    checked_at: datetime | None
    last_success_at: datetime | None
    latency_ms: int | None
    retry_after_ms: int | None
    message: str | None
