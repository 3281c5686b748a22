"""Numbering plans, for millions of numbers: what `phonenumbers` answers, from the same metadata.

The library reads any text and looks every region up again for each question. Most numbers are plain
digits in a plan without carrier codes; they are answered here in a fraction of the time, and a test
holds the answers to the library's.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    PhoneMetadata,
    PhoneNumberDesc,
    PhoneNumberType,
    region_code_for_country_code,
)

MIN_DIGITS, MAX_DIGITS = 2, 17
"""Of a national number (E.164 with the library's tolerance)."""

Fits = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class _Plan:
    """How numbers of a country are cut. `abroad` begins a number of another country."""

    code: int
    prefix: re.Pattern[str] | None
    general: Fits
    lengths: frozenset[int]
    local_lengths: frozenset[int]
    longest: int
    abroad: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class _Region:
    leading: re.Pattern[str] | None
    general: Fits
    types: tuple[tuple[int, Fits], ...]


def read(digits: str, region: str | None) -> tuple[int, str] | None:
    """Country code and national number of digits, with a plus or else dialled in `region`; None
    where only the library can tell.
    """
    if digits.startswith("+"):
        return _international(digits[1:])
    plan = _plan(region) if region else None
    if plan is None or digits.startswith(str(plan.code)):
        return None
    if plan.abroad is not None and plan.abroad.match(digits):
        return None
    return _national(plan, digits)


def kind(code: int, national: str) -> int:
    """PhoneNumberType of a number; UNKNOWN where it is not valid."""
    regions = _regions(code)
    if len(regions) == 1:
        return _type(regions[0], national)
    for region in regions:
        if region.leading is not None:
            if region.leading.match(national):
                return _type(region, national)
        elif (found := _type(region, national)) != PhoneNumberType.UNKNOWN:
            return found
    return int(PhoneNumberType.UNKNOWN)


def _international(digits: str) -> tuple[int, str] | None:
    if len(digits) <= MIN_DIGITS or digits.startswith("0"):
        return None
    for length in (1, 2, 3):
        code = int(digits[:length])
        if code in COUNTRY_CODE_TO_REGION_CODE:
            plan = _plan(region_code_for_country_code(code))
            return None if plan is None else _national(plan, digits[length:])
    return None


def _national(plan: _Plan, digits: str) -> tuple[int, str] | None:
    if len(digits) < MIN_DIGITS:
        return None
    cut = _cut(plan, digits)
    length = len(cut)
    fits = length not in plan.local_lengths and (length in plan.lengths or length > plan.longest)
    national = cut if fits else digits
    return (plan.code, national) if MIN_DIGITS <= len(national) <= MAX_DIGITS else None


def _cut(plan: _Plan, digits: str) -> str:
    """Without the national prefix, where that does not make a number of the plan none."""
    found = plan.prefix.match(digits) if plan.prefix else None
    if found is None:
        return digits
    cut = digits[found.end() :]
    return digits if plan.general(digits) and not plan.general(cut) else cut


def _type(region: _Region, national: str) -> int:
    if not region.general(national):
        return int(PhoneNumberType.UNKNOWN)
    found = (type_ for type_, fits in region.types if fits(national))
    return int(next(found, PhoneNumberType.UNKNOWN))


@cache
def _plan(region: str) -> _Plan | None:
    """None for a region nobody knows, and for one whose prefixes hold carrier codes."""
    metadata = PhoneMetadata.metadata_for_region(region, None)
    if metadata is None or metadata.country_code is None or metadata.general_desc is None:
        return None
    prefix = metadata.national_prefix_for_parsing
    pattern = re.compile(prefix) if prefix else None
    if metadata.national_prefix_transform_rule or (pattern is not None and pattern.groups):
        return None
    general = metadata.general_desc
    abroad = metadata.international_prefix
    return _Plan(
        code=metadata.country_code,
        prefix=pattern,
        general=_pattern(general),
        lengths=frozenset(general.possible_length),
        local_lengths=frozenset(general.possible_length_local_only),
        longest=general.possible_length[-1],
        abroad=re.compile(abroad) if abroad else None,
    )


@cache
def _regions(code: int) -> tuple[_Region, ...]:
    names = COUNTRY_CODE_TO_REGION_CODE[code]
    found = (PhoneMetadata.metadata_for_region_or_calling_code(code, name) for name in names)
    return tuple(_region(metadata) for metadata in found if metadata is not None)


def _region(metadata: PhoneMetadata) -> _Region:
    fixed, mobile = _fits(metadata.fixed_line), _fits(metadata.mobile)
    same = metadata.same_mobile_and_fixed_line_pattern

    def both(national: str) -> bool:
        return fixed(national) and (same or mobile(national))

    types = (
        (PhoneNumberType.PREMIUM_RATE, _fits(metadata.premium_rate)),
        (PhoneNumberType.TOLL_FREE, _fits(metadata.toll_free)),
        (PhoneNumberType.SHARED_COST, _fits(metadata.shared_cost)),
        (PhoneNumberType.VOIP, _fits(metadata.voip)),
        (PhoneNumberType.PERSONAL_NUMBER, _fits(metadata.personal_number)),
        (PhoneNumberType.PAGER, _fits(metadata.pager)),
        (PhoneNumberType.UAN, _fits(metadata.uan)),
        (PhoneNumberType.VOICEMAIL, _fits(metadata.voicemail)),
        (PhoneNumberType.FIXED_LINE_OR_MOBILE, both),
        (PhoneNumberType.FIXED_LINE, fixed),
        (PhoneNumberType.MOBILE, lambda national: not same and mobile(national)),
    )
    leading = metadata.leading_digits
    return _Region(re.compile(leading) if leading else None, _fits(metadata.general_desc), types)


def _fits(described: PhoneNumberDesc | None) -> Fits:
    if described is None:
        return lambda _: False
    lengths, pattern = frozenset(described.possible_length), _pattern(described)
    return lambda national: (not lengths or len(national) in lengths) and pattern(national)


def _pattern(described: PhoneNumberDesc) -> Fits:
    if not described.national_number_pattern:
        return lambda _: False
    match = re.compile(described.national_number_pattern).fullmatch
    return lambda national: match(national) is not None
