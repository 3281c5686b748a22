"""`[auth]` of a mapping: tokens that are renewed, requests that are signed."""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.auth import Means, Secret
from connectors.mapped.credentials import read_auth
from connectors.mapped.tables import Problem, Table
from connectors.oauth import ClientCredentials, RefreshToken
from connectors.shelf import MemoryShelf

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Clock:
    def now(self) -> datetime:
        return AT


def read(**auth: Any) -> tuple[Any, list[Problem]]:
    problems: list[Problem] = []
    return read_auth(Table({"auth": auth}, "", problems)), problems


CLIENT = {"url": "https://login.example/t", "client_id": "a{b}"}


@pytest.mark.parametrize(
    ("kind", "form", "secrets"),
    [
        ("client_credentials", ClientCredentials, ("client_secret",)),
        ("refresh_token", RefreshToken, ("client_secret", "refresh_token")),
    ],
)
def test_tokens_are_got_by_either_grant(kind: str, form: type, secrets: tuple[str, ...]) -> None:
    auth, problems = read(kind=kind, **CLIENT, scope="read", in_body=True, more={"audience": "x"})
    assert problems == []
    assert type(auth) is form
    assert auth.secrets == secrets
    opened = auth.open("erp", {name: Secret("s") for name in secrets}, {})
    assert opened._client.client_id == "a{b}", "a mapping has no options to fill in"
    assert (opened._client.scope, opened._client.more) == ("read", {"audience": "x"})


def test_requests_are_signed_over_what_the_vendor_wants_covered() -> None:
    auth, problems = read(
        kind="signed",
        header="X-Sig",
        time_header="X-Time",
        key_header="X-Key",
        key_id="k-1",
        covers="{method} {target} {time}.{body}",
    )
    assert problems == []
    signer = auth.open("erp", {"signing_secret": Secret("key")}, {})
    sender: Any = None
    means = Means(base_url="https://x", sender=sender, clock=Clock(), tokens=MemoryShelf())
    signer.equip(means)
    body = b'{"name":"J\xc3\xb6rg"}'
    covered = b"POST /a?b=c " + str(int(AT.timestamp())).encode() + b"." + body
    expected = hmac.new(b"key", covered, hashlib.sha256).hexdigest()
    assert signer.sign("POST", "/a?b=c", body)["x-sig"] == expected


@pytest.mark.parametrize(
    ("auth", "said"),
    [
        ({"kind": "client_credentials", "client_id": "x"}, "auth.url: must be set"),
        ({"kind": "refresh_token", "url": "https://x"}, "auth.client_id: must be set"),
        ({"kind": "signed"}, "auth.header: must be set"),
        ({"kind": "signed", "header": "x", "covers": "{path}"}, "auth.covers: may hold body"),
        ({"kind": "signed", "header": "x", "digest": "md5"}, "auth.digest: must be one of"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(auth: dict[str, Any], said: str) -> None:
    _, problems = read(**auth)
    assert any(f"{key}: {what}".startswith(said) for key, what in problems), problems
