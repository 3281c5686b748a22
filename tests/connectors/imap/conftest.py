"""A mailbox to ask: the small server of ours, and, for `make test-mailbox`, a real Dovecot."""

import importlib.util
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any, Protocol

import httpx
import pytest

from connectors.auth import Secret
from connectors.httpx_sender import HttpxSender
from connectors.registry import build_source
from connectors.settings import SourceSettings
from domain.sources import Source

HERE = Path(__file__).parent
USER = "support@shop.example"
PASSWORD = "planted mail-password"
SENT = "Gesendete Objekte"
ARCHIVE = "Büro/Zürich & Köln"
ENCODED = "B&APw-ro/Z&APw-rich &- K&APY-ln"
BEGAN = datetime(2026, 2, 2, 9, 0, tzinfo=UTC)


def _loaded(file: str) -> ModuleType:
    name = f"mailbox_{file.removesuffix('.py')}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE / file)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def server_module() -> ModuleType:
    return _loaded("server.py")


class Mailbox(Protocol):
    """What tests do to a mailbox, whoever keeps it."""

    options: dict[str, str]

    def append(self, raw: bytes, *, folder: str = "INBOX", at: datetime = BEGAN) -> int: ...

    def mark_deleted(self, uid: int) -> None: ...

    def start_anew(self) -> None: ...


class Small:
    """Over the server of ours, which cannot thread: searches have to go on by themselves."""

    def __init__(self, server: Any, address: str) -> None:
        self.server = server
        port = address.rpartition(":")[2]
        self.options = {"host": "127.0.0.1", "port": port, "security": "none", "user": USER}

    def append(self, raw: bytes, *, folder: str = "INBOX", at: datetime = BEGAN) -> int:
        uid: int = self.server.append({ARCHIVE: ENCODED}.get(folder, folder), raw, at)
        return uid

    def mark_deleted(self, uid: int) -> None:
        self.server.mark_deleted("INBOX", uid)

    def start_anew(self) -> None:
        box = self.server.boxes["INBOX"]
        box.validity += 1
        for uid, mail in enumerate(box.mails, 1):
            mail.uid = uid


class Real:
    """Over Dovecot, emptied before each test."""

    def __init__(self, dovecot: Any) -> None:
        self.dovecot = dovecot
        self.options = {
            "host": "localhost",
            "port": str(dovecot.tls),
            "security": "tls",
            "user": USER,
            "ca_file": dovecot.ca_file,
        }
        self.client = dovecot.client()
        for flags, _, name in self.client.list_folders():
            if not {b"\\Noselect", b"\\NonExistent"} & set(flags):
                self._empty(name)
        if not self.client.folder_exists(ARCHIVE):
            self.client.create_folder(ARCHIVE)

    def _empty(self, folder: str) -> None:
        self.client.select_folder(folder)
        uids = self.client.search("ALL")
        if uids:
            self.client.delete_messages(uids)
            self.client.expunge()
        self.client.unselect_folder()

    def append(self, raw: bytes, *, folder: str = "INBOX", at: datetime = BEGAN) -> int:
        said = self.client.append(folder, raw, msg_time=at)
        return int(said.split(b"APPENDUID ")[1].split()[1].rstrip(b"]"))

    def mark_deleted(self, uid: int) -> None:
        self.client.select_folder("INBOX")
        self.client.delete_messages([uid])
        self.client.unselect_folder()

    def start_anew(self) -> None:
        """The folder has forgotten how it counted, as after a restore."""
        folder = self.dovecot.folder / "mail" / USER / "Maildir"
        for path in [folder / "dovecot-uidlist", *folder.glob("dovecot.index*")]:
            path.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Any]:
    module = _loaded("dovecot.py")
    with tempfile.TemporaryDirectory() as folder:
        try:
            with module.running(Path(folder), USER, PASSWORD) as server:
                yield server
        except LookupError as error:
            pytest.fail(f"NOT RUN: {error}")


@pytest.fixture
async def small(wire: Callable[..., Awaitable[str]], server_module: ModuleType) -> Small:
    boxes = {
        "INBOX": server_module.Box("INBOX", validity=7),
        SENT: server_module.Box(SENT, validity=8, flag="\\Sent"),
        ENCODED: server_module.Box(ENCODED, validity=9),
    }
    server = server_module.MailServer(user=USER, password=PASSWORD, boxes=boxes)
    return Small(server, await wire(server.talk))


@pytest.fixture
def real(dovecot: Any) -> Iterator[Real]:
    mailbox = Real(dovecot)
    yield mailbox
    mailbox.client.logout()


@pytest.fixture(params=["small", pytest.param("real", marks=pytest.mark.mailbox)])
def mailbox(request: pytest.FixtureRequest) -> Mailbox:
    """Both, one after the other; the real one only where it is asked for."""
    found: Mailbox = request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def opened(harness: Any, clock: Any) -> AsyncIterator[Callable[..., Source]]:
    """Opens the mailbox as a source. `web` answers what is asked over HTTP."""
    sources: list[Source] = []

    def open_one(mailbox: Mailbox, *, web: Any = None, **changes: Any) -> Source:
        options = {**mailbox.options, **changes.pop("options", {})}
        secrets = changes.pop("secrets", {"password": PASSWORD})
        settings = SourceSettings(
            connector="imap",
            secrets={name: Secret(text) for name, text in secrets.items()},
            customer_key="email",
            options=options,
            **changes,
        )
        source = build_source(
            "mailbox",
            settings,
            HttpxSender(httpx.MockTransport(web or unasked)),
            clock=clock,
            telemetry=harness.Tally(),
            dice=Random(7),
        )
        sources.append(source)
        return source

    yield open_one
    for source in sources:
        assert source.close is not None
        await source.close()


def unasked(_request: httpx.Request) -> httpx.Response:
    raise AssertionError("nothing here is asked over HTTP")


@pytest.fixture
def written() -> Callable[..., bytes]:
    """A mail, as its program wrote it."""

    def write(
        name: str,
        *,
        sender: str = "Ann Lee <ann@example.com>",
        to: str = USER,
        answers: str = "",
        chain: str = "",
        subject: str = "Late parcel",
        minutes: int = 0,
        body: str = "Where is it?",
        more: str = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit",
    ) -> bytes:
        date = (BEGAN + timedelta(minutes=minutes)).strftime("%a, %d %b %Y %H:%M:%S +0000")
        fields = [
            f"From: {sender}",
            f"To: {to}",
            f"Subject: {subject}",
            f"Date: {date}",
            f"Message-ID: <{name}>",
            *([f"In-Reply-To: <{answers}>"] if answers else []),
            *([f"References: {chain}"] if chain else []),
            "MIME-Version: 1.0",
            *more.split("\r\n"),
        ]
        return "\r\n".join([*fields, "", body, ""]).encode()

    return write
