"""What a mailbox is asked, each in one visit: the mails of people and of threads, and what is new.

A thread is found by what its mails answer: searches name Message-IDs, and go on with those of what
they found, until nothing new turns up. Servers that thread by themselves (THREAD, INTHREAD) do so
within one folder; measured: an answer to a mail in Sent then begins a thread of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.imap.mail import Header, header, listed, part_text
from connectors.imap.session import Folder, Session, quoted
from connectors.imap.structure import Part, structure
from connectors.imap.threads import Mail, distinct, root, threads

MOST = 1_000
"""Mails one question looks at, the newest of each folder."""
TEXT_BYTES = 131_072
"""Of each text part, as it is encoded."""
PAGE = 200
"""New mails told of at once."""
_WINDOW = 5_000
"""UIDs one search for new mail covers: its answer is one line, and lines have an end."""
_WINDOWS = 20
_NAMES = 25
"""Message-IDs, or people, of one search: up to three terms each."""
_FETCHED = 200
_ROUNDS = 6
_PLACE = "place:"
_LIVE = "UNDELETED UNDRAFT"
_FIELDS = "MESSAGE-ID IN-REPLY-TO REFERENCES FROM SENDER TO CC DATE SUBJECT AUTO-SUBMITTED"
_HEADER = ["INTERNALDATE", f"BODY.PEEK[HEADER.FIELDS ({_FIELDS})]<0.65536>"]
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_SLACK = timedelta(days=2)
"""Dates of searches have no zone, and clocks differ."""
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What a mail says, and the names of what it carries."""

    body: str | None = field(default=None, repr=False)
    attachments: tuple[str, ...] = field(default=(), repr=False)

    @property
    def shown(self) -> str | None:
        return "\n\n".join(filter(None, (self.body, listed(self.attachments)))) or None


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Roots of threads that changed, and those of which nothing is left."""

    changed: Sequence[str]
    gone: Sequence[str]
    cursor: Mapping[str, Sequence[int | None]]
    more: bool


class Visit:
    """One session, and what was seen in it so far."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._seen: dict[tuple[str, int], Mail] = {}
        self._stands: dict[str, Folder] = {}
        self._there: str | None = None

    # ------------------------------------------------------------ threads

    def of_people(self, addresses: Sequence[str]) -> dict[str, Sequence[Mail]]:
        """Every thread in which one of them wrote or was written to, by its root."""
        wanted = {address.lower() for address in addresses}
        named = [f"OR FROM {a} (OR TO {a} CC {a})" for a in map(quoted, addresses)]
        mails = self._found(named)
        # Searches find parts of words: joann@ for ann@.
        own = distinct(m for m in mails if any(p.address in wanted for p in m.header.people))
        return self._threads_of(list(own), self._whole(own, (), deep=False))

    def of_roots(self, roots: Sequence[str]) -> dict[str, Sequence[Mail]]:
        """Threads by the names asked for; those of which nothing is there are left out."""
        places = [name for name in roots if name.startswith(_PLACE)]
        mails = distinct(mail for name in places for mail in self._at(name))
        names = [name for name in roots if name not in places]
        held = self._whole(mails, names, deep=True)
        found = threads(held)
        return {name: found[r] for name in roots if (r := root(name, held)) in found}

    def news(self, cursor: Mapping[str, Sequence[int | None]]) -> News:
        """What is new in every folder since the cursor, at most about a page of it."""
        state = {name: list(cursor[name]) for name in self._session.folders if name in cursor}
        fresh: list[Mail] = []
        marked: list[Mail] = []
        more = False
        for folder in self._session.folders:
            if more:
                break
            mails, deleted, more = self._news_in(folder, state)
            fresh, marked = fresh + mails, marked + deleted
            more = more or (len(fresh) >= PAGE and folder != self._session.folders[-1])
        names = distinct([*fresh, *marked])
        held = self._whole(names, (), deep=False)
        suspects = list(dict.fromkeys(root(mail.name, held) for mail in marked))
        left = self.of_roots(suspects) if suspects else {}
        gone = [name for name in suspects if name not in left]
        changed = [n for n in dict.fromkeys(root(n, held) for n in names) if n not in gone]
        return News(changed=changed, gone=gone, cursor=state, more=more)

    # ------------------------------------------------------------ texts

    def texts(self, mails: Iterable[Mail]) -> dict[str, Text]:
        """What mails say, by name; of each folder, one call for their structures and one for each
        place in them where text lies.
        """
        found: dict[str, Text] = {}
        for folder, some in _by_folder(mails).items():
            self._enter(folder)
            for chunk in _chunks(some, _FETCHED):
                found |= self._texts_in(chunk)
        return found

    def _texts_in(self, mails: Sequence[Mail]) -> dict[str, Text]:
        said = self._session.fetch([mail.uid for mail in mails], ["BODYSTRUCTURE"])
        shapes = {m.uid: structure(said.get(m.uid, {}).get(b"BODYSTRUCTURE")) for m in mails}
        bodies = self._parts({uid: shape.parts for uid, shape in shapes.items()})
        return {
            mail.name: Text(
                body="\n\n".join(filter(None, bodies.get(mail.uid, ()))) or None,
                attachments=shapes[mail.uid].attachments,
            )
            for mail in mails
        }

    def _parts(self, parts: Mapping[int, Sequence[Part]]) -> dict[int, list[str | None]]:
        sections = dict.fromkeys(part.section for some in parts.values() for part in some)
        data: dict[tuple[int, str], bytes] = {}
        for section in sections:
            uids = [uid for uid, some in parts.items() if any(p.section == section for p in some)]
            item = f"BODY.PEEK[{section}]<0.{TEXT_BYTES}>"
            for uid, answer in self._session.fetch(uids, [item]).items():
                data[uid, section] = _literal(answer, f"BODY[{section}]")
        return {
            uid: [_read(part, data.get((uid, part.section), b"")) for part in some]
            for uid, some in parts.items()
        }

    # ------------------------------------------------------------ finding

    def _enter(self, folder: str) -> Folder:
        """Opens it, unless this visit is in it: to open a folder may take longer than to ask."""
        if self._there != folder:
            self._stands[folder] = self._session.examine(folder)
            self._there = folder
        return self._stands[folder]

    def _nearest(self) -> list[str]:
        """Every folder, first the one that is open."""
        return sorted(self._session.folders, key=lambda folder: folder != self._there)

    def _whole(
        self, mails: Mapping[str, Mail], names: Sequence[str], *, deep: bool
    ) -> dict[str, Mail]:
        """These, and every mail that is here of the threads of these mails and names. Nearly every
        mail names the root of its thread; `deep` also finds those that name their parent only.
        """
        held = dict(mails)
        asked: set[str] = set()
        for _ in range(_ROUNDS):
            roots = dict.fromkeys(root(name, held) for name in (*held, *names))
            open_ = [name for name in (*roots, *(held if deep else ())) if name not in asked]
            wanted = [name for name in dict.fromkeys(open_) if not name.startswith(_PLACE)]
            if not wanted or len(held) > MOST:
                break
            asked.update(wanted)
            lost = [name for name in wanted if name not in held]
            known = sorted((held[n] for n in wanted if n in held), key=lambda mail: mail.earliest)
            found = self._found([_naming(name, itself=True) for name in lost]) if lost else []
            for some in _chunks(known, _NAMES):
                found += self._found(
                    [_naming(m.name, itself=False, old=m.name in roots) for m in some],
                    since=some[0].earliest,
                )
            held = distinct([*held.values(), *found])
        return held

    def _threads_of(
        self, names: Sequence[str], held: Mapping[str, Mail]
    ) -> dict[str, Sequence[Mail]]:
        found = threads(held)
        return {r: found[r] for r in dict.fromkeys(root(name, held) for name in names)}

    def _found(self, named: Sequence[str], *, since: datetime | None = None) -> list[Mail]:
        """Mails in every folder that satisfy any of these search keys. `since` spares the server
        those that are older: it looks through the others one by one.
        """
        young = f" SINCE {_day(since - _SLACK)}" if since else ""
        found: list[Mail] = []
        for folder in self._nearest():
            validity = self._enter(folder).validity
            uids: set[int] = set()
            for some in _chunks(named, _NAMES):
                uids.update(self._session.search(f"{_LIVE}{young} {_any(some)}"))
            found += self._mails(folder, validity, sorted(uids)[-MOST:])
        return found

    def _mails(self, folder: str, validity: int, uids: Sequence[int]) -> list[Mail]:
        unknown = [uid for uid in uids if (folder, uid) not in self._seen]
        for some in _chunks(unknown, _FETCHED):
            for uid, said in self._session.fetch(some, _HEADER).items():
                self._seen[folder, uid] = _mail(folder, validity, uid, said)
        return [self._seen[folder, uid] for uid in uids if (folder, uid) in self._seen]

    def _at(self, name: str) -> list[Mail]:
        """The mail that lies at a place, if the folder still counts as it did."""
        validity, uid, folder = name.removeprefix(_PLACE).split(":", 2)
        if folder not in self._session.folders:
            return []
        if self._enter(folder).validity != int(validity):
            return []
        return self._mails(folder, int(validity), self._session.search(f"{_LIVE} UID {int(uid)}"))

    # ------------------------------------------------------------ what is new

    def _news_in(
        self, folder: str, state: dict[str, list[int | None]]
    ) -> tuple[list[Mail], list[Mail], bool]:
        """Mails that are new in a folder, those that were marked as deleted, and whether there is
        more; `state` is moved on. Where it counts anew (UIDVALIDITY), everything in it is new.
        """
        now = self._enter(folder)
        validity, uid, modseq = state.get(folder) or (now.validity, 0, now.modseq)
        if validity != now.validity or uid is None:
            uid, modseq = 0, now.modseq
        last, begun = now.next_uid - 1, uid
        uids: list[int] = []
        for _ in range(_WINDOWS):
            if uid >= last or uids:
                break
            end = min(uid + _WINDOW, last)
            uids = self._session.search(f"{_LIVE} UID {uid + 1}:{end}")[:PAGE]
            uid = uids[-1] if len(uids) == PAGE else end
        marked: list[int] = []
        if uid >= last and modseq is not None and now.modseq is not None and now.modseq > modseq:
            # RFC 7162. What is expunged at once leaves no name behind: the full scan notices.
            marked = self._session.search(f"DELETED MODSEQ {modseq + 1}")
            modseq = now.modseq
        state[folder] = [now.validity, uid, modseq]
        old = [each for each in marked if each <= begun][-MOST:]
        fresh, gone = (self._mails(folder, now.validity, some) for some in (uids, old))
        return fresh, gone, uid < last


def _mail(folder: str, validity: int, uid: int, said: Mapping[bytes, Any]) -> Mail:
    fields: Header = header(_literal(said, "BODY[HEADER.FIELDS"))
    return Mail(
        folder=folder,
        uid=uid,
        name=fields.message_id or f"{_PLACE}{validity}:{uid}:{folder}",
        arrived=(said.get(b"INTERNALDATE") or fields.date or _NEVER).astimezone(UTC),
        header=fields,
    )


def _literal(said: Mapping[bytes, Any], name: str) -> bytes:
    """What came for an item: servers repeat its name in their own way."""
    for key, value in said.items():
        if key.startswith(name.encode()) and isinstance(value, bytes | int):
            return value if isinstance(value, bytes) else str(value).encode()
    return b""


def _read(part: Part, data: bytes) -> str | None:
    return part_text(data, html=part.html, charset=part.charset, encoding=part.encoding)


def _naming(name: str, *, itself: bool, old: bool = True) -> str:
    """Mails that answer one of that name, and the mail itself, where it is not known yet. `old`:
    mails further down name it, too.
    """
    value = quoted(name)
    answers = f"HEADER IN-REPLY-TO {value}"
    if old:
        answers = f"OR HEADER REFERENCES {value} {answers}"
    return f"OR HEADER MESSAGE-ID {value} ({answers})" if itself else answers


def _day(at: datetime) -> str:
    """A date as RFC 3501 writes it, in no language."""
    return f"{at.day}-{_MONTHS[at.month - 1]}-{at.year}"


def _any(keys: Sequence[str]) -> str:
    """One search key that is satisfied by any of these."""
    if len(keys) == 1:
        return keys[0]
    half = len(keys) // 2
    return f"OR ({_any(keys[:half])}) ({_any(keys[half:])})"


def _by_folder(mails: Iterable[Mail]) -> dict[str, list[Mail]]:
    found: dict[str, list[Mail]] = {}
    for mail in mails:
        found.setdefault(mail.folder, []).append(mail)
    return found


def _chunks(items: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))
