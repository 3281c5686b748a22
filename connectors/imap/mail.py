"""A mail's bytes as what they say: header fields (RFC 5322, RFC 2047) and the text of a part.

People's programs write what they like: charsets that are not what they are called, raw 8-bit
headers, letters cut in two by encoded words. Nothing in here raises over a mail; what cannot be
read is left out, or shown with U+FFFD.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, message_from_string
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import default as POLICY
from email.utils import getaddresses, parsedate_to_datetime

import html_text

from connectors.reading import UNREADABLE

MALFORMED = (*UNREADABLE, MessageError)
"""What the standard library raises over headers nobody should write."""
_ID = re.compile(r"<[^<>\s\x00-\x1f\x7f-\U0010ffff]{1,250}>")
_WORD = r"[A-Za-z0-9.!#$%&'*+/=^_`{|}~-]+"
_PLAIN = re.compile(
    rf'(?:"?(?P<name>[A-Za-z0-9][A-Za-z0-9 .-]*?)"?\s*)?<(?P<inside>{_WORD}@{_WORD})>'
    rf"|(?P<bare>{_WORD}@{_WORD})"
)
"""What nearly every address looks like: the parser takes a millisecond for one."""
_SPLIT = re.compile(
    r"(=\?([^?\s]+)\?(?:([Qq])\?[^?\s]*|[Bb]\?[^?\s=]*))\?=\s+=\?\2\?(?(3)[Qq]|[Bb])\?"
)
"""The seam of two encoded words of one charset and encoding (RFC 2047, 2)."""
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]")
_BREAKS = re.compile(r"\n{3,}")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>", re.IGNORECASE)
# Names under which other charsets go, as the WHATWG's encoding standard lists them.
_CALLED = {
    **dict.fromkeys(("iso-8859-1", "latin1", "latin-1"), "cp1252"),
    **dict.fromkeys(("gb2312", "gbk", "x-gbk"), "gb18030"),
    **dict.fromkeys(("ks_c_5601-1987", "euc-kr", "ksc5601", "x-windows-949"), "cp949"),
    **dict.fromkeys(("shift_jis", "x-sjis", "windows-31j", "sjis"), "cp932"),
    **dict.fromkeys(("iso-8859-9",), "cp1254"),
    **dict.fromkeys(("iso-8859-8-i", "iso-8859-8-e"), "iso-8859-8"),
    **dict.fromkeys(("tis-620", "iso-8859-11"), "cp874"),
    **dict.fromkeys(("unicode-1-1-utf-7", "x-unicode-2-0-utf-7"), "utf-7"),
    **dict.fromkeys(("us-ascii", "ascii", "unicode-1-1-utf-8", "utf8mb4"), "utf-8"),
    "cp-850": "cp850",
    "macintosh": "mac_roman",
}


@dataclass(frozen=True, slots=True)
class Person:
    """A name in a header. The address is in lower case; the name is what stands beside it."""

    address: str = field(repr=False)
    name: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a mail says of itself. Message ids keep their angle brackets. `automatic`: a program
    wrote it (RFC 3834).
    """

    message_id: str | None = None
    references: tuple[str, ...] = ()
    in_reply_to: str | None = None
    sender: Person | None = None
    receivers: tuple[Person, ...] = ()
    date: datetime | None = None
    subject: str | None = field(default=None, repr=False)
    automatic: bool = False

    @property
    def people(self) -> tuple[Person, ...]:
        return (*((self.sender,) if self.sender else ()), *self.receivers)

    @property
    def ancestors(self) -> tuple[str, ...]:
        """Mails it answers, oldest first (RFC 5256: In-Reply-To counts where there are no
        References).
        """
        return self.references or ((self.in_reply_to,) if self.in_reply_to else ())


def header(raw: bytes) -> Header:
    """The fields of a header block."""
    mail = message_from_string(_joined(decoded(raw, "utf-8")), policy=POLICY)
    own = _ids(_raw(mail, "message-id"))
    answered = _ids(_raw(mail, "in-reply-to"))
    senders = _people(mail, "from") or _people(mail, "sender")
    return Header(
        message_id=own[0] if own else None,
        references=_ids(_raw(mail, "references")),
        in_reply_to=answered[0] if answered else None,
        sender=senders[0] if senders else None,
        receivers=(*_people(mail, "to"), *_people(mail, "cc")),
        date=_date(_raw(mail, "date")),
        subject=_line(_read(mail, "subject")),
        automatic=_raw(mail, "auto-submitted").strip().lower() not in ("", "no"),
    )


def part_text(data: bytes, *, html: bool, charset: str, encoding: str) -> str | None:
    """The text of one part, its transfer encoding and charset undone, HTML as the words in it."""
    shell = f"Content-Type: text/plain\r\nContent-Transfer-Encoding: {_token(encoding)}\r\n\r\n"
    if _token(encoding) == "base64":
        data = _NOT_BASE64.sub(b"", data)
        data = data[: len(data) // 4 * 4]  # it may have been cut anywhere
    part = message_from_bytes(shell.encode("ascii") + data, policy=POLICY)
    try:
        payload = part.get_payload(decode=True)
    except MALFORMED:
        payload = data
    said = decoded(payload if isinstance(payload, bytes) else data, charset)
    said = _words(said) if html else said
    lines = _CONTROLS.sub("", said.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
    return _BREAKS.sub("\n\n", "\n".join(line.rstrip() for line in lines)).strip() or None


def decoded(data: bytes, charset: str) -> str:
    """What the charset says, else UTF-8, else what Windows made of it."""
    name = charset.strip().strip("\"'").lower()
    for each in (_CALLED.get(name, name), "utf-8"):
        try:
            return data.decode(each).removeprefix("\ufeff")
        except (LookupError, ValueError):
            continue
    return data.decode("cp1252", "replace")


def filename(value: str) -> str | None:
    """The name of an attachment, encoded words undone: mail programs write them here, too."""
    mail = EmailMessage(policy=POLICY)
    try:
        mail["subject"] = " ".join(value.split())
        return _line(str(mail["subject"]))
    except MALFORMED:
        return _line(value)


def _words(html: str) -> str:
    """HTML as text: scripts and styles left out, blocks on lines of their own."""
    try:
        return str(html_text.extract_text(_DECLARATION.sub("", _CONTROLS.sub("", html))))
    except (*MALFORMED, SyntaxError):  # lxml's own errors are of the last kind
        return ""


def _joined(text: str) -> str:
    """Encoded words that follow one another, as one: some programs cut letters in two (RFC 2047, 5,
    forbids it).
    """
    while (joined := _SPLIT.sub(r"\1", text)) != text:
        text = joined
    return text


def _raw(mail: EmailMessage, name: str) -> str:
    """A field as it was written, unfolded; "" where there is none. Of several, the first counts."""
    found = next((value for key, value in mail.raw_items() if key.lower() == name), "")
    return str(found).replace("\r", "").replace("\n", "")


def _read(mail: EmailMessage, name: str) -> str:
    """A field with its encoded words undone; as it was written where the parser gives up."""
    raw = _raw(mail, name)
    if "=?" not in raw:
        return raw
    try:
        return str(mail.get(name, ""))
    except MALFORMED:
        return raw


def _people(mail: EmailMessage, name: str) -> tuple[Person, ...]:
    plain = _PLAIN.fullmatch(_raw(mail, name).strip())
    if plain:
        return (_person(plain["name"] or "", plain["inside"] or plain["bare"]),)
    try:
        fields = mail.get_all(name, [])
        found = [(a.display_name, a.addr_spec) for each in fields for a in each.addresses]
    except MALFORMED:
        found = getaddresses([_raw(mail, name)])
    return tuple(_person(*one) for one in found if _is_address(one[1]))


def _person(name: str, address: str) -> Person:
    return Person(mended(address).strip().lower(), _line(name))


def _is_address(value: str) -> bool:
    local, _, domain = value.rpartition("@")
    return bool(local and domain) and not any(c.isspace() for c in value)


def _ids(value: str) -> tuple[str, ...]:
    """Each once, in order."""
    return tuple(dict.fromkeys(_ID.findall(value)))


def _date(value: str) -> datetime | None:
    """A time without a zone (-0000) is taken as UTC."""
    try:
        at = parsedate_to_datetime(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (*MALFORMED, OverflowError):
        return None


def mended(value: str) -> str:
    """Bytes that no charset explained, as UTF-8 where they are that."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _line(value: str) -> str | None:
    return " ".join(_CONTROLS.sub(" ", mended(value)).split()) or None


def _token(value: str) -> str:
    """A transfer encoding, of which nothing but its name goes into a header."""
    return re.sub(r"[^a-z0-9-]", "", value.lower()) or "7bit"


def listed(names: Iterable[str]) -> str:
    """Attachments, as a line below the text."""
    return "\n".join(f"[{name}]" for name in names)
