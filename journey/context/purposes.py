"""What a context is for decides what it shows: no more than that needs."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Purpose(StrEnum):
    RESUME = "RESUME"
    """The customer goes on with what they began, perhaps on another device."""
    SUPPORT = "SUPPORT"
    """Somebody helps with a matter."""
    HANDOFF = "HANDOFF"
    """Somebody takes a matter over from somebody else."""
    SALES = "SALES"
    """Somebody advises on what to buy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Parts that are left out are empty, or unknown where that can be said."""

    attempts: bool = True
    frustration: bool = True
    intents: bool = True
    sensitivities: bool = False
    history: bool = True
    about_person: bool = True
    """Whether who the person is and how to reach them are among what is known."""


NEEDS: Final = {
    Purpose.RESUME: Need(frustration=False, intents=False, history=False, about_person=False),
    Purpose.SUPPORT: Need(sensitivities=True),
    Purpose.HANDOFF: Need(sensitivities=True),
    Purpose.SALES: Need(attempts=False, history=False),
}
