"""When something is due, as it was said: a day or a time, relative to when it was said.

Days and hours are of UTC, as all times here are. A day alone is due at its end; so is "tonight".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_DAY = r"(monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b"
_SHORT_DAY = r"(mon|tues?|wed|thurs?|fri|sat|sun)\b"
_MONTH = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b"
)
_WORDS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "couple": 2, "three": 3, "few": 3, "four": 4, "five": 5,
    "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12, "fourteen": 14,
    "fifteen": 15, "twenty": 20, "thirty": 30, "half": 1,
}  # fmt: skip
_COUNT = r"(\d{1,3}|" + "|".join(_WORDS) + r")"
_UNIT = r"(min(?:ute)?s?|h(?:(?:ou)?rs?)?|days?|weeks?|months?)"


@dataclass(frozen=True, slots=True)
class Due:
    """`at` is the latest moment that is still in time; `said` are the words."""

    at: datetime
    said: str


def due(text: str, said_at: datetime) -> Due | None:
    """The first day or time named in the text that can be placed, with an hour where one stands in
    the text beside it; None where there is none.
    """
    found = [
        (match.start(), match, place) for rule, place in _RULES for match in rule.finditer(text)
    ]
    for _, match, place in sorted(found, key=lambda one: (one[0], -len(one[1].group()))):
        day = place(match, said_at.astimezone(UTC))
        if day is not None:
            return Due(_with_hour(day, text), match.group().strip())
    hour = _hour(text)
    return None if hour is None else Due(_next(hour[0], said_at.astimezone(UTC)), hour[1])


def _end_of(day: datetime) -> datetime:
    return day.replace(hour=23, minute=59, second=59, microsecond=0)


def _today(_match: re.Match[str], at: datetime) -> datetime:
    return _end_of(at)


def _noon(_match: re.Match[str], at: datetime) -> datetime:
    noon = at.replace(hour=12, minute=0, second=0, microsecond=0)
    return noon if noon > at else noon + timedelta(days=1)


def _tomorrow(_match: re.Match[str], at: datetime) -> datetime:
    return _end_of(at + timedelta(days=1))


def _after_tomorrow(_match: re.Match[str], at: datetime) -> datetime:
    return _end_of(at + timedelta(days=2))


def _weekday(match: re.Match[str], at: datetime) -> datetime:
    """The next such day; "next Tuesday", said on a Monday, is that of the week after."""
    wanted = next(i for i, day in enumerate(_DAYS) if day.startswith(match.group(2).lower()[:3]))
    ahead = (wanted - at.weekday()) % 7 or 7
    if (match.group(1) or "").lower().startswith("next") and wanted > at.weekday():
        ahead += 7
    return _end_of(at + timedelta(days=ahead))


def _counted(match: re.Match[str], at: datetime) -> datetime:
    number, working, unit = match[1].lower(), match[2], match[3].lower()
    count = _WORDS[number] if number in _WORDS else int(number)
    if unit.startswith("day") and working:
        return _end_of(_working_days(at, count))
    if number == "half":
        return at + timedelta(minutes=30)
    if unit.startswith(("min", "h")):
        return at + (timedelta(hours=count) if unit[0] == "h" else timedelta(minutes=count))
    days = {"d": 1, "w": 7, "m": 30}[unit[0]] * count
    return _end_of(at + timedelta(days=days))


def _working_days(at: datetime, count: int) -> datetime:
    day = at
    while count > 0:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day


def _hour_from_now(_match: re.Match[str], at: datetime) -> datetime:
    return at + timedelta(hours=1)


def _moment(_match: re.Match[str], at: datetime) -> datetime:
    return at + timedelta(minutes=15)


def _week_end(match: re.Match[str], at: datetime) -> datetime:
    weeks = 1 if "next" in match.group().lower() else 0
    return _end_of(at + timedelta(days=(4 - at.weekday()) % 7 + 7 * weeks))


def _next_week(_match: re.Match[str], at: datetime) -> datetime:
    return _end_of(at + timedelta(days=13 - at.weekday()))


def _month_end(match: re.Match[str], at: datetime) -> datetime:
    first = at.replace(day=1)
    for _ in range(2 if "next" in match.group().lower() else 1):
        first = (first + timedelta(days=32)).replace(day=1)
    return _end_of(first - timedelta(days=1))


def _dated(match: re.Match[str], at: datetime) -> datetime | None:
    """A day of a month: of this year, or of the next where it is long past."""
    groups = match.groupdict()
    month = next(i for i, name in enumerate(_MONTHS, 1) if name.startswith(groups["m"].lower()[:3]))
    return _on(at, at.year, month, int(groups["d"]))


def _iso(match: re.Match[str], at: datetime) -> datetime | None:
    return _on(at, *(int(part) for part in match.groups()))


def _slashed(match: re.Match[str], at: datetime) -> datetime | None:
    """Day and month where one of them can only be the day; else nobody knows, and neither do we."""
    one, other = int(match.group(1)), int(match.group(2))
    if one > 12 >= other:
        return _on(at, at.year, other, one)
    return _on(at, at.year, one, other) if other > 12 >= one else None


def _nth(match: re.Match[str], at: datetime) -> datetime | None:
    day = int(match.group(1))
    month = at if day >= at.day else (at.replace(day=1) + timedelta(days=32))
    return _on(at, month.year, month.month, day)


def _on(at: datetime, year: int, month: int, day: int) -> datetime | None:
    try:
        found = _end_of(datetime(year, month, day, tzinfo=UTC))
    except ValueError:
        return None
    return found.replace(year=year + 1) if (at - found).days > 90 and day < 29 else found


_HOUR = re.compile(
    r"\b(?:by|at|before|until|till|around|between|from)?\s*(\d{1,2})(?:[:.](\d{2}))?\s*"
    r"(am|pm|a\.m\.?|p\.m\.?|o'clock|h\b)|\b(?:by|at|before|until)\s+(\d{1,2}):(\d{2})\b",
    re.I,
)


def _hour(text: str) -> tuple[timedelta, str] | None:
    match = _HOUR.search(text)
    if match is None:
        return None
    hours, minutes, half = int(match[1] or match[4]), int(match[2] or match[5] or 0), match[3] or ""
    if half.lower().startswith("p") and hours < 12:
        hours += 12
    if hours > 23 or minutes > 59:
        return None
    return timedelta(hours=hours, minutes=minutes), match.group().strip()


def _with_hour(day: datetime, text: str) -> datetime:
    hour = _hour(text)
    if hour is None or day.second != 59:
        return day
    return day.replace(hour=0, minute=0, second=0) + hour[0]


def _next(hour: timedelta, at: datetime) -> datetime:
    found = at.replace(hour=0, minute=0, second=0, microsecond=0) + hour
    return found if found > at else found + timedelta(days=1)


def _rule(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_Place = Callable[[re.Match[str], datetime], datetime | None]
_RULES: tuple[tuple[re.Pattern[str], _Place], ...] = (
    (_rule(r"\bday after tomorrow\b"), _after_tomorrow),
    (_rule(r"(?:\bby |\bfirst thing )?(?<!after )\btomorrow\b"), _tomorrow),
    (_rule(r"\b(?:today|tonight|this (?:morning|afternoon|evening)|(?:the )?same day|by midnight|"
           r"(?:end|close) of (?:the |my )?(?:day|business|play|shift)(?! tomorrow)|\bEOD|"
           r"\bCOB)\b"),
     _today),
    (_rule(r"\b(?:before|by|at|until) (?:noon|midday|lunch(?:time)?)\b"), _noon),
    (_rule(r"(\b(?:by|on|until|before|this|next|coming)\s+)?(?:the )?\b" + _DAY), _weekday),
    (_rule(r"(\b(?:by|on|until|before|this|next)\s+)" + _SHORT_DAY), _weekday),
    (_rule(r"\b(?:within|in|over|inside)\s+(?:the next\s+)?(?:about |around |roughly |"
           r"at most |a )?"
           r"(?:\d{1,2}\s?(?:-|to|\u2013|or)\s?)?" + _COUNT + r"(?:\s+(?:of|an?))?\s*"
           r"(working |business )?" + _UNIT + r"\b"), _counted),
    (_rule(r"\bwithin (?:the|an) hour\b|\b(?:in|within) the next hour\b"), _hour_from_now),
    (_rule(r"\bin a (?:moment|minute|second|sec|bit)\b|\bright away\b|\bimmediately\b"), _moment),
    (_rule(r"\b(?:(?:by |before )?(?:the )?end of (?:the|this|next) week|this week|"
           r"by the weekend)\b"),
     _week_end),
    (_rule(r"\bnext week\b"), _next_week),
    (_rule(r"\b(?:(?:the )?end of (?:the|this|next) month|this month|next month|month[- ]end)\b"),
     _month_end),
    (_rule(r"\b(?:by |on |before )?(?:the )?(?P<d>\d{1,2})(?:st|nd|rd|th)?(?: of)? (?P<m>"
           + _MONTH + ")"), _dated),
    (_rule(r"\b(?:by |on |before )?(?P<m>" + _MONTH + r")\.? (?P<d>\d{1,2})(?:st|nd|rd|th)?\b"),
     _dated),
    (_rule(r"\b(20\d\d)-(\d\d)-(\d\d)\b"), _iso),
    (_rule(r"\b(?:by|on|before|until) (?:the )?(\d{1,2})[/.](\d{1,2})\b"), _slashed),
    (_rule(r"\b(?:by|on|before|until) the (\d{1,2})(?:st|nd|rd|th)\b(?! of)"), _nth),
)  # fmt: skip
