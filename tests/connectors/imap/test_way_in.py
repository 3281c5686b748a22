"""The way into a mailbox: logging in, sessions that are kept and lost, servers that are slow, busy
or wrong; and that nothing of it is written, marked, or told to a log.
"""

import asyncio
import base64
from typing import Any

import httpx
import pytest

from connectors.auth import Secret
from connectors.imap.sender import SESSIONS, open_sender
from connectors.imap.session import folder_names, quoted
from connectors.settings import SourceSettings
from domain.errors import (
    ConfigError,
    SourceAuthError,
    SourceError,
    SourceProtocolError,
    SourceTimeout,
    SourceUnavailable,
)
from domain.ids import Kind
from domain.sources import ChildFilter, Deadline, PageRequest, Parent, ParentBy, Source
from domain.vocabulary import SourceState

PASSWORD = "planted mail-password"
TOKENS = "https://login.example/token"


async def asked(source: Source, seconds: float = 5.0, address: str = "ann@example.com") -> Any:
    """One page of threads, or the error in its place."""
    deadline = Deadline(asyncio.get_running_loop().time() + seconds)
    parent = Parent(ParentBy.EMAIL, address)
    children = source.children[Kind.CONVERSATION]
    (page,) = await children.children_of([parent], PageRequest(5), ChildFilter(), None, deadline)
    return page


async def test_sessions_are_kept_and_used_again(small: Any, opened: Any, written: Any) -> None:
    small.append(written("1@ann"))
    source = opened(small)
    for _ in range(3):
        assert len((await asked(source)).items) == 1
    assert small.server.connections == 1
    many = [asked(source, address=f"person{number}@example.com") for number in range(12)]
    await asyncio.gather(*many)
    assert 1 <= small.server.most_open <= SESSIONS


async def test_nothing_is_marked_and_nothing_is_written(
    small: Any, opened: Any, written: Any
) -> None:
    small.append(written("1@ann"))
    source = opened(small)
    await asked(source)
    await source.changes[Kind.CONVERSATION].changed_since(
        None, Deadline(asyncio.get_running_loop().time() + 5)
    )
    words = {command.split(" ")[0] for command in small.server.heard}
    assert words == {"CAPABILITY", "AUTHENTICATE", "ENABLE", "LIST", "EXAMINE", "UID"}
    fetched = [command for command in small.server.heard if command.startswith("UID FETCH")]
    assert fetched
    assert all("BODY[" not in command for command in fetched)


async def test_a_session_the_server_ended_is_opened_again(
    small: Any, opened: Any, written: Any
) -> None:
    small.append(written("1@ann"))
    source = opened(small)
    await asked(source)

    async def hang_up(connection: Any, _tag: str, _command: str) -> bool:
        small.server.fault = None
        connection.writer.close()
        return True

    small.server.fault = hang_up
    assert len((await asked(source)).items) == 1
    assert small.server.connections == 2
    assert source.status().state is SourceState.OK


async def test_a_password_that_is_refused_is_said_at_once(small: Any, opened: Any) -> None:
    source = opened(small, secrets={"password": "planted other"})
    got = await asked(source)
    assert type(got) is SourceAuthError
    assert "planted" not in str(got)
    assert small.server.connections == 1


@pytest.mark.parametrize("code", ["UNAVAILABLE", "LIMIT", "INUSE"])
async def test_a_server_that_is_busy_is_no_wrong_password(
    small: Any, opened: Any, written: Any, code: str
) -> None:
    small.append(written("1@ann"))
    refusals = iter(["busy"])

    async def busy(connection: Any, tag: str, command: str) -> bool:
        if not command.startswith("AUTHENTICATE") or next(refusals, None) is None:
            return False
        connection.done(tag, f"NO [{code}] later")
        return True

    small.server.fault = busy
    assert len((await asked(opened(small))).items) == 1


async def test_login_is_taken_where_there_is_no_plain(
    small: Any, opened: Any, written: Any
) -> None:
    small.append(written("1@ann"))
    small.server.capabilities = "IMAP4rev1"
    assert len((await asked(opened(small))).items) == 1
    assert any(command.startswith("LOGIN ") for command in small.server.heard)
    small.server.capabilities = "IMAP4rev1 LOGINDISABLED"
    small.server.heard.clear()
    assert type(await asked(opened(small))) is SourceAuthError
    assert not any(command.startswith("LOGIN ") for command in small.server.heard)


async def test_a_token_is_asked_for_over_http_and_shown_to_the_mailbox(
    small: Any, opened: Any, written: Any
) -> None:
    small.append(written("1@ann"))
    calls: list[httpx.Request] = []

    def endpoint(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        token = {"access_token": small.server.token, "token_type": "Bearer", "expires_in": 3600}
        return httpx.Response(200, json=token)

    source = opened(
        small,
        web=endpoint,
        secrets={"client_secret": "planted client secret"},
        options={"token_url": TOKENS, "client_id": "app", "scope": "mail/.default"},
    )
    assert len((await asked(source)).items) == 1
    await asked(source)
    assert [str(call.url) for call in calls] == [TOKENS]
    assert b"scope=mail" in calls[0].content
    assert "AUTHENTICATE XOAUTH2" in small.server.heard


async def test_a_folder_that_is_not_there_is_said(small: Any, opened: Any) -> None:
    got = await asked(opened(small, options={"folders": "INBOX, Nowhere"}))
    assert type(got) is SourceProtocolError
    assert "folders" in str(got)


async def test_a_server_that_says_nothing_is_left_at_the_deadline(
    small: Any, opened: Any, written: Any
) -> None:
    """The session is cut as well: its thread is free for the next question."""
    small.append(written("1@ann"))

    async def silent(_connection: Any, _tag: str, command: str) -> bool:
        return command.startswith("UID SEARCH")

    small.server.fault = silent
    source = opened(small)
    loop = asyncio.get_running_loop()
    for _ in range(2):
        began = loop.time()
        many = [asked(source, 0.6, f"{number}@example.com") for number in range(SESSIONS)]
        assert {type(got) for got in await asyncio.gather(*many)} <= {
            SourceTimeout,
            SourceUnavailable,
        }
        assert loop.time() - began < 1.5
    small.server.fault = None
    await until(lambda: small.server.open_now == 0)
    await until_answered(source)


async def test_a_slow_drip_is_cut_at_the_deadline(small: Any, opened: Any) -> None:
    async def drip(connection: Any, _tag: str, command: str) -> bool:
        if not command.startswith("LIST"):
            return False
        while True:
            connection.writer.write(b"*")
            await connection.writer.drain()
            await asyncio.sleep(0.05)

    small.server.fault = drip
    source = opened(small)
    began = asyncio.get_running_loop().time()
    assert type(await asked(source, 0.5)) is SourceTimeout
    assert asyncio.get_running_loop().time() - began < 1.0
    await until(lambda: small.server.open_now == 0)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("OK [UIDVALIDITY seven] what", SourceProtocolError),
        ("BAD what", SourceProtocolError),
        ("NO [SERVERBUG] oh", SourceUnavailable),
        ("NO [UNAVAILABLE] later", SourceUnavailable),
    ],
)
async def test_an_answer_of_another_form_is_one_of_our_errors(
    small: Any, opened: Any, said: str, expected: type[SourceError]
) -> None:
    async def strange(connection: Any, tag: str, command: str) -> bool:
        if not command.startswith("EXAMINE"):
            return False
        connection.done(tag, said)
        return True

    small.server.fault = strange
    assert type(await asked(opened(small))) is expected


async def test_no_log_and_no_text_holds_an_address_a_secret_or_a_mail(
    small: Any, opened: Any, written: Any, taps: Any
) -> None:
    small.append(written("1@ann", body="planted words"))
    texts: list[str] = []
    for secret in (PASSWORD, "planted other"):
        source = opened(small, secrets={"password": secret})
        texts += [repr(await asked(source)), repr(source), repr(source.status())]
    small.server.greeting = b"* BYE planted farewell\r\n"
    texts += [repr(await asked(opened(small))), *taps.lines]
    shown = base64.b64encode(f"\0support@shop.example\0{PASSWORD}".encode()).decode()
    for each in ("planted", "ann@example.com", "support@shop.example", shown):
        assert not [text for text in texts if each in text], each


def settings(**options: str) -> SourceSettings:
    given = {"host": "mail.example", "user": "support@shop.example", **options}
    return SourceSettings(connector="imap", secrets={"password": Secret(PASSWORD)}, options=given)


def test_passwords_go_over_no_open_line() -> None:
    with pytest.raises(ConfigError, match="security"):
        open_sender(settings(security="none"))
    with pytest.raises(ConfigError, match="ca_file"):
        open_sender(settings(ca_file="/no/such/file"))
    with pytest.raises(ConfigError, match="folders"):
        open_sender(settings(folders=" , "))


def test_folders_are_named_with_commas_and_quotes() -> None:
    assert folder_names('INBOX, "Sent, old", Büro') == ["INBOX", "Sent, old", "Büro"]


def test_nothing_gets_out_of_a_quoted_string() -> None:
    assert quoted('a"b\\c') == '"a\\"b\\\\c"'
    for value in ("a\r\nb", "é", "a\x00b"):
        with pytest.raises(ValueError, match="quoted"):
            quoted(value)


async def until(holds: Any) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110  # the server knows no event of ours
            await asyncio.sleep(0.01)


async def until_answered(source: Source) -> None:
    async with asyncio.timeout(10):
        while isinstance(await asked(source), SourceError):  # noqa: ASYNC110  # a breaker rests
            await asyncio.sleep(0.1)
