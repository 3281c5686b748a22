"""The way to a mailbox, as a `Sender`: a question in, rows as JSON out.

So deadline, retries, breaker, limits and de-duplication are those of every other source. Sessions
are kept and used again, each by one question at a time; what is abandoned is cut off.
"""

import asyncio
import base64
import imaplib
import ssl
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
from imapclient.exceptions import LoginError

from connectors.imap.errands import Visit
from connectors.imap.line import Line
from connectors.imap.options import OPTIONS
from connectors.imap.rows import Desk, Listing, listings, message_id, message_row, thread_row
from connectors.imap.session import (
    UNREACHABLE,
    Login,
    NoSuchFolder,
    NoWayIn,
    Server,
    Session,
    folder_names,
    reason,
)
from connectors.reading import UNREADABLE, rfc3339
from connectors.sender import Incoming, Outgoing, SendFailed, TooLarge
from connectors.settings import SourceSettings
from domain.errors import ConfigError

SESSIONS = 4
_JSON = {"content-type": "application/json"}
_IDLE_S = 20 * 60.0
"""Servers end a session after 30 minutes without a word at the earliest (RFC 3501, 5.4)."""
_TRUSTED_S = 30.0
"""A session that was idle for longer is asked whether it still lives."""
_PARTING_S = 1.0
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_PORTS = {"tls": 993, "starttls": 143, "none": 143}
_BUSY = ("LIMIT", "INUSE", "UNAVAILABLE", "SERVERBUG", "OVERQUOTA")
"""Response codes that may be gone the next time (RFC 5530)."""
Asked = Mapping[str, Any]


class Sessions:
    """Sessions that are open and not in use, the one used last on top."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._idle: list[Session] = []
        self._lock = Lock()

    def take(self, login: Login, until: float, use: Callable[[Line], None]) -> Session:
        """One that lives, or a new one. `use` is told of the line before anything is said on it.
        Raises what `Session.open` raises.
        """
        while True:
            with self._lock:
                session = self._idle.pop() if self._idle else None
            if session is None:
                line = Line()
                use(line)
                return Session.open(self._server, login, until, line)
            age = time.monotonic() - session.used_at
            use(session.line)
            session.allow(until)
            if age < _TRUSTED_S or (age < _IDLE_S and session.is_alive()):
                return session
            session.drop()

    def give(self, session: Session) -> None:
        session.used_at = time.monotonic()
        with self._lock:
            self._idle.append(session)

    def forget(self) -> None:
        """Drops those that are idle: where one was cut off, so were they, as a rule."""
        with self._lock:
            dropped, self._idle = self._idle, []
        for session in dropped:
            session.drop()

    def leave(self) -> None:
        with self._lock:
            leaving, self._idle = self._idle, []
        for session in leaving:
            session.allow(time.monotonic() + _PARTING_S)
            session.leave()


class Errand:
    """One question, answered in a thread; it may be abandoned from outside."""

    def __init__(self, sessions: Sessions, login: Login, until: float) -> None:
        self._sessions = sessions
        self._login = login
        self._until = until
        self._line: Line | None = None
        self._is_abandoned = False

    def run(self, answer: Callable[[Visit], bytes]) -> bytes:
        session = self._sessions.take(self._login, self._until, self._use)
        try:
            said = answer(Visit(session))
        except BaseException as error:
            session.drop()
            if isinstance(error, UNREACHABLE):
                self._sessions.forget()
            raise
        self._line = None
        self._sessions.give(session)
        return said

    def abandon(self) -> None:
        """Nobody waits any more: the thread is woken where it waits for the server."""
        self._is_abandoned = True
        if self._line is not None:
            self._line.cut()

    def _use(self, line: Line) -> None:
        self._line = line
        if self._is_abandoned:
            line.cut()


class MailboxSender:
    """`Sender` over IMAP sessions, in threads of its own."""

    def __init__(self, server: Server, desk: Desk) -> None:
        self._desk = desk
        self._user = server.user
        self._sessions = Sessions(server)
        self._pool = ThreadPoolExecutor(SESSIONS, thread_name_prefix="imap")

    def __repr__(self) -> str:
        return "MailboxSender()"

    async def send(self, outgoing: Outgoing) -> Incoming:
        loop = asyncio.get_running_loop()
        until = time.monotonic() + max(0.0, outgoing.deadline - loop.time())
        errand = Errand(self._sessions, _login(self._user, outgoing.headers), until)
        question, asked = urlsplit(outgoing.url).path, orjson.loads(outgoing.body or b"{}")

        def answer(visit: Visit) -> bytes:
            said = orjson.dumps(_QUESTIONS[question](self._desk, visit, asked))
            if len(said) > outgoing.max_bytes:
                raise TooLarge
            return said

        try:
            body = await loop.run_in_executor(self._pool, errand.run, answer)
        except asyncio.CancelledError:
            errand.abandon()
            raise
        except LoginError as error:
            return _status(503 if reason(error).startswith(_BUSY) else 401)
        except NoWayIn:
            return _status(401)
        except NoSuchFolder:
            return _status(404)
        except UNREACHABLE as error:
            raise SendFailed(type(error).__name__) from None
        except imaplib.IMAP4.error as error:
            return _status(503 if _is_busy(error) else 400)
        except UNREADABLE:  # an answer of another form than the protocol's
            return _status(400)
        return Incoming(status=200, headers=_JSON, body=body)

    async def close(self) -> None:
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)
        await asyncio.to_thread(self._sessions.leave)


def open_sender(settings: SourceSettings) -> MailboxSender:
    """Opens no connection. Raises ConfigError with the option."""
    options = {
        option.name: str(settings.options.get(option.name) or option.default or "").strip()
        for option in OPTIONS
    }
    security, host, user = options["security"], options["host"], options["user"]
    if security == "none" and host not in _LOOPBACK:
        raise ConfigError("security: a mailbox elsewhere is read over tls or starttls only")
    folders = folder_names(options["folders"])
    if not folders:
        raise ConfigError("folders: at least one is needed")
    ours = {one.strip().lower() for one in f"{options['ours']},{user}".split(",")} - {""}
    server = Server(
        host=host,
        port=int(options["port"] or _PORTS[security]),
        security=security,
        user=user,
        folders=folders,
        context=None if security == "none" else _certificates(options["ca_file"]),
    )
    return MailboxSender(server, Desk(ours=frozenset(ours), key=f"{user}@{host}".lower()))


def _certificates(ca_file: str) -> ssl.SSLContext:
    """As for every other source, unless a file holds those of a company's own authority."""
    try:
        return ssl.create_default_context(cafile=ca_file) if ca_file else httpx.create_ssl_context()
    except (OSError, ssl.SSLError):
        raise ConfigError("ca_file: no certificates can be read there") from None


def _login(user: str, headers: Mapping[str, str]) -> Login:
    """What the authenticator shows, as the mailbox wants to see it."""
    kind, _, value = headers["authorization"].partition(" ")
    if kind == "Bearer":
        return Login(user=user, secret=value, token=True)
    pair = base64.b64decode(value).decode()
    return Login(user=user, secret=pair.removeprefix(f"{user}:"), token=False)


def _is_busy(error: imaplib.IMAP4.error) -> bool:
    return any(f"[{code}" in str(error).upper() for code in _BUSY)


def _status(status: int) -> Incoming:
    return Incoming(status=status, headers=_JSON, body=b"null")


# ---------------------------------------------------------------- questions


def _threads_of_people(desk: Desk, visit: Visit, asked: Asked) -> dict[str, Any]:
    found = visit.of_people([a for a in asked["people"] if not desk.is_ours(a.lower())])
    ranked = listings(desk, found, rfc3339(asked.get("until")))
    return _page(ranked, asked, lambda some: _thread_rows(desk, visit, some, asked), "threads")


def _threads(desk: Desk, visit: Visit, asked: Asked) -> dict[str, Any]:
    found = _asked_for(desk, visit, asked["ids"])
    return {"threads": _thread_rows(desk, visit, found, asked)}


def _messages(desk: Desk, visit: Visit, asked: Asked) -> dict[str, Any]:
    until = rfc3339(asked.get("until"))
    ranked = [
        (one, mail)
        for one in _asked_for(desk, visit, asked["ids"])
        for mail in one.mails
        if until is None or mail.at <= until
    ]
    ranked.sort(key=lambda pair: (pair[1].at, message_id(desk, *pair)), reverse=True)

    def shown(some: list[tuple[Listing, Any]]) -> list[dict[str, Any]]:
        texts = visit.texts([mail for _, mail in some])
        return [message_row(desk, one, mail, texts) for one, mail in some]

    return _page(ranked, asked, shown, "messages")


def _news(desk: Desk, visit: Visit, asked: Asked) -> dict[str, Any]:
    news = visit.news(asked.get("cursor") or {})
    return {
        "threads": [{"id": desk.id_of(name)} for name in news.changed],
        "gone": [desk.id_of(name) for name in news.gone],
        "cursor": news.cursor,
        "more": news.more,
    }


_QUESTIONS: Mapping[str, Callable[[Desk, Visit, Asked], dict[str, Any]]] = {
    "/threads/of": _threads_of_people,
    "/threads": _threads,
    "/messages": _messages,
    "/news": _news,
}


def _asked_for(desk: Desk, visit: Visit, ids: list[str]) -> list[Listing]:
    names = {external_id: desk.name_of(external_id) for external_id in ids}
    found = visit.of_roots([name for name in names.values() if name is not None])
    return listings(desk, found)


def _thread_rows(
    desk: Desk, visit: Visit, some: list[Listing], asked: Asked
) -> list[dict[str, Any]]:
    """With what was said last, where somebody will read it."""
    texts = visit.texts([one.mails[-1] for one in some]) if asked.get("texts") else {}
    return [thread_row(desk, one, texts) for one in some]


def _page(
    ranked: list[Any], asked: Asked, shown: Callable[[Any], list[dict[str, Any]]], name: str
) -> dict[str, Any]:
    """From where the last page ended."""
    start = int(asked.get("start") or 0)
    end = start + int(asked["limit"])
    return {name: shown(ranked[start:end]), "next": end if end < len(ranked) else None}
