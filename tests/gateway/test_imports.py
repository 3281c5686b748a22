"""What a process loads for its work is what the work needs: each worker holds it for good."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from state.engine import open_state

ROOT = Path(__file__).parents[2]
RESOLVING = {"splink", "duckdb", "pyarrow", "sqlglot"}
ELSEWHERE = {"alembic", "redis", "psycopg", "mcp", "rich", "httpx", "aiohttp", "imapclient",
             "cryptography"}  # fmt: skip
"""For a new store, another store, a cache beside, agents, a terminal, another way out, mail, tokens
that are renewed.
"""
SERVING = {"strawberry", "sqlalchemy", "uvicorn", "starlette"}
SERVED = """
import asyncio, json, sys
from gateway.bootstrap import application, opened
from gateway.commands import serve
from gateway.config_file import checked

async def build():
    async with opened(checked(json.loads(sys.argv[1]), {"TOKEN": "pat-1"})) as program:
        program.referee.warm()
        application(program)

asyncio.run(build())
print(json.dumps(list(sys.modules)))
"""
CALLED = """
import json, sys
from gateway.commands import application
application(["version"])
print(json.dumps(list(sys.modules)))
"""


def _loaded(script: str, *arguments: str) -> set[str]:
    command: Sequence[str] = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


async def test_a_process_that_serves_loads_nothing_it_resolves_everything_with(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    state = open_state(url)
    await state.upgrade()
    await state.close()
    crm = {"connector": "hubspot", "base_url": "http://127.0.0.1:9", "token": {"env": "TOKEN"}}
    loaded = _loaded(SERVED, json.dumps({"state": {"url": url}, "sources": {"crm": crm}}))
    assert loaded >= SERVING
    assert not loaded & (RESOLVING | ELSEWHERE)


def test_a_command_loads_what_it_needs_and_no_server() -> None:
    assert not _loaded(CALLED) & (RESOLVING | ELSEWHERE | SERVING)
