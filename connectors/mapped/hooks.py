"""`[webhooks]` of a mapping: how deliveries are signed, and what each tells.

    [webhooks]
    header = "X-Signature"                  # holds prefix and signature
    prefix = "sha256="
    covers = "{time}.{body}"                # default: the body alone
    time = { header = "X-Time", form = "seconds" }
    events = "events"                       # where the events stand; default: the body is one
    id = "id"                               # or id_header = "X-Delivery"
    topic = "type"                          # or topic_header = "X-Topic"
    key = "object.id"                       # the id of the row
    at = "created_at"
    into = "object.merged_into"             # of a merge: the row that absorbed it
    topics = { "customer.updated" = "contact changed", "customer.erased" = "contact redacted" }

The time is signed, or it is not judged: then ids alone tell repetitions apart.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.mapped.paths import Path
from connectors.mapped.rules import path_of
from connectors.mapped.tables import Table
from connectors.reading import RowError, identifier, rfc3339
from connectors.webhooks import Hmac, Stamp, Timestamp, WebhookSpec
from domain.ids import Kind, SourceKey
from domain.sources import ChangeKind, SourceEvent, WebhookRequest

TIME, BODY = "{time}", "{body}"
_DIGESTS = {name: name for name in ("sha256", "sha512", "sha1")}
_ENCODINGS = {name: name for name in ("hex", "base64")}
_STAMPS = {stamp.value: stamp for stamp in Stamp}
_CHANGES = {change.value: change for change in ChangeKind}
_KINDS = {kind.name.lower(): kind for kind in Kind if kind is not Kind.MESSAGE}

Told = tuple[Kind, ChangeKind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Where the parts of an event stand. What is in a header is the same for every event of a
    delivery.
    """

    events: Path
    key: Path
    id: Path | None
    id_header: str
    topic: Path | None
    topic_header: str
    at: Path | None
    into: Path | None
    topics: Mapping[str, Told]

    def parse(self, data: Any, request: WebhookRequest, source: str) -> Sequence[SourceEvent]:
        found = self.events(data)
        events = found if isinstance(found, list) else [found]
        read = (
            self._event(event, number if len(events) > 1 else None, request, source)
            for number, event in enumerate(events)
        )
        return [event for event in read if event is not None]

    def _event(
        self, event: Any, number: int | None, request: WebhookRequest, source: str
    ) -> SourceEvent | None:
        told = self.topics.get(self._part(event, self.topic, self.topic_header, request))
        if told is None:
            return None
        kind, change = told
        into = self.into(event) if self.into is not None else None
        event_id = self._part(event, self.id, self.id_header, request)
        if self.id is None and number is not None:
            event_id = f"{event_id}/{number}"
        if change is ChangeKind.MERGED and into is None:
            raise RowError("a merge that does not say into what")
        return SourceEvent(
            event_id=event_id,
            key=SourceKey(source, kind, identifier(self.key(event))),
            change=change,
            occurred_at=rfc3339(self.at(event)) if self.at is not None else None,
            into=identifier(into) if change is ChangeKind.MERGED else None,
        )

    def _part(self, event: Any, path: Path | None, header: str, request: WebhookRequest) -> str:
        return identifier(request.headers.get(header) if path is None else path(event))


def read_webhooks(table: Table) -> WebhookSpec | None:
    """None where the mapping says nothing of webhooks."""
    own = table.table("webhooks")
    if own is None:
        return None
    form = Form(
        events=_path(own, "events") or Path("@"),
        key=_path(own, "key", needed=True) or Path("@"),
        topics=_topics(own),
        at=_path(own, "at"),
        into=_path(own, "into"),
        **_either(own, "id"),
        **_either(own, "topic"),
    )
    spec = WebhookSpec(signature=_signature(own), parse=form.parse)
    own.done()
    return spec


def _signature(own: Table) -> Hmac:
    stamp = _time(own)
    covers = own.text("covers", BODY)
    parts = covers.replace(TIME, "").replace(BODY, "")
    if covers.count(BODY) != 1 or "{" in parts or "}" in parts:
        own.wrong("covers", f"must hold {BODY} once, and may hold {TIME}")
    if (stamp is not None) != (TIME in covers):
        own.wrong("covers", f"{TIME} and `time` belong together")
    return Hmac(
        header=own.needed_text("header").lower(),
        document="the mapping of this source: webhooks",
        digest=own.one_of("digest", _DIGESTS, "sha256"),
        encoding=own.one_of("encoding", _ENCODINGS, "hex"),
        prefix=own.text("prefix"),
        signed=_covering(covers, stamp.header if stamp else ""),
        timestamp=stamp,
    )


def _time(own: Table) -> Timestamp | None:
    time = own.table("time")
    if time is None:
        return None
    header = time.needed_text("header").lower()
    stamp = Timestamp(header=header, form=time.one_of("form", _STAMPS, Stamp.SECONDS))
    time.done()
    return stamp


def _covering(covers: str, stamp_header: str) -> Callable[[WebhookRequest], bytes]:
    head, _, tail = covers.partition(BODY)

    def covered(request: WebhookRequest) -> bytes:
        stamp = request.headers.get(stamp_header, "")
        before, after = (part.replace(TIME, stamp).encode() for part in (head, tail))
        return before + request.body + after

    return covered


def _either(own: Table, name: str) -> dict[str, Any]:
    """A path in the event, or a header of the delivery."""
    header = own.text(f"{name}_header").lower()
    path = _path(own, name)
    if (path is None) == (not header):
        own.wrong(name, f"one of {name} and {name}_header must be set")
    return {name: path, f"{name}_header": header}


def _path(own: Table, name: str, *, needed: bool = False) -> Path | None:
    text = own.needed_text(name) if needed else own.text(name)
    return path_of(own, name, text) if text else None


def _topics(own: Table) -> dict[str, Told]:
    """What a topic means: "<kind> <change>"."""
    topics: dict[str, Told] = {}
    for topic, meaning in own.texts("topics").items():
        kind, _, change = meaning.partition(" ")
        if kind in _KINDS and change in _CHANGES:
            topics[topic] = (_KINDS[kind], _CHANGES[change])
        else:
            kinds, changes = ", ".join(_KINDS), ", ".join(_CHANGES)
            own.wrong(f"topics.{topic}", f'must be "<kind> <change>": {kinds}; {changes}')
    if not topics:
        own.wrong("topics", "must name at least one topic")
    return topics
