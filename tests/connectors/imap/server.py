"""A small IMAP server in memory: what the connector says to one, judged word by word, and faults no
real server makes on demand. Of searches it knows what the connector asks for, and nothing else.
"""

import asyncio
import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from typing import Any

CAPABILITIES = "IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 ENABLE CONDSTORE SPECIAL-USE UIDPLUS"


@dataclass
class Stored:
    uid: int
    raw: bytes
    at: datetime
    modseq: int
    flags: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        text = self.raw.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
        lines = re.sub(r"\r\n[ \t]", " ", text).lower().split("\r\n")
        self.fields = {name: value for name, _, value in (line.partition(":") for line in lines)}

    def says(self, name: str, value: str) -> bool:
        return value.lower() in self.fields.get(name.lower(), "")


@dataclass
class Box:
    name: str
    validity: int = 1
    flag: str = ""
    mails: list[Stored] = field(default_factory=list)
    next_uid: int = 1


@dataclass
class MailServer:
    """`heard` are the commands of every connection; `fault` makes an answer of its own of one."""

    user: str
    password: str
    boxes: dict[str, Box]
    capabilities: str = CAPABILITIES
    token: str = "planted-access-token"  # what a token endpoint would give
    heard: list[str] = field(default_factory=list)
    connections: int = 0
    open_now: int = 0
    most_open: int = 0
    fault: Any = None
    modseq: int = 1
    greeting: bytes = b"* OK ready\r\n"

    def append(self, folder: str, raw: bytes, at: datetime) -> int:
        box = self.boxes[folder]
        self.modseq += 1
        box.mails.append(Stored(uid=box.next_uid, raw=raw, at=at, modseq=self.modseq))
        box.next_uid += 1
        return box.next_uid - 1

    def mark_deleted(self, folder: str, uid: int) -> None:
        self.modseq += 1
        for mail in self.boxes[folder].mails:
            if mail.uid == uid:
                mail.flags.add("\\Deleted")
                mail.modseq = self.modseq

    def expunge(self, folder: str, uid: int) -> None:
        box = self.boxes[folder]
        box.mails = [mail for mail in box.mails if mail.uid != uid]

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            writer.write(self.greeting)
            await Connection(self, reader, writer).run()
        finally:
            self.open_now -= 1


class Connection:
    def __init__(
        self, server: MailServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server, self.reader, self.writer = server, reader, writer
        self.box: Box | None = None

    async def run(self) -> None:
        while line := await self.reader.readline():
            tag, _, command = line.decode("ascii").rstrip("\r\n").partition(" ")
            self.server.heard.append(command)
            if self.server.fault is not None and await self.server.fault(self, tag, command):
                continue
            word = command.split(" ", 1)[0].upper()
            rest = command[len(word) + 1 :]
            if word == "UID":
                word, _, rest = rest.partition(" ")
            await getattr(self, f"do_{word.lower()}")(tag, rest)
            await self.writer.drain()
            if word == "LOGOUT":
                return

    def say(self, text: str | bytes) -> None:
        self.writer.write((text if isinstance(text, bytes) else text.encode("utf-8")) + b"\r\n")

    def done(self, tag: str, text: str = "OK done") -> None:
        self.say(f"{tag} {text}")

    async def do_capability(self, tag: str, _rest: str) -> None:
        self.say(f"* CAPABILITY {self.server.capabilities}")
        self.done(tag)

    async def do_noop(self, tag: str, _rest: str) -> None:
        self.done(tag)

    async def do_logout(self, tag: str, _rest: str) -> None:
        self.say("* BYE")
        self.done(tag)

    async def do_enable(self, tag: str, rest: str) -> None:
        self.say(f"* ENABLED {rest}")
        self.done(tag)

    async def do_authenticate(self, tag: str, rest: str) -> None:
        self.say("+ ")
        await self.writer.drain()
        shown = base64.b64decode(await self.reader.readline()).decode()
        wanted = {
            "PLAIN": f"\0{self.server.user}\0{self.server.password}",
            "XOAUTH2": f"user={self.server.user}\1auth=Bearer {self.server.token}\1\1",
        }[rest]
        self.done(tag, "OK in" if shown == wanted else "NO [AUTHENTICATIONFAILED] no")

    async def do_login(self, tag: str, rest: str) -> None:
        right = rest == f'"{self.server.user}" "{self.server.password}"'
        self.done(tag, "OK in" if right else "NO no")

    async def do_list(self, tag: str, _rest: str) -> None:
        for box in self.server.boxes.values():
            self.say(f'* LIST ({box.flag}) "/" "{box.name}"')
        self.done(tag)

    async def do_examine(self, tag: str, rest: str) -> None:
        self.box = self.server.boxes.get(rest.strip('"'))
        if self.box is None:
            self.done(tag, "NO [NONEXISTENT] no such mailbox")
            return
        self.say(f"* {len(self.box.mails)} EXISTS")
        self.say(f"* OK [UIDVALIDITY {self.box.validity}] valid")
        self.say(f"* OK [UIDNEXT {self.box.next_uid}] next")
        if "CONDSTORE" in self.server.capabilities:
            self.say(f"* OK [HIGHESTMODSEQ {self.server.modseq}] highest")
        self.done(tag, "OK [READ-ONLY] done")

    async def do_search(self, tag: str, rest: str) -> None:
        assert self.box is not None
        words = re.findall(r'"(?:[^"\\]|\\.)*"|[()]|[^\s()]+', rest)
        plain = [w[1:-1].replace('\\"', '"') if w.startswith('"') else w for w in words]
        found = [mail.uid for mail in self.box.mails if satisfied(plain, mail)]
        self.say(f"* SEARCH {' '.join(map(str, found))}".rstrip())
        self.done(tag)

    async def do_fetch(self, tag: str, rest: str) -> None:
        assert self.box is not None
        uids, _, items = rest.partition(" ")
        wanted = {int(uid) for uid in uids.split(",")}
        for number, mail in enumerate(self.box.mails, 1):
            if mail.uid in wanted:
                said = " ".join(["UID", str(mail.uid), *fetched(items, mail)])
                self.say(f"* {number} FETCH (".encode() + said.encode("latin-1") + b")")
        self.done(tag)


def satisfied(words: list[str], mail: Stored) -> bool:
    """All of these keys."""
    return all(list(_keys(iter(words), mail)))


def _keys(words: Iterator[str], mail: Stored) -> Iterator[bool]:
    for word in words:
        if word == ")":
            return
        yield _key(word, words, mail)


def _key(word: str, words: Iterator[str], mail: Stored) -> bool:
    if word == "(":
        return all(list(_keys(words, mail)))
    if word == "OR":
        one, other = _key(next(words), words, mail), _key(next(words), words, mail)
        return one or other
    if word in ("FROM", "TO", "CC", "HEADER"):
        return mail.says(next(words) if word == "HEADER" else word, next(words))
    if word in ("UID", "MODSEQ"):
        first, _, last = next(words).partition(":")
        asked = mail.uid if word == "UID" else mail.modseq
        return int(first) <= asked <= (10**9 if word == "MODSEQ" else int(last or first))
    if word == "SINCE":
        return mail.at.date() >= datetime.strptime(next(words), "%d-%b-%Y").date()  # noqa: DTZ007
    flag = f"\\{word.removeprefix('UN').capitalize()}"
    assert flag in ("\\Deleted", "\\Draft"), word
    return (flag in mail.flags) != word.startswith("UN")


def fetched(items: str, mail: Stored) -> Iterator[str]:
    """Items with their values, as latin-1."""
    message = message_from_bytes(mail.raw, policy=compat32)
    if "INTERNALDATE" in items:
        yield mail.at.strftime('INTERNALDATE "%d-%b-%Y %H:%M:%S +0000"')
    if "BODYSTRUCTURE" in items:
        yield f"BODYSTRUCTURE {shape(message)}"
    for section, most in re.findall(r"BODY\.PEEK\[([^\]]*)\]<0\.(\d+)>", items):
        data = mail.raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        if not section.startswith("HEADER"):
            data = content(message, section)
        data = data[: int(most)]
        yield f"BODY[{section}]<0> {{{len(data)}}}\r\n" + data.decode("latin-1")


def content(message: Message, section: str) -> bytes:
    """The bytes of a part, as they are encoded."""
    part: Any = message
    for step in section.split(".") if message.is_multipart() else ():
        part = part.get_payload()[int(step) - 1]
    payload = part.get_payload()
    return str(payload).encode("utf-8", "surrogateescape")


def shape(part: Any) -> str:
    """RFC 3501's BODYSTRUCTURE of a message or part."""
    if part.get_content_type() == "message/rfc822":
        inner = shape(part.get_payload(0))
        envelope = f"({' '.join(['NIL'] * 10)})"
        return f'("message" "rfc822" NIL NIL NIL "7bit" 10 {envelope} {inner} 1 NIL {_how(part)})'
    if part.is_multipart():
        below = "".join(shape(each) for each in part.get_payload())
        return f'({below} "{part.get_content_subtype()}" NIL NIL NIL)'
    major, minor = part.get_content_maintype(), part.get_content_subtype()
    encoding = part.get("content-transfer-encoding", "7bit")
    lines = "1 " if major == "text" else ""
    kind = f'"{major}" "{minor}" {_pairs(part["content-type"])}'
    return f'({kind} NIL NIL "{encoding}" 10 {lines}NIL {_how(part)} NIL NIL)'


def _how(part: Any) -> str:
    given = part["content-disposition"]
    return f'("{given.partition(";")[0].strip()}" {_pairs(given)})' if given else "NIL"


def _pairs(given: str | None) -> str:
    """Parameters of a field, as they stand there."""
    found = re.findall(r';\s*([\w*]+)=("[^"]*"|[^;\s]+)', given or "")
    pairs = [f'"{name}" "{value.strip(chr(34))}"' for name, value in found]
    return f"({' '.join(pairs)})" if pairs else "NIL"
