"""Phone numbers as E.164, with the kind of line."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType

from identity import numbering
from identity.placeholders import counts, one_character
from identity.rules import Match

MOBILE, FIXED, OTHER = "mobile", "fixed", "other"
KINDS = {
    PhoneNumberType.MOBILE: MOBILE,
    PhoneNumberType.FIXED_LINE: FIXED,
    PhoneNumberType.TOLL_FREE: OTHER,
    PhoneNumberType.SHARED_COST: OTHER,
    PhoneNumberType.PREMIUM_RATE: OTHER,
}
"""Where the plan does not tell mobile from fixed (North America) the kind stays empty."""
MIN_DIGITS = 7
NOT_DIGITS = re.compile(r"[^0-9]+")
ABROAD = re.compile(r"^ *\(?00(?=[1-9])")

DECORATION = r"[ ().-]"
"""What may stand between the digits of a number and says nothing."""
DECORATED = Match(rf"{DECORATION}*\+?(?:[0-9]|{DECORATION})*")
"""Numbers of nothing else: without the decoration they are read the same."""
_NOTHING = re.compile(DECORATION)


@dataclass(frozen=True, slots=True)
class Phone:
    """`number` is E.164, or the bare digits where no country is known.

    `key` is what two numbers are compared by: the significant digits within the country, since the
    same number stands in one system with its country and in the next without. `kind`: mobile,
    fixed, other (freephone and the like) or empty where the plan does not say.
    """

    number: str
    key: str
    kind: str


@lru_cache(maxsize=65_536)
def canonical(folded: str, region: str | None) -> Phone | None:
    """None where it is no number or a filler; `region` (ISO 3166, upper case) reads national
    forms.
    """
    digits = NOT_DIGITS.sub("", folded)
    if len(digits) < MIN_DIGITS or one_character(digits[-MIN_DIGITS:]) or counts(digits):
        return None
    dialled = ABROAD.sub("+", folded)
    known = numbering.read(_NOTHING.sub("", dialled), region) if DECORATED(dialled) else None
    if known:
        code, national = known
        kind = KINDS.get(numbering.kind(code, national), "")
        return Phone(f"+{code}{national}", national.lstrip("0"), kind)
    try:
        parsed = phonenumbers.parse(dialled, region)
    except NumberParseException:
        return Phone(digits, digits.lstrip("0"), "")
    key = phonenumbers.national_significant_number(parsed)
    kind = KINDS.get(phonenumbers.number_type(parsed), "")  # of no type where it is not valid
    return Phone(f"+{parsed.country_code}{key}", key.lstrip("0"), kind)


def numbers(dialled: Iterable[tuple[str, str]]) -> list[tuple[str, str] | None]:
    """The key and kind of each (folded number, region or empty)."""
    found = (canonical.__wrapped__(raw, region or None) for raw, region in dialled)
    return [(phone.key, phone.kind) if phone else None for phone in found]
