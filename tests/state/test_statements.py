"""How many statements a call takes must not depend on how much it is handed."""

import pytest
from sqlalchemy import event

from state import driver


@pytest.fixture
def statements(state, monkeypatch):
    """The statements sent since the last look."""
    sent: list[str] = []

    def note(_connection, _cursor, statement, *_: object) -> None:
        sent.append(statement)

    lanes = (state._transactions._writing, state._transactions._reading)
    for engine in {lane.engine.pool: lane.engine for lane in lanes}.values():
        event.listen(engine, "before_cursor_execute", note)
    for name in ("answers", "run", "run_text"):  # which pass SQLAlchemy by
        monkeypatch.setattr(driver, name, _noted(getattr(driver, name), sent))

    def since() -> int:
        count = len([statement for statement in sent if not statement.startswith("BEGIN")])
        sent.clear()
        return count

    return since


def _noted(send, sent: list[str]):
    def noting(connection, statement, said):
        sent.append(send.__name__)
        return send(connection, statement, said)

    return noting


async def test_publishing_many_customers_takes_as_many_statements_as_publishing_few(
    state, resolution, link, statements
):
    counts = []
    for size in (2, 500):
        ids = [f"{size}-{number}" for number in range(size)]
        found = resolution({f"cus_{id}": [id] for id in ids}, links=[link("0", id) for id in ids])
        await state.identities.publish(found)
        counts.append(statements())
    assert counts[0] == counts[1] <= 20


async def test_storing_a_large_page_takes_as_many_statements_as_a_small_one(
    put, contact, statements
):
    counts = []
    for size in (2, 500):
        ids = [f"{size}-{number}" for number in range(size)]
        await put(*(contact(id, email=id, words=("anna",)) for id in ids))
        counts.append(statements())
    assert counts[0] == counts[1] <= 8


async def test_looking_up_takes_few_statements_for_any_number_of_keys(
    state, put, contact, resolution, statements
):
    ids = [str(number) for number in range(300)]
    contacts = [contact(id) for id in ids]
    keys = [item.contact.key for item in contacts]
    await put(*contacts)
    await state.identities.publish(resolution({f"cus_{id}": [id] for id in ids}))
    statements()
    await state.records.contacts(keys)
    assert statements() == 1
    await state.identities.of_records(keys)
    assert statements() == 1
    await state.identities.clusters([f"cus_{id}" for id in ids])
    assert statements() == 3
    await state.identities.links(keys)
    assert statements() == 2
