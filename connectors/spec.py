"""A connector as data: what a vendor can be asked, in which form, within which limits.

Every form is a pair of functions, `ask` (arguments -> Request) and `read` (decoded answer -> Page),
around which `source.py` puts chunking, paging, ordering, holes and errors. When a fact would need
an `if`, it is a function. Every number carries the vendor document it comes from.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from connectors.auth import Auth
from connectors.reading import Options, RecordMapping, Row, RowsMapping
from connectors.request import Reply, Request
from connectors.sender import Sender
from connectors.settings import SourceSettings
from connectors.webhooks import WebhookSpec
from domain.customer import KeyKind, LookupKey
from domain.errors import ConfigError, SourceError
from domain.ids import Kind
from domain.sources import ChildFilter, CursorPolicy, Fields, ParentBy
from domain.vocabulary import SystemKind


@dataclass(frozen=True, slots=True)
class Figure:
    """A number and the document that says so ("ours: why" where the vendor gives none)."""

    value: int
    document: str


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `amount` units in `period_s` seconds, as a leaky bucket: a burst of the whole amount
    is allowed, then amount / period_s a second.
    """

    amount: Figure
    period_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the source may be burdened with. `rates` are by lane; requests name theirs."""

    concurrency: Figure
    rates: Mapping[str, Rate] = field(default_factory=dict)
    max_bytes: Figure = field(default=Figure(16 * 2**20, "ours: a page of 100 rows is below 1 MB"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What an answer holds. `cursor` asks for the next page and is None on the last one.

    `deleted` are external ids the vendor says are gone; `failed` those of a batch it could not
    answer for (which is not the same as unknown). `resume` (streams only) is what to ask with next
    time, where the stream has ended for now.
    """

    rows: Sequence[Row] = ()
    cursor: str | None = None
    deleted: Sequence[str] = ()
    failed: Sequence[str] = ()
    resume: str | None = None
    refused: bool = False
    """The answer was one of the statuses that mean "no such row" (`Request.empty`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAsk:
    """Rows by id: never empty, never above the form's size, each id once and valid.

    `part` and `cursor`, of forms that gather, say which of the form's lists and where in it.
    """

    ids: Sequence[str]
    fields: Fields = None
    part: int = 0
    cursor: str | None = None
    options: Options = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildrenAsk:
    """Rows that hang on `parents` (at most the form's size), newest first.

    `until` asks for rows created at or before it, where the vendor can; `limit` is how many rows
    are worth asking for at once (never above the form's page); `part` says which of the form's
    lists, `cursor` continues the same one.
    """

    parents: Sequence[str]
    limit: int
    part: int = 0
    until: datetime | None = None
    cursor: str | None = None
    where: ChildFilter = field(default_factory=ChildFilter)
    fields: Fields = None
    options: Options = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchAsk:
    """Contacts that carry a key."""

    key: LookupKey
    options: Options = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SinceAsk:
    """Rows changed at or after `since`, oldest change first; None asks for everything (any order).

    `cursor` continues the same list.
    """

    since: datetime | None
    cursor: str | None = None
    options: Options = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamAsk:
    """The next page of a vendor's own change stream; None starts it from the beginning."""

    cursor: str | None
    options: Options = field(default_factory=dict)


A = TypeVar("A", GetAsk, ChildrenAsk, SearchAsk, SinceAsk, StreamAsk)
L = TypeVar("L", GetAsk, ChildrenAsk)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[A]):
    """One question of a vendor: `read` gets the decoded body and what was asked.

    `ask` gives None where this source, as it is configured, has no such question (NOT_SUPPORTED).
    `follow` finds the next page's cursor in the headers, where `read` cannot find it in the body.
    `by_id`: the answer tells only which rows there are (`{"id": ...}`); what they hold is read by
    `get_many` of the same kind, in further calls.
    """

    ask: Callable[[A], Request | None]
    read: Callable[[Any, A], Page]
    follow: Callable[[Mapping[str, str]], str | None] | None = None
    by_id: bool = False


def any_id(external_id: str) -> bool:
    return bool(external_id)


def decimal_id(external_id: str) -> bool:
    """For vendors whose ids are integers: anything else would refuse the whole batch."""
    return external_id.isascii() and external_id.isdecimal()


BY_CHARACTER: set[Callable[[str], object]] = {decimal_id}
"""Those that look at each character by itself, and refuse what has none."""


def are_valid(valid: Callable[[str], object], ids: Sequence[str]) -> bool:
    """Whether all of them can exist; where each character is judged by itself, in one go."""
    if valid in BY_CHARACTER and ids:
        return all(ids) and bool(valid("".join(ids)))
    return all(map(valid, ids))


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(Call[L]):
    """A question whose rows may lie in several lists (what was sent, what was received), each a
    call of its own, made side by side: a declared fan-out of `lists` calls for one.

    `gather` makes the rows of things the vendor has no rows of, out of all rows of all lists, at
    most `pages` pages of each; it never raises, and passes rows on that it cannot read. Only
    `ChildRead` has several lists without it.
    """

    lists: int = 1
    pages: int = 10
    gather: Callable[[Sequence[Row], L], Sequence[Row]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRead(Listed[GetAsk]):
    """`get_many`: `size` ids a call (1: one call per id, in parallel within the concurrency).

    The order of the answer does not matter; rows are placed by their id, or by an id they have
    absorbed (`Contact.merged_ids`). Ids for which `valid` is false cannot exist and are not asked.
    `strict`: rows nobody asked for show that the vendor did not filter, so that ids without a row
    are an error and not unknown. `splits`: one unknown id fails the whole batch (with a status of
    `Request.empty`), which is then asked again in halves.
    """

    size: Figure
    valid: Callable[[str], object] = any_id
    strict: bool = False
    splits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildRead(Listed[ChildrenAsk]):
    """`children_of`: `size` parents a call; 1 is the declared fan-out of a vendor without batch.

    `page` is the most rows a call gives. Lists run newest first by the record's time; with
    `newest_first=False` the whole list is read before it is cut. At most `pages` calls per chunk.
    Rows are handed to parents by `owner_ids` (messages: by the part of their id before the last
    slash), or by `owners`; a row of nobody who was asked for is dropped. `whole`: there are no
    pages, one answer holds all rows of all parents. `owner` is the key whose text `owners` gives,
    where that is all it does with most rows.
    """

    size: Figure
    page: Figure
    newest_first: bool = True
    whole: bool = False
    valid: Callable[[str], object] = any_id
    owners: Callable[[Row], Sequence[str]] | None = None
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Via(Call[GetAsk]):
    """Parents known by another key are led to this source's contacts first, `size` keys a call;
    their own ids are then asked by `ParentBy.OWN`. Rows are mapped as contacts and matched by the
    key they carry. `strict`: contacts of nobody who was asked for show that the vendor did not
    search, so that who has no contact is not known.
    """

    size: Figure
    valid: Callable[[str], object] = any_id
    strict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRead(Call[SearchAsk]):
    """`search` by one kind of key; rows are contacts.

    `exact`: the shared layer keeps only contacts that carry the key as asked. Off where the row
    does not show the key (an order number that leads to its buyer). `strict`: contacts without the
    key show that the vendor did not search, so that "nobody" may not be said.
    """

    exact: bool = True
    strict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Since(Call[SinceAsk]):
    """`changed_since` by time: a full scan, then windows that start at the last change seen.

    `cap` is the most rows a vendor gives for one question: the window restarts from its last value
    before that. With `keyset` it restarts after every page, for vendors whose cursor is an offset:
    rows that change while pages are read would move others past it. Times come from
    `provenance.source_updated_at`, which the mapping must set. `strict`: rows older than was asked
    for are told, since the vendor did not filter.
    """

    policy: CursorPolicy
    keyset: bool = False
    cap: Figure | None = None
    strict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream(Call[StreamAsk]):
    """`changed_since` by the vendor's own cursor: `Page.cursor` while there is more at once, then
    `Page.resume`.
    """

    policy: CursorPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What can be asked about one kind of thing. `map` makes the record of a row, and `records`,
    where a connector has it, does the same with all rows of an answer.

    `children` is by how the parent is known. `search` is for contacts.
    """

    map: RecordMapping
    records: RowsMapping | None = None
    get_many: BatchRead | None = None
    children: Mapping[ParentBy, ChildRead | Via] = field(default_factory=dict)
    search: Mapping[KeyKind, KeyRead] = field(default_factory=dict)
    changed_since: Since | Stream | None = None

    @property
    def questions(self) -> Sequence[ChildRead | Via | KeyRead | Since | Stream]:
        """Every form but `get_many`."""
        changes = (self.changed_since,) if self.changed_since else ()
        return (*self.children.values(), *self.search.values(), *changes)


@dataclass(frozen=True, slots=True)
class Option:
    """A setting of the connector beyond the common ones; `default` None makes it required. Where
    `form` is set, each text of it must match that regular expression, or be "".
    """

    name: str
    help: str
    default: str | Mapping[str, str] | None = ""
    form: str = ""


Judge = Callable[[str, Reply], SourceError | None]
"""A vendor's own way of saying no: (source name, reply)."""


def no_judge(_source: str, _reply: Reply) -> SourceError | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A connector. `base_url` may hold option names in braces ("https://{subdomain}.zendesk.com").

    `wait_s` reads how long a refused caller shall wait from an answer's headers, where the vendor
    has more than Retry-After. `refused` reads the body of a refusal (4xx), where its status does
    not say what it means; None leaves it at that. `sender` makes the way
    to a source that is not reached over HTTP: it stands in for the one a source is given.
    """

    connector: str
    system: SystemKind
    base_url: str
    auth: Auth
    limits: Limits
    kinds: Mapping[Kind, Endpoint]
    options: Sequence[Option] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    judge: Judge = no_judge
    refused: Judge = no_judge
    wait_s: Callable[[Mapping[str, str]], float | None] | None = None
    webhooks: WebhookSpec | None = None
    sender: Callable[[SourceSettings], Sender] | None = None

    def __post_init__(self) -> None:
        """Raises ConfigError for a detour that leads nowhere, and for ids nobody can read."""
        for kind, endpoint in self.kinds.items():
            if endpoint.get_many is None and any(form.by_id for form in endpoint.questions):
                raise ConfigError(f"{self.connector}: by_id of {kind.name} needs get_many")
            direct = isinstance(endpoint.children.get(ParentBy.OWN), ChildRead)
            detour = any(isinstance(form, Via) for form in endpoint.children.values())
            if detour and not (direct and Kind.CONTACT in self.kinds):
                raise ConfigError(f"{self.connector}: Via of {kind.name} needs contacts and OWN")


def listed(name: str) -> Callable[[Any, object], Page]:
    """A reader of answers that hold their rows in one list and have no further page."""

    def read(data: Any, _ask: object) -> Page:
        return Page(rows=data[name])

    return read


def chosen(
    fields: Fields, table: Mapping[str, Sequence[str]], always: Sequence[str] = ()
) -> list[str]:
    """The vendor's names for the attributes asked for: push-down of `fields`, sorted, each once."""
    wanted = table if fields is None else [name for name in table if name in fields]
    return sorted({*always, *(name for attribute in wanted for name in table[attribute])})
