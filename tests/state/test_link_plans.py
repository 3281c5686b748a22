"""How SQLite goes about links: at a million of them the wrong index takes seconds."""

import pytest
from sqlalchemy import create_engine

from state import links


@pytest.fixture
def plan_of(sqlite_state):
    """The plan of a statement that says `among`."""
    engine = create_engine(sqlite_state)

    def plan(statement):
        sql = str(statement.compile(engine, compile_kwargs={"render_postcompile": True}))
        with engine.connect() as connection:
            steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", ("[]",)).all()
        return " ".join(step[3] for step in steps)

    yield plan
    engine.dispose()


def test_links_of_records_are_found_by_the_records_not_by_their_status(plan_of):
    assert "(left_key=?)" in plan_of(links._FROM_LEFT)
    assert "(right_key=?)" in plan_of(links._FROM_RIGHT)
