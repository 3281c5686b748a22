"""One connection to a mailbox, logged in, and the few things it is asked.

Everything is read: folders are opened with EXAMINE, texts fetched with BODY.PEEK, so no mail is
marked as seen. Calls block and belong into a thread; each is given what is left of the time.
"""

import csv
import imaplib
import logging
import ssl
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from imapclient.exceptions import IMAPClientAbortError, LoginError

from connectors.imap.line import Client, Line

logging.getLogger("imapclient").setLevel(logging.CRITICAL)  # it logs addresses and texts
UNREACHABLE = (IMAPClientAbortError, OSError, EOFError)
"""There is no connection, or none any more."""
_SPECIAL = {"sent", "archive", "all", "junk", "flagged", "important"}
"""RFC 6154: names of folders by what they are for, whatever they are called."""
_NO_FOLDERS = {b"\\noselect", b"\\nonexistent"}
"""Names of which nothing can be read: they only hold other folders."""
_LEAST_S = 0.05


class NoSuchFolder(Exception):
    """A folder of the configuration is not in the mailbox."""


class NoWayIn(Exception):
    """The server offers no way to log in that this connection may use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    host: str
    port: int
    security: str
    user: str = field(repr=False)
    folders: Sequence[str] = field(repr=False)
    context: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A password, or a token of OAuth 2.0."""

    user: str = field(repr=False)
    secret: str = field(repr=False)
    token: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """How a folder stands. `modseq` is None where the server does not count changes."""

    validity: int
    next_uid: int
    modseq: int | None


class Session:
    """Calls raise UNREACHABLE, or imaplib's error for a no of the server."""

    def __init__(self, client: Client, line: Line, until: float) -> None:
        self.used_at = time.monotonic()
        self.folders: Sequence[str] = ()
        self.line = line
        self._client = client
        self._until = until

    @classmethod
    def open(cls, server: Server, login: Login, until: float, line: Line) -> "Session":
        """Raises LoginError, NoWayIn and NoSuchFolder as well."""
        context = server.context if server.security == "tls" else None
        try:
            client = Client(server.host, server.port, context, _left(until), line)
        except BaseException:
            line.release()
            raise
        client.normalise_times = False
        session = cls(client, line, until)
        try:
            session._enter(server, login)
        except BaseException:
            session.drop()
            raise
        return session

    def allow(self, until: float) -> None:
        """Gives it time, in seconds of the monotonic clock."""
        self._until = until

    def is_alive(self) -> bool:
        try:
            self._timed().noop()
        except (*UNREACHABLE, imaplib.IMAP4.error):
            return False
        return True

    def examine(self, folder: str) -> Folder:
        """Opens a folder to be read, anew: only so is new mail sure to show."""
        said = self._timed().select_folder(folder, readonly=True)
        following = said.get(b"UIDNEXT")
        if following is None:
            following = self._timed().folder_status(folder, ["UIDNEXT"])[b"UIDNEXT"]
        modseq = said.get(b"HIGHESTMODSEQ")
        return Folder(validity=said[b"UIDVALIDITY"], next_uid=following, modseq=modseq)

    def search(self, criteria: str) -> list[int]:
        """UIDs, in order. The text is sent as it is: values in it are quoted by `quoted`."""
        return sorted(self._timed().search(criteria))

    def fetch(self, uids: Sequence[int], items: Sequence[str]) -> Mapping[int, Mapping[bytes, Any]]:
        found: Mapping[int, Mapping[bytes, Any]] = self._timed().fetch(uids, items)
        return found

    def leave(self) -> None:
        with suppress(*UNREACHABLE, imaplib.IMAP4.error):
            self._timed().logout()
        self.line.release()

    def drop(self) -> None:
        """Without a word."""
        self.line.cut()
        with suppress(OSError, ValueError, imaplib.IMAP4.error):
            self._client.shutdown()
        self.line.release()

    def _enter(self, server: Server, login: Login) -> None:
        if server.security == "starttls":
            self._timed().starttls(server.context)
        self._log_in(login)
        if self._client.has_capability("CONDSTORE") and self._client.has_capability("ENABLE"):
            self._timed().enable("CONDSTORE")
        self.folders = self._resolved(server.folders)

    def _log_in(self, login: Login) -> None:
        client = self._timed()
        if login.token:
            client.oauth2_login(login.user, login.secret)
        elif client.has_capability("AUTH=PLAIN"):
            client.plain_login(login.user, login.secret)
        elif client.has_capability("LOGINDISABLED"):
            raise NoWayIn
        else:
            client.login(quoted(login.user), login.secret)

    def _resolved(self, wanted: Sequence[str]) -> list[str]:
        """Folders by their names, else by what they are for. Raises NoSuchFolder."""
        every = [
            (set(map(bytes.lower, flags)), name) for flags, _, name in self._timed().list_folders()
        ]
        there = [(flags, name) for flags, name in every if not flags & _NO_FOLDERS]
        return list(dict.fromkeys(_found(name, there) for name in wanted))

    def _timed(self) -> Client:
        self._client.socket().settimeout(_left(self._until))
        return self._client


def folder_names(text: str) -> list[str]:
    """Names with commas between them; one that holds a comma stands in quotes."""
    rows = list(csv.reader([text], skipinitialspace=True))
    return [name.strip() for name in (rows[0] if rows else []) if name.strip()]


def reason(error: LoginError) -> str:
    """The response code of a refused login (RFC 5530), "" where there is none."""
    _, _, rest = str(error).partition("[")
    return rest.partition("]")[0].upper()


def _found(wanted: str, there: Sequence[tuple[set[bytes], str]]) -> str:
    names = [name for _, name in there]
    if wanted in names:
        return wanted
    if wanted.upper() == "INBOX":
        return "INBOX"
    flag = f"\\{wanted}".lower()
    marked = [name for flags, name in there if flag.encode() in flags]
    if wanted.lower() in _SPECIAL and marked:
        return marked[0]
    raise NoSuchFolder


def quoted(value: str) -> str:
    """A value as a quoted string. Raises ValueError for one that none can hold (RFC 3501, 4.3)."""
    if not value.isascii() or not value.isprintable():
        raise ValueError("no quoted string can hold it")
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _left(until: float) -> float:
    return max(_LEAST_S, until - time.monotonic())
