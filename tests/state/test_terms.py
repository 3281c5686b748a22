import re

import pytest
from sqlalchemy import create_engine, text

from state import terms


@pytest.fixture(params=["rare words", "common words"])
async def names(state, put, contact, request, monkeypatch):
    """Both ways of searching must find the same."""
    if request.param == "common words":
        monkeypatch.setattr(terms, "COMMON", 1)

    async def find(*words: str, limit: int = 10) -> list[str]:
        return [key.external_id for key in await state.records.find_words(words, limit)]

    return find


async def test_every_word_must_begin_a_word_or_an_identifier(names, put, contact):
    await put(
        contact("1", words=("anna", "smith"), email="anna.s@example.com"),
        contact("2", words=("anna", "jones")),
        contact("3", words=("joanna", "smithson")),
    )
    assert await names("ann") == ["1", "2"]
    assert await names("smith") == ["1", "3"]
    assert await names("an", "smi") == ["1"]
    assert await names("anna", "anna", "an", "a") == ["1", "2"]
    assert await names("anna", "anna.s@") == ["1"]
    assert await names("anna", "nobody") == []
    assert await names("nna") == []
    assert await names("") == []
    assert await names("ann", limit=1) == ["1"]


async def test_words_are_not_patterns(names, put, contact):
    await put(contact("1", words=("100%", "a_b", "ünal", "\N{GRINNING FACE}", "z\U0010ffff")))
    hits = {"%": 0, "1_0": 0, "100%": 1, "a_": 1, "axb": 0, "ü": 1, "u": 0, "\N{GRINNING FACE}": 1}
    for word, count in (hits | {"z": 1, "z\U0010ffff": 1, "\ud7ff": 0}).items():
        assert len(await names(word)) == count, ascii(word)


async def test_an_identifier_is_found_by_its_beginning_in_lower_case(names, put, contact):
    await put(contact("1", email="AB-12"))
    assert await names("ab-1") == ["1"]
    assert await names("AB-1") == ["1"]


async def test_answers_come_in_the_order_of_keys(names, put, contact):
    ids = [str(number) for number in range(30)]
    await put(*(contact(id, words=(f"anna{id}", "anna")) for id in reversed(ids)))
    assert await names("anna", limit=12) == sorted(ids)[:12]


@pytest.mark.parametrize(
    ("statement", "conditions"),
    [
        (terms._carriers("an", ["smi"]), ["word>? AND word<?", "value>? AND value<?"]),
        (terms._walk(["an"]), ["key=? AND word>? AND word<?", "key=? AND value>? AND value<?"]),
    ],
)
async def test_the_beginning_of_a_word_is_a_range_of_an_index(
    state, state_url, statement, conditions
):
    """Whatever the statistics say: only what the database can do, since the tables are empty."""
    engine = create_engine(state_url.replace("postgresql://", "postgresql+psycopg://"))
    asked = str(statement.compile(engine, compile_kwargs={"literal_binds": True}))
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}").scalars("detail")
            told = " ".join(plan)
            assert all(condition in told for condition in conditions), told
        else:
            connection.execute(text("SET enable_seqscan = off"))
            told = " ".join(connection.exec_driver_sql(f"EXPLAIN {asked}").scalars())
            for column in ("word", "value"):
                condition = rf"Index Cond: \([^:]*\({column} >= [^:]*::text\) AND \({column} < "
                assert re.search(condition, told), told
    engine.dispose()
