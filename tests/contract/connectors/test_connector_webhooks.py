"""What every connector with webhooks believes, and what it does not."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.auth import Secret
from domain.errors import BadSignature, SourceProtocolError, TooOld, WebhookRejected
from domain.sources import ChangeKind


@pytest.fixture
def hooks(line: Any) -> Any:
    """The source's webhooks, None where the connector declares none."""
    return line.source().webhooks if line.connector.spec.webhooks else None


def genuine(line: Any, **changes: Any) -> Any:
    secret = line.vendor.SECRETS[line.connector.spec.webhooks.secret]
    return line.vendor.delivery(line.clock.now(), secret, **changes)


def test_a_genuine_delivery_becomes_events(line: Any, hooks: Any) -> None:
    if hooks is None:
        return
    request = genuine(line)
    hooks.verify(request)
    events = hooks.parse(request)
    assert events
    for event in events:
        assert event.key.source == "here"
        assert event.key.kind in line.connector.spec.kinds
        assert event.event_id
        assert (event.into is not None) == (event.change is ChangeKind.MERGED)


def test_a_repeated_delivery_has_the_same_event_ids(line: Any, hooks: Any) -> None:
    if hooks is None:
        return
    first = hooks.parse(genuine(line))
    line.clock.shift += timedelta(minutes=3)
    again = hooks.parse(genuine(line))
    ids = [event.event_id for event in first]
    assert ids == [event.event_id for event in again]
    assert len(set(ids)) == len(ids)


def test_a_forged_delivery_is_refused(line: Any, hooks: Any) -> None:
    if hooks is None:
        return
    request, header = genuine(line), line.connector.spec.webhooks.signature.header
    signature = request.headers[header]
    forgeries = [
        line.vendor.delivery(line.clock.now(), "somebody else's secret"),
        replace(request, body=request.body + b" "),
        *(
            replace(request, headers={**request.headers, header: value})
            for value in ("", "=", "é", signature[:-4], signature.swapcase(), f"{signature}00")
        ),
        replace(request, headers={k: v for k, v in request.headers.items() if k != header}),
    ]
    for forged in forgeries:
        with pytest.raises(BadSignature) as refusal:
            hooks.verify(forged)
        assert "planted" not in str(refusal.value)


def test_a_stale_or_postdated_delivery_is_refused(line: Any, hooks: Any) -> None:
    stamp = hooks and line.connector.spec.webhooks.signature.timestamp
    if not stamp:
        return
    request = genuine(line)
    limit = stamp.max_age
    for age in (limit + timedelta(seconds=1), -limit - timedelta(seconds=1)):
        with pytest.raises(TooOld):
            hooks.verify(replace(request, received_at=request.received_at + age))
    hooks.verify(replace(request, received_at=request.received_at + limit))
    for value in ("", "yesterday", "99999999999999999999"):
        headers = {**request.headers, stamp.header: value}
        with pytest.raises(WebhookRejected):
            hooks.verify(replace(request, headers=headers))


def test_both_secrets_are_taken_while_one_replaces_the_other(line: Any) -> None:
    if not line.connector.spec.webhooks:
        return
    name = line.connector.spec.webhooks.secret
    old = line.vendor.SECRETS[name]
    secrets = {
        **line.settings.secrets,
        name: Secret("the new one"),
        f"{name}_previous": Secret(old),
    }
    hooks = line.source(secrets=secrets).webhooks
    hooks.verify(genuine(line))
    hooks.verify(line.vendor.delivery(line.clock.now(), "the new one"))
    with pytest.raises(BadSignature):
        line.source(secrets={**secrets, f"{name}_previous": Secret("x")}).webhooks.verify(
            genuine(line)
        )


def test_without_a_secret_there_are_no_webhooks(line: Any) -> None:
    if not line.connector.spec.webhooks:
        return
    name = line.connector.spec.webhooks.secret
    if name in line.connector.spec.auth.secrets:
        return
    secrets = {k: v for k, v in line.settings.secrets.items() if k != name}
    assert line.source(secrets=secrets).webhooks is None


@pytest.mark.parametrize("body", [b"", b"null", b"7", b'"text"', b"{", b"[7]", b'[{"x": 1}]'])
def test_a_signed_delivery_of_another_form_is_a_protocol_error_or_no_event(
    line: Any, hooks: Any, body: bytes
) -> None:
    if hooks is None:
        return
    request = genuine(line, body=body)
    hooks.verify(request)
    with suppress(SourceProtocolError):
        assert hooks.parse(request) == ()
