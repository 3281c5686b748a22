"""What every connector owes to whoever asks it: order, holes, batches, pages, resumption."""

import json
from datetime import timedelta
from math import ceil
from typing import Any

import pytest

from domain.customer import KeyKind, LookupKey
from domain.errors import InputError, NotSupported, SourceProtocolError
from domain.ids import Kind
from domain.records import RECORD_TYPES
from domain.sources import ChildFilter, ChildPage, PageRequest, Parent, ParentBy, Position


def readable(line: Any) -> list[Kind]:
    return [kind for kind, endpoint in line.connector.spec.kinds.items() if endpoint.get_many]


def childish(line: Any) -> list[tuple[Kind, ParentBy]]:
    kinds = line.connector.spec.kinds.items()
    return [(kind, by) for kind, endpoint in kinds for by in endpoint.children]


def changing(line: Any) -> list[Kind]:
    return [kind for kind, endpoint in line.connector.spec.kinds.items() if endpoint.changed_since]


async def test_get_many_gives_one_entry_per_id_in_order_with_holes_and_duplicates(
    line: Any, harness: Any
) -> None:
    source = line.source()
    for kind in readable(line):
        ids = line.ids(kind)
        unknown = line.vendor.external_id(kind, line.vendor.seed(400)[kind][-1])
        asked = [ids[3], unknown, ids[0], ids[3], "", ids[6], "not an id, or is it?", ids[0]]
        got = await source.gets[kind].get_many(asked, None, harness.within())
        found = [record.key.external_id if record else None for record in got]
        assert found == [ids[3], None, ids[0], ids[3], None, ids[6], None, ids[0]]
        for record in filter(None, got):
            assert isinstance(record, RECORD_TYPES[kind])
            assert record.key.source == record.provenance.system.name == "here"
            assert record.provenance.external_id == record.key.external_id
            assert record.provenance.fetched_at == line.clock.now()


async def test_no_ids_and_no_parents_make_no_call(line: Any, harness: Any) -> None:
    source = line.source()
    for kind in readable(line):
        assert await source.gets[kind].get_many([], None, harness.within()) == []
    for kind in {kind for kind, _ in childish(line)}:
        asked = source.children[kind].children_of(
            [], PageRequest(5), ChildFilter(), None, harness.within()
        )
        assert await asked == []
    assert line.calls == []


async def test_get_many_is_chunked_at_the_documented_limit(line: Any, harness: Any) -> None:
    for kind in readable(line):
        form = line.connector.spec.kinds[kind].get_many
        size = form.size.value
        count = 2 * size + 1 if size > 1 else 5
        line.rows = line.vendor.seed(count)
        line.calls.clear()
        ids = line.ids(kind)
        got = await line.source().gets[kind].get_many([*ids, *ids], None, harness.within())
        assert [record.key.external_id for record in got] == [*ids, *ids]
        assert len(line.calls) == ceil(count / size) * form.lists


async def test_fields_asked_for_are_there(line: Any, harness: Any) -> None:
    source = line.source()
    for kind in readable(line):
        ids = line.ids(kind)[:1]
        (whole,) = await source.gets[kind].get_many(ids, None, harness.within())
        for name in ("full_name", "emails", "status", "total", "subject", "state"):
            if hasattr(whole, name):
                (part,) = await source.gets[kind].get_many(ids, frozenset({name}), harness.within())
                assert getattr(part, name) == getattr(whole, name), name
                assert part.key == whole.key


async def test_children_come_newest_first_for_each_parent_in_order(line: Any, harness: Any) -> None:
    source = line.source()
    for kind, by in childish(line):
        expected = {p: ids for p, ids in line.parents(kind).items() if p.by is by}
        asked = [*expected, Parent(by, "987654321987"), *list(expected)[:1]]
        pages = await source.children[kind].children_of(
            asked, PageRequest(50), ChildFilter(), None, harness.within()
        )
        assert len(pages) == len(asked)
        assert pages[-1] == pages[0]
        for parent, page in zip(asked, pages, strict=True):
            assert isinstance(page, ChildPage), (kind, parent, page)
            got = [record.key.external_id for record in page.items]
            assert got == expected.get(parent, []), (kind, parent)
            assert not page.has_more
            assert page.dropped == 0


async def test_children_take_no_more_first_calls_than_batches(line: Any, harness: Any) -> None:
    for kind, by in childish(line):
        form = line.connector.spec.kinds[kind].children[by]
        parents = [p for p in line.parents(kind) if p.by is by]
        line.calls.clear()
        await (
            line.source()
            .children[kind]
            .children_of(parents, PageRequest(50), ChildFilter(), None, harness.within())
        )
        own = line.connector.spec.kinds[kind].children.get(ParentBy.OWN, form)
        allowed = ceil(len(parents) / form.size.value) * getattr(form, "lists", 1)
        if own is not form:
            allowed += ceil(len(parents) / own.size.value) * own.lists
        if form.by_id:
            batch = line.connector.spec.kinds[kind].get_many
            found = [len(ids) for parent, ids in line.parents(kind).items() if parent in parents]
            allowed += sum(ceil(count / batch.size.value) for count in found) * batch.lists
        assert 1 <= len(line.calls) <= allowed, kind


async def test_pages_of_children_repeat_nothing_and_lose_nothing(line: Any, harness: Any) -> None:
    source = line.source()
    for kind, by in childish(line):
        for parent, expected in line.parents(kind).items():
            if parent.by is not by:
                continue
            seen: list[str] = []
            after: Position | None = None
            for _ in range(len(expected) + 2):
                (page,) = await source.children[kind].children_of(
                    [parent], PageRequest(2, after), ChildFilter(), None, harness.within()
                )
                assert len(page.items) <= 2
                seen += [record.key.external_id for record in page.items]
                if not page.has_more:
                    break
                last = page.items[-1]
                at = last.at if kind is Kind.MESSAGE else last.occurred_at
                after = Position(at, last.key.external_id)
            assert seen == expected, (kind, parent)


async def test_search_finds_those_who_carry_the_key(line: Any, harness: Any) -> None:
    source = line.source()
    for key, expected in line.vendor.searches(line.rows):
        found = await source.search.search(key, harness.within())
        assert {contact.key.external_id for contact in found} == expected, key.kind


async def test_an_own_id_is_searched_by_reading_it(line: Any, harness: Any) -> None:
    if Kind.CONTACT not in readable(line):
        return
    wanted = line.ids(Kind.CONTACT)[2]
    key = LookupKey(KeyKind.EXTERNAL, wanted, "here")
    found = await line.source().search.search(key, harness.within())
    assert [contact.key.external_id for contact in found] == [wanted]


async def test_a_key_the_source_cannot_search_is_an_answer(line: Any, harness: Any) -> None:
    source = line.source()
    if source.search is None:
        return
    for kind in set(KeyKind) - line.connector.manifest.search:
        with pytest.raises(NotSupported):
            await source.search.search(LookupKey(kind, "x", "nowhere"), harness.within())


async def _read_all(line: Any, harness: Any, kind: Kind, cursor: str | None) -> tuple[Any, str]:
    """Every change from a cursor on, by a source that is new for every page."""
    records: dict[str, Any] = {}
    for _ in range(200):
        page = await line.source().changes[kind].changed_since(cursor, harness.within())
        assert page.dropped == 0
        records |= {record.key.external_id: record for record in page.records}
        cursor = page.cursor
        json.loads(cursor)
        if not page.more:
            return records, cursor
    pytest.fail(f"{kind.name}: the pages do not end")


async def test_changes_are_read_whole_and_resume_after_every_page(line: Any, harness: Any) -> None:
    line.rows = line.vendor.seed(450)
    for kind in changing(line):
        records, _ = await _read_all(line, harness, kind, None)
        assert set(records) == set(line.ids(kind))


async def test_a_saved_cursor_finds_what_changed_after_it(line: Any, harness: Any) -> None:
    for kind in changing(line):
        _, cursor = await _read_all(line, harness, kind, None)
        line.clock.shift += timedelta(hours=1)
        line.vendor.touch(line.rows[kind][2], line.clock.now() - timedelta(minutes=5))
        changed = line.ids(kind)[2]
        records, later = await _read_all(line, harness, kind, cursor)
        assert changed in records
        again, _ = await _read_all(line, harness, kind, cursor)
        assert again.keys() == records.keys()
        line.clock.shift += timedelta(hours=1)
        line.vendor.touch(line.rows[kind][4], line.clock.now() - timedelta(minutes=5))
        records, _ = await _read_all(line, harness, kind, later)
        assert line.ids(kind)[4] in records


async def test_a_list_that_never_ends_is_refused(line: Any, harness: Any) -> None:
    """The vendor gives its first page again and again, with the cursor that leads to it."""
    line.rows = line.vendor.seed(450)
    for kind in changing(line):
        first: list[Any] = []
        by_id = line.connector.spec.kinds[kind].changed_since.by_id

        def again(request: Any, first: list[Any] = first, by_id: bool = by_id) -> Any:
            if by_id and first and request.url.path != first[0].request.url.path:
                return line.vendor.answer(line.rows, request)
            if not first:
                first.append(line.vendor.answer(line.rows, request))
                first[0].request = request
            response = first[0]
            return type(response)(response.status_code, json=response.json())

        line.answer = again
        with pytest.raises(SourceProtocolError):
            await _read_all(line, harness, kind, None)
        lists = [call for call in line.calls if call.url.path == first[0].request.url.path]
        assert len(lists if by_id else line.calls) <= 5
        line.calls.clear()


async def test_a_cursor_that_is_not_ours_is_refused(line: Any, harness: Any) -> None:
    for kind in changing(line):
        for cursor in ("", "{}", "[]", "nonsense", '{"since": 7}', "null"):
            with pytest.raises(InputError):
                await line.source().changes[kind].changed_since(cursor, harness.within())
    assert line.calls == []
