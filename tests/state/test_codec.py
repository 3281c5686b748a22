from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from domain.errors import StoreError
from domain.ids import Kind, SourceKey
from domain.money import Money
from domain.provenance import Provenance, System
from domain.records import (
    RECORD_TYPES,
    Actor,
    Address,
    Call,
    Contact,
    Conversation,
    Message,
    Order,
    OrderLine,
    Shipment,
    Ticket,
    Visit,
)
from domain.sources import ChildPage
from domain.vocabulary import (
    ActorKind,
    Channel,
    InteractionState,
    OrderStatus,
    ServedFrom,
    SystemKind,
    TicketStatus,
)
from state import codec

AT = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
SAID = Provenance(
    system=System(name="shop", kind=SystemKind.OMS, connector="shopify", region="eu"),
    external_id="1",
    fetched_at=AT,
    source_updated_at=AT - timedelta(microseconds=1),
    served_from=ServedFrom.CACHE,
    url="https://example.com/1",
)
AGENT = Actor(kind=ActorKind.HUMAN, id="7", name="Zoë \N{GRINNING FACE}")


def key(kind: Kind) -> SourceKey:
    return SourceKey("shop", kind, "1/2")


MESSAGE = Message(
    key=key(Kind.MESSAGE), provenance=SAID, at=AT, author=AGENT, body='"quoted"\n\0', internal=True
)
RECORDS = {
    Kind.CONTACT: Contact(
        key=key(Kind.CONTACT),
        provenance=SAID,
        birth_date=date(1904, 2, 29),
        address=Address(city="Zürich"),
        foreign_ids=(("crm", "9"), ("chat", "10")),
        raw={"a": [1, {"b": None}], "c": 1e300},
    ),
    Kind.ORDER: Order(
        key=key(Kind.ORDER),
        provenance=SAID,
        occurred_at=AT,
        status=OrderStatus.SHIPPED,
        channel=Channel.STORE,
        total=Money(-(10**20), "JPY"),
        lines=(OrderLine(sku="A", quantity=2, price=Money(1250, "EUR"), warranty_until=AT),),
        shipments=(),
        owner_ids=("5",),
    ),
    Kind.TICKET: Ticket(
        key=key(Kind.TICKET),
        provenance=SAID,
        occurred_at=AT,
        status=TicketStatus.ON_HOLD,
        raw_status="hold",
        owner=AGENT,
        subject="",
    ),
    Kind.CONVERSATION: Conversation(
        key=key(Kind.CONVERSATION),
        provenance=SAID,
        occurred_at=AT,
        state=InteractionState.WAITING,
        last_message=MESSAGE,
    ),
    Kind.CALL: Call(
        key=key(Kind.CALL),
        provenance=SAID,
        occurred_at=AT,
        state=InteractionState.ENDED,
        ended_at=AT,
        duration_seconds=61,
        wait_seconds=0,
    ),
    Kind.VISIT: Visit(
        key=key(Kind.VISIT),
        provenance=SAID,
        occurred_at=AT,
        state=InteractionState.IN_PROGRESS,
        pages=3,
        referrer="https://shop.example/sale",
    ),
    Kind.MESSAGE: MESSAGE,
}


def test_there_is_an_example_of_every_kind_of_record():
    assert RECORDS.keys() == RECORD_TYPES.keys()


@pytest.mark.parametrize("kind", RECORDS)
def test_a_record_comes_back_as_it_was(kind):
    assert codec.decode_record(kind, codec.encode(RECORDS[kind])) == RECORDS[kind]


@pytest.mark.parametrize("kind", RECORDS)
def test_a_page_comes_back_as_it_was(kind):
    page = ChildPage(items=(RECORDS[kind], RECORDS[kind]), has_more=True, dropped=3)
    assert codec.decode_page(kind, codec.encode(page)) == page


def test_no_shipments_and_unknown_shipments_stay_apart():
    order = RECORDS[Kind.ORDER]
    assert codec.decode(codec.encode(order), Order).shipments == ()
    unknown = Order(key=order.key, provenance=SAID, occurred_at=AT, shipments=None)
    assert codec.decode(codec.encode(unknown), Order).shipments is None


def test_times_keep_their_offset_and_their_microseconds():
    there = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    found = codec.decode(codec.encode(there), datetime)
    assert (found, found.utcoffset()) == (there, there.utcoffset())


def test_attributes_gained_take_their_defaults_and_attributes_lost_are_ignored():
    line = codec.decode(b'{"sku": "A", "colour": "red"}', OrderLine)
    assert line == OrderLine(sku="A")


def test_text_of_broken_encoding_is_mended_and_all_else_kept():
    shipment = Shipment(carrier="a\ud83d", tracking_number="\0", eta=AT)
    found = codec.decode(codec.encode(shipment), Shipment)
    assert found == Shipment(carrier="a\N{REPLACEMENT CHARACTER}", tracking_number="\0", eta=AT)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"sku": 1}', b"[" * 100_000])
def test_what_is_not_a_record_is_an_error_of_ours(data):
    with pytest.raises(StoreError):
        codec.decode(data, OrderLine)


def test_what_json_cannot_say_is_an_error_of_ours():
    with pytest.raises(StoreError, match="no form"):
        codec.encode({"an": object()})


def test_an_error_does_not_quote_what_was_kept():
    with pytest.raises(StoreError) as caught:
        codec.decode(b'{"sku": 1, "title": "Secret"}', OrderLine)
    assert "Secret" not in str(caught.value)
