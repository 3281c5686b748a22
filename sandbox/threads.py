"""Tickets and conversations with their comments and parts, told from dialogues."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sandbox.dialogues import Dialogue, Turn, Voice
from sandbox.rows import ChatContact, Comment, Conversation, Part, Ticket, TicketUser
from sandbox.world import World

# Statuses weighted as a desk has them: most is done, some waits.
TICKET_STATUSES = ("new", "open", "open", "pending", "hold", "solved", "solved", "closed", "closed")
TICKET_CHANNELS = ("email", "email", "web", "chat", "voice")
CHAT_CHANNELS = ("conversation", "conversation", "conversation", "email", "whatsapp")
CHAT_STATES = ("open", "open", "snoozed", "closed", "closed", "closed")
BOT_ID = "816000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """When a thread began, how it stands now, and the order it speaks of ("" for none)."""

    opened: datetime
    status: str
    channel: str
    order_name: str = ""


def add_ticket(
    world: World, requester: TicketUser, dialogue: Dialogue, occasion: Occasion, rng: Random
) -> Ticket:
    """One ticket in the words of a dialogue; a new one has its first comment and no assignee."""
    agent_id = rng.choice(world.agent_ids)
    comments = tuple(_Teller(world, dialogue, occasion, rng).comments(requester, agent_id))
    return world.tickets.add(
        Ticket(
            id=world.tickets.next_id(),
            person_id=requester.person_id,
            requester_id=requester.id,
            submitter_id=requester.id,
            assignee_id=None if occasion.status == "new" else agent_id,
            subject=dialogue.subject.format(order=occasion.order_name),
            status=occasion.status,
            priority=dialogue.priority,
            kind=dialogue.kind,
            channel=occasion.channel,
            tags=dialogue.tags,
            comments=comments,
            created_at=occasion.opened,
            updated_at=comments[-1].created_at,
        )
    )


def add_conversation(
    world: World, contact: ChatContact, dialogue: Dialogue, occasion: Occasion, rng: Random
) -> Conversation:
    """One conversation: its opening message, then parts (assignment, answers, notes, close)."""
    admin = rng.choice(tuple(world.chat_admins))
    parts = tuple(_Teller(world, dialogue, occasion, rng).parts(contact, admin))
    waits = occasion.status == "open" and parts[-1].author_type == contact.role
    snoozed = occasion.status == "snoozed"
    subject = dialogue.subject.format(order=occasion.order_name)
    return world.conversations.add(
        Conversation(
            id=world.conversations.next_id(),
            person_id=contact.person_id,
            contact_ids=(contact.id,),
            state=occasion.status,
            read=occasion.status != "open",
            priority="high" if dialogue.priority in ("high", "urgent") else "none",
            source_id=world.part_id(),
            source_type=occasion.channel,
            source_subject=subject if occasion.channel == "email" else None,
            source_body=_said(dialogue.turns[0], contact, occasion),
            source_author_type=contact.role,
            source_author_id=contact.id,
            admin_assignee_id=admin,
            waiting_since=parts[-1].created_at if waits else None,
            snoozed_until=world.seeded_at + timedelta(days=2) if snoozed else None,
            tags=dialogue.tags,
            parts=parts,
            created_at=occasion.opened,
            updated_at=parts[-1].created_at,
        )
    )


@dataclass(frozen=True, slots=True)
class _Teller:
    """Turns a dialogue into what a system keeps of it, with some time between two turns."""

    world: World
    dialogue: Dialogue
    occasion: Occasion
    rng: Random

    def comments(self, requester: TicketUser, agent_id: str) -> Iterator[Comment]:
        at = self.occasion.opened
        turns = self.dialogue.turns
        for turn in turns[:1] if self.occasion.status == "new" else turns:
            spoken = turn.voice is Voice.CUSTOMER
            call = spoken and self.occasion.channel == "voice"
            yield Comment(
                id=self.world.part_id(),
                author_id=requester.id if spoken else agent_id,
                body=turn.text.format(order=self.occasion.order_name, name=requester.name),
                created_at=at,
                public=turn.voice is not Voice.NOTE,
                channel=self.occasion.channel if spoken else "web",
                kind="VoiceComment" if call else "Comment",
                call_seconds=self.rng.randint(40, 900) if call else None,
            )
            at = self._later(at)

    def parts(self, contact: ChatContact, admin: str) -> Iterator[Part]:
        at = self._later(self.occasion.opened)
        yield _part(self.world, "assignment", ("bot", BOT_ID), None, at, assigned_to=admin)
        for turn in self.dialogue.turns[1:]:
            at = self._later(at)
            by_contact = turn.voice is Voice.CUSTOMER
            author = (contact.role, contact.id) if by_contact else ("admin", admin)
            kind = "note" if turn.voice is Voice.NOTE else "comment"
            yield _part(self.world, kind, author, _said(turn, contact, self.occasion), at)
        if self.occasion.status != "open":
            kind = "close" if self.occasion.status == "closed" else "snoozed"
            yield _part(self.world, kind, ("admin", admin), None, self._later(at))

    def _later(self, at: datetime) -> datetime:
        """Some minutes to hours later, always before the seeded history ends."""
        left_s = (self.world.seeded_at - at).total_seconds()
        return at + timedelta(seconds=self.rng.randint(1, max(1, int(min(left_s / 3, 36_000)))))


def _said(turn: Turn, contact: ChatContact, occasion: Occasion) -> str:
    """A turn as Intercom keeps it: HTML."""
    name = (contact.name or "there").split(" ")[0]
    return f"<p>{turn.text.format(order=occasion.order_name, name=name)}</p>"


def _part(
    world: World,
    kind: str,
    author: tuple[str, str],
    body: str | None,
    at: datetime,
    *,
    assigned_to: str | None = None,
) -> Part:
    return Part(
        id=world.part_id(),
        part_type=kind,
        author_type=author[0],
        author_id=author[1],
        body=body,
        created_at=at,
        updated_at=at,
        assigned_to=assigned_to,
    )
