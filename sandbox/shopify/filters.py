"""The filters of `customers(query:)` and `orders(query:)`: their names, and how each compares.

Source: the tables in the descriptions of the `query` arguments, Admin API 2026-07. Filters on data
the emulator does not hold are left out and therefore unknown.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import ge, gt, le, lt
from typing import Any

from sandbox.rows import Order, ShopCustomer
from sandbox.shopify.search import Field, Predicate, Term

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
_SHIPPED: Mapping[str, tuple[str, ...]] = {
    "FULFILLED": ("fulfilled", "shipped"),
    "UNFULFILLED": ("unfulfilled", "unshipped"),
    "PARTIALLY_FULFILLED": ("partial",),
}


@dataclass(frozen=True, slots=True)
class IdField:
    """A bare number: `id:1`, `id:>=1`, `id:1..9`."""

    get: Callable[[Any], str | None]

    def test(self, term: Term) -> Predicate:
        low, _, high = term.value.partition("..")
        first, last = int(low), int(high or low)
        compare = _COMPARE.get(term.op)
        if compare is not None:
            return lambda row: (got := self.get(row)) is not None and compare(int(got), first)
        return lambda row: (got := self.get(row)) is not None and first <= int(got) <= last

    def test_any(self, terms: Iterable[Term]) -> Predicate | None:
        values = {term.value for term in terms}
        if not all(value.isdigit() for value in values):
            return None
        return lambda row: self.get(row) in values


@dataclass(frozen=True, slots=True)
class WordsField:
    """A whole value among the row's, in any case; `*` any value, `ann*` a beginning."""

    get: Callable[[Any], Collection[str]]
    shape: Callable[[str], str] = str.casefold

    def test(self, term: Term) -> Predicate:
        if term.value == "*":
            return lambda row: bool(self.get(row))
        if term.value.endswith("*") and not term.quoted:
            start = self.shape(term.value[:-1])
            return lambda row: any(self.shape(has).startswith(start) for has in self.get(row))
        asked = {self.shape(one.strip()) for one in term.value.split(",")}
        return lambda row: not asked.isdisjoint(map(self.shape, self.get(row)))

    def test_any(self, terms: Iterable[Term]) -> Predicate | None:
        if any("*" in term.value for term in terms):
            return None
        asked = {self.shape(one.strip()) for term in terms for one in term.value.split(",")}
        return lambda row: not asked.isdisjoint(map(self.shape, self.get(row)))


@dataclass(frozen=True, slots=True)
class TextField:
    """A tokenized field. Quoted: the whole value; bare: all its tokens, in any order.

    So `email:ann.lee@example.com` also finds lee.ann@example.com: the vendor warns of it.
    """

    get: Callable[[Any], Collection[str]]

    def test(self, term: Term) -> Predicate:
        if term.value == "*":
            return lambda row: bool(self.get(row))
        if term.quoted:
            whole = term.value.casefold()
            return lambda row: any(has.casefold() == whole for has in self.get(row))
        *exact, last = _tokens(term.value.rstrip("*")) or [term.value.casefold()]
        start = last if term.value.endswith("*") else None
        wanted = set(exact) if start else {*exact, last}
        return lambda row: _holds({t for has in self.get(row) for t in _tokens(has)}, wanted, start)

    def test_any(self, terms: Iterable[Term]) -> Predicate | None:
        if not all(term.quoted and term.value != "*" for term in terms):
            return None
        asked = {term.value.casefold() for term in terms}
        return lambda row: any(has.casefold() in asked for has in self.get(row))


@dataclass(frozen=True, slots=True)
class TimeField:
    """A moment to the second. A bare date, month or year stands for the whole of it.

    Equality matches the whole day even of a full time ("matching a whole day").
    """

    get: Callable[[Any], datetime | None]
    now: Callable[[], datetime]

    def test(self, term: Term) -> Predicate:
        low, ranged, high = term.value.partition("..")
        start, end = self._period(low, whole_day=not term.op and not ranged)
        if ranged:
            end = self._period(high, whole_day=False)[1]
        inside = _bounds(term.op, start, end)
        return lambda row: (got := self.get(row)) is not None and inside(got.replace(microsecond=0))

    def test_any(self, terms: Iterable[Term]) -> Predicate | None:
        return None

    def _period(self, text: str, *, whole_day: bool) -> tuple[datetime, datetime]:
        moment = self.now() if text == "now" else None
        if moment is None and (named := _calendar_period(text)) is not None:
            return named
        moment = (moment or _moment(text)).replace(microsecond=0)
        if whole_day:
            day = moment.replace(hour=0, minute=0, second=0)
            return day, day + timedelta(days=1)
        return moment, moment + timedelta(seconds=1)


def customer_filters(now: Callable[[], datetime]) -> dict[str, Field]:
    return {
        "id": IdField(lambda row: row.id),
        "email": TextField(lambda row: _given(row.email)),
        "phone": WordsField(lambda row: _given(row.phone), _digits),
        "first_name": TextField(lambda row: _given(row.first_name)),
        "last_name": TextField(lambda row: _given(row.last_name)),
        "country": WordsField(lambda row: _given(row.country_code)),
        "tag": WordsField(lambda row: row.tags),
        "tag_not": _Without(WordsField(lambda row: row.tags)),
        "customer_date": TimeField(lambda row: row.created_at, now),
        "updated_at": TimeField(lambda row: row.updated_at, now),
    }


def order_filters(now: Callable[[], datetime]) -> dict[str, Field]:
    return {
        "id": IdField(lambda row: row.id),
        "customer_id": IdField(lambda row: row.customer_id),
        "name": WordsField(lambda row: (row.name,), _order_name),
        "email": WordsField(lambda row: _given(row.email)),
        "source_name": WordsField(lambda row: (row.source_name,)),
        "channel": WordsField(lambda row: (row.source_name,)),
        "sku": WordsField(lambda row: [line.sku for line in row.lines if line.sku]),
        "status": WordsField(_order_status),
        "financial_status": WordsField(lambda row: (row.financial_status,)),
        "fulfillment_status": WordsField(_fulfillment_status),
        "return_status": WordsField(lambda row: (row.return_status,)),
        "created_at": TimeField(lambda row: row.created_at, now),
        "processed_at": TimeField(lambda row: row.processed_at, now),
        "updated_at": TimeField(lambda row: row.updated_at, now),
    }


def customer_default(row: ShopCustomer) -> list[str]:
    """What a value without a field name is looked for in."""
    return [text for text in (row.first_name, row.last_name, row.email, row.phone) if text]


def order_default(row: Order) -> list[str]:
    return [text for text in (row.name, row.email, row.phone) if text]


@dataclass(frozen=True, slots=True)
class _Without:
    """A filter that turns another one round."""

    field: Field

    def test(self, term: Term) -> Predicate:
        found = self.field.test(term)
        return lambda row: not found(row)

    def test_any(self, terms: Iterable[Term]) -> Predicate | None:
        return None


def _given(value: str | None) -> tuple[str, ...]:
    return () if value is None else (value,)


def _digits(text: str) -> str:
    return re.sub(r"[^\d+]", "", text)


def _order_name(text: str) -> str:
    return text.lstrip("#").casefold()


def _order_status(order: Order) -> list[str]:
    if order.cancelled_at is not None:
        return ["cancelled"]
    return ["closed"] if order.closed_at is not None else ["open", "not_closed"]


def _fulfillment_status(order: Order) -> tuple[str, ...]:
    return _SHIPPED.get(order.fulfillment_status, (order.fulfillment_status,))


def _tokens(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _holds(has: set[str], wanted: set[str], start: str | None) -> bool:
    return wanted <= has and (start is None or any(one.startswith(start) for one in has))


def _bounds(op: str, start: datetime, end: datetime) -> Callable[[datetime], bool]:
    """`>` is after the whole of the period named, `<` before it."""
    if op == ">":
        return lambda at: at >= end
    if op == ">=":
        return lambda at: at >= start
    if op == "<":
        return lambda at: at < start
    if op == "<=":
        return lambda at: at < end
    return lambda at: start <= at < end


def _calendar_period(text: str) -> tuple[datetime, datetime] | None:
    """The whole of a year, month or day; None for a full time. ValueError for an impossible one."""
    match = re.fullmatch(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", text)
    if match is None:
        return None
    year, month, day = int(match[1]), match[2], match[3]
    start = datetime(year, int(month or 1), int(day or 1), tzinfo=UTC)
    if day is not None:
        return start, start + timedelta(days=1)
    if month is not None:
        return start, start + timedelta(days=monthrange(year, start.month)[1])
    return start, start.replace(year=year + 1)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
