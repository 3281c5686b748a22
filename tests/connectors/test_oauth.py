"""Tokens that expire: renewed before they end, once for everybody, kept sealed, shown nowhere."""

import asyncio
import base64
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from connectors.auth import AnyOf, Bearer, Means, Secret
from connectors.httpx_sender import HttpxSender
from connectors.oauth import ClientCredentials, RefreshToken
from connectors.shelf import MemoryShelf
from domain.errors import (
    ConfigError,
    SourceAuthError,
    SourceError,
    SourceProtocolError,
    SourceRateLimited,
    SourceUnavailable,
)

PLANTED = "planted-7f3a"
SECRETS = {
    "client_secret": Secret(f"{PLANTED}-client"),
    "refresh_token": Secret(f"{PLANTED}-first"),
}
OPTIONS = {"client_id": "knownas & co"}
LIFE_S = 3600


class Shelf(MemoryShelf):
    """One that several processes share."""

    def __init__(self) -> None:
        super().__init__()
        self.turn: str | None = None
        self.order: list[str] = []

    async def put(self, name: str, sealed: bytes, holder: str) -> None:
        self.order.append("kept")
        await super().put(name, sealed, holder)
        self.turn = None

    async def lease(self, name: str, holder: str, lease_s: float) -> bool:
        self.turn = self.turn or holder
        return self.turn == holder

    async def release(self, name: str, holder: str) -> None:
        self.turn = None if self.turn == holder else self.turn


@dataclass
class Endpoint:
    """A token endpoint that turns refresh tokens over: an old one is worth nothing any more."""

    clock: Any
    rotates: bool = True
    made: int = 0
    refresh: str = f"{PLANTED}-first"
    forms: list[dict[str, str]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    answer: httpx.Response | None = None
    wait_s: float = 0.0
    expires_in: Any = LIFE_S

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        form = {key: values[0] for key, values in parse_qs(request.content.decode()).items()}
        self.forms.append(form)
        self.headers.append(dict(request.headers))
        await asyncio.sleep(self.wait_s)
        if self.answer is not None:
            return self.answer
        if form["grant_type"] == "refresh_token" and form["refresh_token"] != self.refresh:
            return httpx.Response(400, json={"error": "invalid_grant"})
        self.made += 1
        said: dict[str, Any] = {
            "access_token": f"{PLANTED}-access-{self.made}",
            "token_type": "Bearer",
        }
        if self.expires_in is not None:
            said["expires_in"] = self.expires_in
        if self.rotates and form["grant_type"] == "refresh_token":
            self.refresh = said["refresh_token"] = f"{PLANTED}-refresh-{self.made}"
        return httpx.Response(200, json=said)


@pytest.fixture
def clock(harness: Any) -> Any:
    return harness.Clock()


@pytest.fixture
def endpoint(clock: Any) -> Endpoint:
    return Endpoint(clock)


@pytest.fixture
def opened(endpoint: Endpoint, clock: Any) -> Any:
    """Credentials as one process has them; `shelf` is what it shares with others."""

    def build(auth: Any = None, shelf: Any = None, secrets: Any = None) -> Any:
        auth = auth or ClientCredentials(url="/oauth/token")
        made = auth.open("crm", secrets or SECRETS, OPTIONS)
        made.equip(
            Means(
                base_url="https://vendor.example/api",
                sender=HttpxSender(httpx.MockTransport(endpoint)),
                clock=clock,
                tokens=shelf or MemoryShelf(),
            )
        )
        return made

    return build


def bearer(number: int) -> dict[str, str]:
    return {"authorization": f"Bearer {PLANTED}-access-{number}"}


REFRESH = RefreshToken(url="https://login.example/token")


async def test_client_credentials_are_shown_in_the_header(opened: Any, endpoint: Endpoint) -> None:
    made = opened(ClientCredentials(url="/oauth/token", scope="read", more={"audience": "x"}))
    assert await made.headers() == bearer(1)
    assert endpoint.forms == [
        {"grant_type": "client_credentials", "scope": "read", "audience": "x"}
    ]
    shown = endpoint.headers[0]["authorization"].removeprefix("Basic ")
    # RFC 6749, 2.3.1: both are encoded as form fields first.
    assert base64.b64decode(shown).decode() == f"knownas%20%26%20co:{PLANTED}-client"


async def test_or_in_the_body_where_the_vendor_wants_them_there(
    opened: Any, endpoint: Endpoint
) -> None:
    await opened(ClientCredentials(url="/oauth/token", in_body=True)).headers()
    assert endpoint.forms[0]["client_secret"] == f"{PLANTED}-client"
    assert "authorization" not in endpoint.headers[0]


async def test_a_token_is_used_until_shortly_before_its_end(
    opened: Any, endpoint: Endpoint, clock: Any
) -> None:
    made = opened()
    clock.shift += timedelta(seconds=0)
    assert await made.headers() == bearer(1)
    clock.shift += timedelta(seconds=LIFE_S - 61)
    assert await made.headers() == bearer(1)
    clock.shift += timedelta(seconds=1)
    assert await made.headers() == bearer(2)


async def test_everybody_who_waits_gets_one_renewal(opened: Any, endpoint: Endpoint) -> None:
    endpoint.wait_s = 0.01
    made = opened()
    waiting = [asyncio.create_task(made.headers()) for _ in range(20)]
    await asyncio.sleep(0)
    waiting[0].cancel()  # who gives up does not end it for the others
    got = await asyncio.gather(*waiting, return_exceptions=True)
    assert got[1:] == [bearer(1)] * 19
    assert endpoint.made == 1


async def test_processes_share_a_token_and_renew_it_in_turn(
    opened: Any, endpoint: Endpoint, clock: Any
) -> None:
    endpoint.wait_s = 0.01
    shelf = Shelf()
    processes = [opened(REFRESH, shelf) for _ in range(4)]
    assert await asyncio.gather(*(one.headers() for one in processes)) == [bearer(1)] * 4
    clock.shift += timedelta(seconds=LIFE_S)
    assert await asyncio.gather(*(one.headers() for one in processes)) == [bearer(2)] * 4
    assert endpoint.made == 2


async def test_a_refresh_token_that_was_replaced_is_kept_before_it_is_used(
    opened: Any, endpoint: Endpoint, clock: Any
) -> None:
    shelf = Shelf()
    await opened(REFRESH, shelf).headers()
    assert shelf.order == ["kept"]
    clock.shift += timedelta(seconds=LIFE_S)
    restarted = opened(REFRESH, shelf)
    assert await restarted.headers() == bearer(2)
    assert [form["refresh_token"] for form in endpoint.forms] == [
        f"{PLANTED}-first",
        f"{PLANTED}-refresh-1",
    ]


async def test_a_token_that_cannot_be_kept_is_not_used(opened: Any, endpoint: Endpoint) -> None:
    class Full(Shelf):
        async def put(self, name: str, sealed: bytes, holder: str) -> None:
            raise SourceUnavailable("crm", "the store is gone")

    shelf = Full()
    with pytest.raises(SourceUnavailable):
        await opened(REFRESH, shelf).headers()
    assert shelf.turn is None, "the next one need not wait"


async def test_authorising_again_puts_aside_what_was_kept(
    opened: Any, endpoint: Endpoint, clock: Any
) -> None:
    shelf = Shelf()
    await opened(REFRESH, shelf).headers()
    endpoint.refresh = f"{PLANTED}-second"
    anew = {**SECRETS, "refresh_token": Secret(f"{PLANTED}-second")}
    assert await opened(REFRESH, shelf, anew).headers() == bearer(2)


async def test_only_the_token_that_was_refused_is_given_up(
    opened: Any, endpoint: Endpoint, clock: Any
) -> None:
    made = opened()
    first = await made.headers()
    assert not made.refused(first), "one just made would be refused again"
    clock.shift += timedelta(minutes=5)
    assert made.refused(first)
    second = await made.headers()
    assert second == bearer(2)
    clock.shift += timedelta(minutes=5)
    assert made.refused(first), "another caller was late to hear of it; there is a new one by now"
    assert await made.headers() == second
    assert endpoint.made == 2


async def test_a_token_without_an_end_lasts_until_it_is_refused(
    opened: Any, endpoint: Endpoint, clock: Any
) -> None:
    endpoint.expires_in = None
    made = opened()
    await made.headers()
    clock.shift += timedelta(days=300)
    assert await made.headers() == bearer(1)
    made.refused(bearer(1))
    assert await made.headers() == bearer(2)


async def test_while_the_endpoint_is_down_a_token_serves_to_its_very_end(
    opened: Any, endpoint: Endpoint, clock: Any
) -> None:
    made = opened()
    await made.headers()
    endpoint.answer = httpx.Response(503)
    clock.shift += timedelta(seconds=LIFE_S - 1)
    assert await made.headers() == bearer(1)
    clock.shift += timedelta(seconds=1)
    with pytest.raises(SourceUnavailable):
        await made.headers()


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (httpx.Response(400, json={"error": "invalid_grant"}), SourceAuthError, "invalid_grant"),
        (httpx.Response(401, json={"error": PLANTED}), SourceAuthError, "answered 401"),
        (httpx.Response(400, json={"error": PLANTED}), SourceProtocolError, "answered 400"),
        (httpx.Response(500, text=PLANTED), SourceUnavailable, "answered 500"),
        (httpx.Response(429, headers={"retry-after": "7"}), SourceRateLimited, "answered 429"),
        (httpx.Response(302, headers={"location": PLANTED}), SourceProtocolError, "answered 302"),
        (httpx.Response(200, text=PLANTED), SourceProtocolError, "gave no token"),
        (httpx.Response(200, json=[PLANTED]), SourceProtocolError, "gave no token"),
        (httpx.Response(200, json={"access_token": "a\nb"}), SourceProtocolError, "no token"),
        (
            httpx.Response(200, json={"access_token": PLANTED, "token_type": "mac"}),
            SourceProtocolError,
            "another kind",
        ),
        (httpx.Response(200, content=b"x" * 70_000), SourceProtocolError, "64 KiB"),
    ],
)
async def test_a_refusal_is_told_without_what_was_said(
    opened: Any, endpoint: Endpoint, answer: httpx.Response, error: type, said: str
) -> None:
    endpoint.answer = answer
    with pytest.raises(error, match=said) as refusal:
        await opened().headers()
    assert PLANTED not in str(refusal.value)
    assert isinstance(refusal.value, SourceError)


async def test_what_is_kept_is_sealed_with_the_secrets_of_the_source(
    opened: Any, endpoint: Endpoint
) -> None:
    shelf = Shelf()
    made = opened(REFRESH, shelf)
    await made.headers()
    (kept,) = shelf._kept.values()
    assert PLANTED.encode() not in kept.sealed
    assert PLANTED not in repr(kept) + "".join(shelf._kept)
    other = {**SECRETS, "client_secret": Secret("another")}
    assert opened(REFRESH, shelf, other).fingerprint != made.fingerprint


def test_a_token_is_never_asked_for_in_the_clear() -> None:
    with pytest.raises(ConfigError, match="https"):
        ClientCredentials(url="http://login.example/t").open("crm", SECRETS, OPTIONS)


def test_one_of_several_ways_is_enough() -> None:
    auth = AnyOf((Bearer(), ClientCredentials(url="/t")))
    assert auth.secrets == ("token", "client_secret")
    assert "FixedHeader" in repr(auth.open("crm", {"token": Secret("t")}, {}))
    assert "Renewed" in repr(auth.open("crm", {"client_secret": Secret("t")}, OPTIONS))
    with pytest.raises(ConfigError, match="token or client_secret"):
        auth.open("crm", {}, OPTIONS)


async def test_a_planted_secret_is_in_no_text(
    opened: Any, endpoint: Endpoint, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made = opened(REFRESH, Shelf())
    await made.headers()
    endpoint.answer = httpx.Response(400, json={"error": "invalid_grant", "why": PLANTED})
    clock.shift += timedelta(days=1)
    texts = [repr(made), made.fingerprint, repr(REFRESH), str(vars(made))]
    try:
        await made.headers()
    except SourceError as error:
        texts += [str(error), repr(error), repr(error.__cause__), repr(error.__context__)]
    assert PLANTED not in caplog.text + "".join(texts)
