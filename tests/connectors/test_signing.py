"""Requests signed one by one. The vector was worked out with OpenSSL:

printf '1772442000\nPOST\n/api/people?a=%%2Fb\n<sha256 of the body>' |
openssl dgst -sha256 -hmac planted-key
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.auth import Means, Secret, Signing
from connectors.shelf import MemoryShelf
from connectors.signing import HmacSigned, Signable
from domain.errors import ConfigError

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FORM = HmacSigned(header="X-Signature", stamp_header="X-Time", key_header="X-Key", key_id="{key}")
VECTOR = "342af9940f7b43371dc86685da0200e9d07fa6bb619d1ef762ca72452f83457b"


class Clock:
    def now(self) -> datetime:
        return AT


def opened(form: HmacSigned = FORM) -> Any:
    made = form.open("crm", {"signing_secret": Secret("planted-key")}, {"key": "k-1"})
    sender: Any = None
    made.equip(
        Means(base_url="https://x.example", sender=sender, clock=Clock(), tokens=MemoryShelf())
    )
    return made


async def test_a_request_is_signed_over_time_method_target_and_body() -> None:
    made = opened()
    assert isinstance(made, Signing)
    assert await made.headers() == {"x-key": "k-1"}
    signed = made.sign("POST", "/api/people?a=%2Fb", b'{"id":1}')
    assert signed == {"x-signature": VECTOR, "x-time": "1772442000"}


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", "/api/people?a=%2Fb", b'{"id":1}'),
        ("POST", "/api/people", b'{"id":1}'),
        ("POST", "/api/people?a=%2Fb", b'{"id":2}'),
        ("POST", "/api/people?a=%2Fb", None),
    ],
)
def test_whatever_is_covered_changes_the_signature(
    method: str, target: str, body: bytes | None
) -> None:
    assert opened().sign(method, target, body)["x-signature"] != VECTOR


def test_the_vendor_says_what_is_covered_and_how_it_is_written() -> None:
    def covered(request: Signable) -> bytes:
        return request.body

    form = HmacSigned(header="sig", covered=covered, encoding="base64", prefix="v1=", digest="sha1")
    signed = opened(form).sign("POST", "/x", b"hello")
    assert signed == {"sig": "v1=4RlJqqmhBLQH0+Qo7VoMSqbipmM="}


def test_the_key_is_in_no_text() -> None:
    made = opened()
    assert "planted" not in repr(made) + made.fingerprint + repr(FORM)
    assert not made.refused({"x-key": "k-1"})
    with pytest.raises(ConfigError, match=r"crm\.signing_secret"):
        FORM.open("crm", {}, {"key": "k-1"})
