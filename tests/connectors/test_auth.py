"""Credentials: applied as declared, refused where they are missing, shown nowhere."""

import copy
import pickle

import pytest

from connectors.auth import Auth, Basic, Bearer, Header, Secret
from domain.errors import ConfigError

SECRETS = {"token": Secret("planted-secret")}


@pytest.mark.parametrize(
    ("auth", "headers"),
    [
        (Bearer(), {"authorization": "Bearer planted-secret"}),
        (Header("X-Access-Token"), {"x-access-token": "planted-secret"}),
        # base64 of "a@b.example/token:planted-secret"
        (
            Basic("{email}/token"),
            {"authorization": "Basic YUBiLmV4YW1wbGUvdG9rZW46cGxhbnRlZC1zZWNyZXQ="},
        ),
    ],
)
async def test_credentials_become_one_header(auth: Auth, headers: dict[str, str]) -> None:
    opened = auth.open("crm", SECRETS, {"email": "a@b.example"})
    assert dict(await opened.headers()) == headers
    assert not opened.refused()
    assert auth.secrets == ("token",)


@pytest.mark.parametrize("value", ["", "with\nnewline", "naïve", "\x00"])
def test_what_no_header_can_carry_is_refused_without_being_shown(value: str) -> None:
    with pytest.raises(ConfigError, match=r"sources\.crm\.token") as refusal:
        Bearer().open("crm", {"token": Secret(value)}, {})
    assert not value or value not in str(refusal.value)


def test_a_missing_secret_or_option_is_named_with_its_place() -> None:
    with pytest.raises(ConfigError, match=r"sources\.crm\.token"):
        Bearer().open("crm", {}, {})
    with pytest.raises(ConfigError, match=r"sources\.crm\.email"):
        Basic("{email}/token").open("crm", SECRETS, {})


def test_a_secret_shows_in_no_text() -> None:
    secret = Secret("planted-secret")
    texts = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r}",
        f"{secret:>50}",
        str([secret]),
        str({"token": secret}),
        f"{Bearer().open('crm', {'token': secret}, {})!r}",
        str(vars(type(secret))),
    ]
    assert not [text for text in texts if "planted" in text]
    assert secret.reveal() == "planted-secret"
    assert secret == Secret("planted-secret") != Secret("other")
    assert secret != "planted-secret"


def test_a_secret_does_not_leave_the_process() -> None:
    """A copy would be a second place to forget it in; a pickle is a file."""
    secret = Secret("planted-secret")
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert copy.copy(secret) is secret
    assert copy.deepcopy({"token": secret})["token"] is secret


def test_fingerprints_tell_credentials_apart_and_give_nothing_away() -> None:
    prints = [
        auth.open("crm", {"token": Secret(value)}, {}).fingerprint
        for auth in (Bearer(), Header("x"))
        for value in ("planted-one", "planted-two")
    ]
    assert len(set(prints)) == 4
    assert not [text for text in prints if "planted" in text]
    again = Bearer().open("shop", {"token": Secret("planted-one")}, {}).fingerprint
    assert again == prints[0]
