"""Mails put together into threads by what they answer (RFC 5256, REFERENCES, without subjects).

A thread is known by its root: the first mail of its chain of answers, whether it lies in this
mailbox or not. A program that cut the chain short is followed further up, where the mail it names
lies here. So the same thread has the same root from wherever one comes to it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.imap.mail import Header

_SKEW = timedelta(days=1)
"""A mail that says it was written so much later than it arrived has no clock to go by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail in one folder. `name` is its Message-ID, or its place where it has none."""

    folder: str = field(repr=False)
    uid: int
    name: str = field(repr=False)
    arrived: datetime
    header: Header = field(repr=False)

    @property
    def at(self) -> datetime:
        """When it was written, as it says; a copy in another folder says the same."""
        written = self.header.date
        return written if written and written <= self.arrived + _SKEW else self.arrived

    @property
    def earliest(self) -> datetime:
        """Nothing that answers it arrived before."""
        return min(self.at, self.arrived)


def distinct(mails: Iterable[Mail]) -> dict[str, Mail]:
    """By name. Of copies, the one that arrived first."""
    found: dict[str, Mail] = {}
    for mail in mails:
        other = found.get(mail.name)
        if other is None or (mail.arrived, mail.folder) < (other.arrived, other.folder):
            found[mail.name] = mail
    return found


def root(name: str, mails: Mapping[str, Mail]) -> str:
    """The root of the thread a mail is of. Chains that bite their tail end where they began."""
    seen = {name}
    while True:
        mail = mails.get(name)
        above = mail.header.ancestors[:1] if mail else ()
        if not above or above[0] in seen:
            return name
        name = above[0]
        seen.add(name)


def threads(mails: Mapping[str, Mail]) -> dict[str, Sequence[Mail]]:
    """Mails by root, oldest first."""
    found: dict[str, list[Mail]] = {}
    for name, mail in mails.items():
        found.setdefault(root(name, mails), []).append(mail)
    return {
        name: sorted(some, key=lambda mail: (mail.at, mail.name)) for name, some in found.items()
    }
