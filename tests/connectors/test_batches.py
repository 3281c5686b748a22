"""Reads by id and searches by key, at the edges real vendors rarely show."""

from typing import Any

import httpx
import pytest

from domain.customer import KeyKind, LookupKey
from domain.errors import NotSupported, SourceProtocolError, SourceUnavailable
from domain.ids import Kind

pytestmark = pytest.mark.usefixtures("virtual_time")


async def test_a_chunk_that_fails_leaves_the_others_whole(
    made: Any, made_up: Any, harness: Any
) -> None:
    def answer(_path: str, body: Any) -> Any:
        if "4" in body["ids"]:
            return httpx.Response(500)
        return {"rows": [{"id": i, "changed": made_up.T0.isoformat()} for i in body["ids"]]}

    source, _ = made(answer)
    got = await source.gets[Kind.CONTACT].get_many(list("1234567"), None, harness.within())
    kinds = ["".join(type(g).__name__) for g in got]
    assert kinds == ["Contact"] * 3 + ["SourceUnavailable"] * 3 + ["Contact"]


async def test_an_unreadable_row_is_not_an_unknown_one(
    made: Any, made_up: Any, harness: Any
) -> None:
    rows = [{"id": "1", "changed": made_up.T0.isoformat()}, {"id": "2", "changed": "soon"}]
    source, _ = made(lambda *_: {"rows": rows})
    one, two = await source.gets[Kind.CONTACT].get_many(["1", "2"], None, harness.within())
    assert one.key.external_id == "1"
    assert isinstance(two, SourceProtocolError)


async def test_ids_the_vendor_could_not_answer_for_are_not_unknown(
    made: Any, made_up: Any, harness: Any
) -> None:
    answer = {"rows": [{"id": "1", "changed": made_up.T0.isoformat()}], "failed": ["2"]}
    source, _ = made(lambda *_: answer)
    one, two, three = await source.gets[Kind.CONTACT].get_many(list("123"), None, harness.within())
    assert (one.key.external_id, type(two), three) == ("1", SourceUnavailable, None)


async def test_an_absorbed_id_leads_to_the_row_that_absorbed_it(
    made: Any, made_up: Any, harness: Any
) -> None:
    rows = [{"id": "9", "changed": made_up.T0.isoformat(), "was": ["1", "2"]}]
    source, _ = made(lambda *_: {"rows": rows})
    got = await source.gets[Kind.CONTACT].get_many(["1", "9"], None, harness.within())
    assert [record.key.external_id for record in got] == ["9", "9"]


async def test_rows_nobody_asked_for_are_not_handed_out(
    made: Any, made_up: Any, harness: Any
) -> None:
    rows = [{"id": i, "changed": made_up.T0.isoformat()} for i in ("1", "7")]
    source, _ = made(lambda *_: {"rows": rows})
    got = await source.gets[Kind.CONTACT].get_many(["1", "2"], None, harness.within())
    assert [record and record.key.external_id for record in got] == ["1", None]


async def test_search_keeps_only_those_who_carry_the_key(
    made: Any, made_up: Any, harness: Any
) -> None:
    rows = [
        {**made_up.person(1, 0), "emails": ["Ann@example.com"]},
        {**made_up.person(2, 0), "emails": ["joann@example.com"]},
        {**made_up.person(1, 0), "emails": ["Ann@example.com"]},
    ]
    source, _ = made(lambda *_: {"rows": rows})
    found = await source.search.search(
        LookupKey(KeyKind.EMAIL, " ann@EXAMPLE.com "), harness.within()
    )
    assert [contact.key.external_id for contact in found] == ["p001"]


async def test_a_key_the_row_does_not_show_is_taken_on_trust(
    made: Any, made_up: Any, harness: Any
) -> None:
    source, _ = made(lambda *_: {"rows": [made_up.person(1, 0)]})
    found = await source.search.search(LookupKey(KeyKind.ORDER_NUMBER, "1042"), harness.within())
    assert len(found) == 1


async def test_nobody_is_not_said_while_a_row_is_unreadable(
    made: Any, made_up: Any, harness: Any
) -> None:
    source, _ = made(lambda *_: {"rows": [{"id": "1", "changed": "soon"}]})
    with pytest.raises(SourceProtocolError):
        await source.search.search(LookupKey(KeyKind.EMAIL, "a@b.example"), harness.within())


async def test_nobody_is_not_said_while_there_is_another_page(
    made: Any, made_up: Any, harness: Any
) -> None:
    rows = [{**made_up.person(2, 0), "emails": ["joann@example.com"]}]
    source, _ = made(lambda *_: {"rows": rows, "next": "2"})
    with pytest.raises(SourceProtocolError):
        await source.search.search(LookupKey(KeyKind.EMAIL, "ann@example.com"), harness.within())


async def test_a_question_this_configuration_has_no_words_for_is_not_supported(
    made: Any, made_up: Any, harness: Any
) -> None:
    source, calls = made(lambda *_: {"rows": []})
    for key in (LookupKey(KeyKind.HANDLE, "x", "closed"), LookupKey(KeyKind.PHONE, "1")):
        with pytest.raises(NotSupported):
            await source.search.search(key, harness.within())
    assert calls == []
