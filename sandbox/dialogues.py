"""What people and staff say to each other: threads that tickets and chats are filled with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from random import Random


class Voice(Enum):
    """Who speaks a turn; a NOTE is written by staff and seen by staff only."""

    CUSTOMER = "customer"
    STAFF = "staff"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Turn:
    voice: Voice
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """A thread with `{order}` and `{name}` left open. `about_order` ones need an order to speak of.

    `kind` and `priority` are Zendesk's words for the same matter as a ticket.
    """

    subject: str
    turns: tuple[Turn, ...]
    about_order: bool = True
    kind: str | None = "problem"
    priority: str | None = "normal"
    tags: tuple[str, ...] = ()


def _thread(*turns: tuple[Voice, str]) -> tuple[Turn, ...]:
    return tuple(Turn(voice, text) for voice, text in turns)


_C, _S, _N = Voice.CUSTOMER, Voice.STAFF, Voice.NOTE

DIALOGUES: tuple[Dialogue, ...] = (
    Dialogue(
        subject="Where is my order {order}?",
        kind="question",
        tags=("delivery",),
        turns=_thread(
            (_C, "Hello, order {order} should have been here on Tuesday. Where is it?"),
            (_S, "Dear {name}, the parcel is with the carrier; I have asked them to look for it."),
            (_N, "Carrier says: depot Swindon, no scan since Monday."),
            (_C, "It still has not come."),
        ),
    ),
    Dialogue(
        subject="{order} arrived damaged",
        priority="high",
        tags=("damage", "refund"),
        turns=_thread(
            (_C, "One of the mugs in {order} came broken. I would like my money back for it."),
            (_S, "I am sorry, {name}. Could you send a picture of the parcel?"),
            (_C, "Picture is on its way. I am at home all day."),
            (_N, "Picture seen, refund of one item is fine without approval."),
            (_S, "Thank you, the refund has been started and takes three to five days."),
        ),
    ),
    Dialogue(
        subject="Wrong item in {order}",
        tags=("exchange",),
        turns=_thread(
            (_C, "I ordered the black kettle and got a white frother ({order})."),
            (_S, "That is our mistake. A new parcel leaves today, please keep the wrong one."),
        ),
    ),
    Dialogue(
        subject="Change of address for {order}",
        kind="task",
        tags=("delivery", "address"),
        turns=_thread(
            (_C, "Can {order} go to my new address? I have moved."),
            (_S, "Of course, {name}. Which address should it be?"),
        ),
    ),
    Dialogue(
        subject="Invoice for {order}",
        kind="question",
        priority="low",
        tags=("invoice",),
        turns=_thread(
            (_C, "Please send me an invoice with our company name for {order}."),
            (_S, "Attached. Anything else, {name}?"),
            (_C, "No, thank you!"),
        ),
    ),
    Dialogue(
        subject="Machine loses pressure",
        about_order=False,
        kind="incident",
        priority="urgent",
        tags=("warranty",),
        turns=_thread(
            (_C, "The machine loses pressure after a minute. I have descaled it twice already."),
            (_N, "Third report of this batch this week, see the workshop list."),
            (_S, "Please run it once without coffee and tell me what the gauge shows."),
            (_C, "It stops at four bar."),
        ),
    ),
    Dialogue(
        subject="Is the grinder suitable for filter coffee?",
        about_order=False,
        kind="question",
        priority=None,
        turns=_thread(
            (_C, "Does the burr grinder go coarse enough for filter?"),
            (_S, "It does: settings 20 to 28 are meant for it."),
        ),
    ),
    Dialogue(
        subject="Please delete my newsletter subscription",
        about_order=False,
        kind=None,
        priority=None,
        tags=("newsletter",),
        turns=_thread((_C, "I get two copies of your newsletter. None would do.")),
    ),
)


def drawn(rng: Random, *, with_order: bool) -> Dialogue:
    """A thread that fits: about an order only where there is one."""
    fitting = [dialogue for dialogue in DIALOGUES if with_order or not dialogue.about_order]
    return rng.choice(fitting)
