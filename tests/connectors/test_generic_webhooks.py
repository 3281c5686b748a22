"""`[webhooks]` of a mapping: any system that signs with an HMAC. Signatures by fixed vectors:

printf '%s' '1772442000.{"events":...}' | openssl dgst -sha256 -hmac 's3cr3t-erp'
"""

import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.auth import Secret
from connectors.mapped.hooks import read_webhooks
from connectors.mapped.tables import Problem, Table
from connectors.webhooks import SignedWebhooks
from domain.errors import BadSignature, SourceProtocolError, TooOld
from domain.ids import Kind
from domain.sources import ChangeKind, WebhookRequest

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BODY = (
    b'{"events":[{"id":"e1","type":"customer.updated","object":{"id":7},'
    b'"created_at":"2026-03-02T08:59:58Z"},{"id":"e2","type":"customer.merged",'
    b'"object":{"id":8,"merged_into":7}},{"id":"e3","type":"order.erased","object":{"id":"A-1"}},'
    b'{"id":"e4","type":"invoice.sent","object":{"id":1}}]}'
)
STAMPED = """
[webhooks]
header = "X-Signature"
prefix = "sha256="
covers = "{time}.{body}"
time = { header = "X-Time", form = "seconds" }
events = "events"
id = "id"
topic = "type"
key = "object.id"
at = "created_at"
into = "object.merged_into"

[webhooks.topics]
"customer.updated" = "contact changed"
"customer.merged" = "contact merged"
"order.erased" = "order redacted"
"""
VECTOR = "327abd5178dc6c680e6c781d457237f22e3dc4b2f46583436e625587c004fec2"
PLAIN = """
[webhooks]
header = "X-Hmac"
digest = "sha1"
encoding = "base64"
id_header = "X-Delivery"
topic_header = "X-Topic"
key = "id"
topics = { people = "contact deleted" }
"""
PLAIN_VECTOR = "AYqrqRKQtbazS6B0Y/OoyY6wdFg="


def hooks(text: str, problems: list[Problem] | None = None) -> Any:
    found: list[Problem] = []
    spec = read_webhooks(Table(tomllib.loads(text), "", found))
    if problems is not None:
        problems += found
    else:
        assert found == []
    return spec and SignedWebhooks("erp", spec, (Secret("s3cr3t-erp"),))


def delivery(headers: Mapping[str, str], body: bytes = BODY) -> WebhookRequest:
    return WebhookRequest(
        method="POST", url="https://x/webhooks/erp", headers=headers, body=body, received_at=NOW
    )


GENUINE = delivery({"x-signature": f"sha256={VECTOR}", "x-time": "1772442000"})


def test_a_delivery_of_many_events_is_proved_and_read() -> None:
    made = hooks(STAMPED)
    made.verify(GENUINE)
    events = made.parse(GENUINE)
    assert [(e.event_id, e.key.kind, e.key.external_id, e.change, e.into) for e in events] == [
        ("e1", Kind.CONTACT, "7", ChangeKind.CHANGED, None),
        ("e2", Kind.CONTACT, "8", ChangeKind.MERGED, "7"),
        ("e3", Kind.ORDER, "A-1", ChangeKind.REDACTED, None),
    ]
    assert events[0].occurred_at == NOW - timedelta(seconds=2)


def test_what_was_changed_on_the_way_or_comes_too_late_is_refused() -> None:
    made = hooks(STAMPED)
    for forged in (
        replace(GENUINE, body=BODY.replace(b"7", b"9")),
        replace(GENUINE, headers={**GENUINE.headers, "x-time": "1772442001"}),
        replace(GENUINE, headers={**GENUINE.headers, "x-signature": VECTOR}),
    ):
        with pytest.raises(BadSignature):
            made.verify(forged)
    with pytest.raises(TooOld):
        made.verify(replace(GENUINE, received_at=NOW + timedelta(minutes=5, seconds=1)))


def test_a_vendor_that_says_it_in_headers_and_signs_no_time() -> None:
    made = hooks(PLAIN)
    headers = {"x-hmac": PLAIN_VECTOR, "x-delivery": "d-1", "x-topic": "people"}
    request = delivery(headers, b'{"id":"p-1"}')
    made.verify(request)
    (event,) = made.parse(request)
    assert (event.event_id, event.key.external_id) == ("d-1", "p-1")
    assert event.change is ChangeKind.DELETED
    several = made.parse(replace(request, body=b'[{"id":"p-1"},{"id":"p-2"}]'))
    assert [one.event_id for one in several] == ["d-1/0", "d-1/1"]
    assert made.parse(replace(request, headers={**headers, "x-topic": "weather"})) == ()


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[7]", b'{"events":[{"type":"customer.updated"}]}']
)
def test_a_body_of_another_form_is_a_protocol_error_or_nothing(body: bytes) -> None:
    with suppress(SourceProtocolError):
        assert hooks(STAMPED).parse(replace(GENUINE, body=body)) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PLAIN.replace('header = "X-Hmac"', ""), "header: must be set"),
        (PLAIN.replace('key = "id"', ""), "key: must be set"),
        (PLAIN.replace('id_header = "X-Delivery"', ""), "one of id and id_header must be set"),
        (PLAIN.replace("contact deleted", "person deleted"), 'must be "<kind> <change>"'),
        (PLAIN.replace('{ people = "contact deleted" }', "{}"), "at least one topic"),
        (PLAIN + 'colour = "red"', "unknown key"),
        (PLAIN + 'covers = "{time}.{body}"', "`time` belong together"),
        (PLAIN + 'covers = "{bodies}"', "must hold {body} once"),
        (PLAIN.replace("sha1", "md5"), "must be one of sha256, sha512, sha1"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, said: str) -> None:
    problems: list[Problem] = []
    hooks(text, problems)
    assert any(said in f"{key}: {what}" for key, what in problems), problems
    assert all(key.startswith("webhooks") for key, _ in problems)


def test_without_a_table_there_are_none() -> None:
    assert hooks("") is None
