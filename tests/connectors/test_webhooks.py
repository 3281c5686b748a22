"""Signatures by fixed vectors, worked out with OpenSSL:

printf '%s' "$covered" | openssl dgst -sha256 -hmac "$secret" -binary | base64
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.auth import Secret
from connectors.hubspot.events import WEBHOOKS as HUBSPOT
from connectors.webhooks import Hmac, Stamp, Timestamp, verify
from domain.errors import BadSignature, TooOld
from domain.sources import WebhookRequest

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECRET = (Secret("s3cr3t-app"),)
BODY = b'{"id":1,"name":"J\xc3\xb6rg"}'
"""With a character of two bytes: signatures cover bytes, not text."""


def delivery(url: str = "https://hooks.example.com/webhooks/x", **headers: str) -> WebhookRequest:
    kept = {name.replace("_", "-"): value for name, value in headers.items()}
    return WebhookRequest(method="POST", url=url, headers=kept, body=BODY, received_at=NOW)


RAW_BASE64 = Hmac(header="x-shopify-hmac-sha256", document="the form of Shopify")
STAMPED = Hmac(
    header="x-zendesk-webhook-signature",
    document="the form of Zendesk: the time's text, then the body",
    signed=lambda r: r.headers["x-zendesk-webhook-signature-timestamp"].encode() + r.body,
    timestamp=Timestamp(header="x-zendesk-webhook-signature-timestamp", form=Stamp.RFC3339),
)
SHA1_HEX = Hmac(
    header="x-hub-signature",
    document="the form of Intercom",
    digest="sha1",
    encoding="hex",
    prefix="sha1=",
)

VECTORS = {
    "raw body, base64": (
        RAW_BASE64,
        delivery(x_shopify_hmac_sha256="zPTXmDtI42pIGzHgcGsSvc1QilnlK/38xSkNIFSMyk8="),
    ),
    "time and body": (
        STAMPED,
        delivery(
            x_zendesk_webhook_signature="j3d5UI+ZnsnevYUYPVfF1HdXRO8/h+ztJZj9Hqs1Uv8=",
            x_zendesk_webhook_signature_timestamp="2026-03-02T09:00:00Z",
        ),
    ),
    "SHA-1 in hex": (
        SHA1_HEX,
        delivery(x_hub_signature="sha1=f1a25e600b280f0333479b43cc2377795ac937a6"),
    ),
    "method, address, body and time": (
        HUBSPOT.signature,
        delivery(
            url="https://hooks.example.com/webhooks/x?a=%2Fb%3Ac",
            x_hubspot_signature_v3="dm4MB11+VIKEkEdwF6XovI8Ieso23IdRGlflYn/nQKA=",
            x_hubspot_request_timestamp="1772442000000",
        ),
    ),
}


@pytest.mark.parametrize("vector", VECTORS)
def test_a_genuine_signature_is_accepted(vector: str) -> None:
    form, request = VECTORS[vector]
    verify(form, SECRET, request)
    verify(form, (Secret("newer"), *SECRET), request)


@pytest.mark.parametrize("vector", VECTORS)
def test_anything_else_is_not(vector: str) -> None:
    form, request = VECTORS[vector]
    signature = request.headers[form.header]
    for forged in (
        replace(request, body=BODY.replace(b"1", b"2")),
        replace(request, body=b""),
        replace(request, headers={**request.headers, form.header: signature[:-1]}),
        replace(request, headers={**request.headers, form.header: signature + "A"}),
        replace(request, headers={}),
    ):
        with pytest.raises(BadSignature):
            verify(form, SECRET, forged)
    with pytest.raises(BadSignature):
        verify(form, (Secret("other"),), request)


def test_method_and_address_are_covered_where_they_are_signed() -> None:
    form, request = VECTORS["method, address, body and time"]
    for forged in (
        replace(request, method="PUT"),
        replace(request, url="https://hooks.example.com/webhooks/y?a=%2Fb%3Ac"),
    ):
        with pytest.raises(BadSignature):
            verify(form, SECRET, forged)


@pytest.mark.parametrize("vector", ["time and body", "method, address, body and time"])
def test_the_window_reaches_as_far_back_as_forward(vector: str) -> None:
    form, request = VECTORS[vector]
    for seconds in (-300, 300):
        verify(form, SECRET, replace(request, received_at=NOW + timedelta(seconds=seconds)))
    for seconds in (-301, 301):
        with pytest.raises(TooOld):
            verify(form, SECRET, replace(request, received_at=NOW + timedelta(seconds=seconds)))


def test_age_is_not_told_to_those_who_cannot_sign() -> None:
    form, request = VECTORS["time and body"]
    old = replace(request, received_at=NOW + timedelta(days=1), body=b"forged")
    with pytest.raises(BadSignature):
        verify(form, SECRET, old)
