"""How SQLite goes about links: at a million of them the wrong index takes seconds."""

import pytest
from sqlalchemy import create_engine

from state import links
from state.engine import open_state


@pytest.fixture
async def plan_of(tmp_path):
    """The plan of a statement that says `among`."""
    url = f"sqlite:///{tmp_path}/plans.db"
    state = open_state(url)
    await state.upgrade()
    await state.close()
    engine = create_engine(url)

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
