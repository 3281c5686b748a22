"""The README's example is run, against the demo it speaks of."""

import json
import re
from pathlib import Path

import httpx
import pytest

from gateway.auth import new_token
from gateway.bootstrap import application
from gateway.commands.demo import playing
from resolvers.caller import ANY_CUSTOMER

ROOT = Path(__file__).parents[2]


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    assert found, f"README.md has no {language} block"
    return found[1]


async def test_the_readme_query_has_the_answer_that_is_printed_below_it() -> None:
    async with playing(0, 200, 7, new_token("masked", [ANY_CUSTOMER])) as (program, _):
        for one in await program.sync(list(program.sources.values())):
            assert one.error is None
        await program.referee.resolve(program.state.records, program.state.identities)
        transport = httpx.ASGITransport(app=application(program))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            answer = await client.post("/graphql", json={"query": block("graphql")})
    assert answer.json() == json.loads(block("json"))


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_the_readme_gives_both_commands(command: str) -> None:
    assert command in (ROOT / "README.md").read_text("utf-8")


def test_every_local_link_of_the_documents_leads_somewhere() -> None:
    documents = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in documents
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text("utf-8"))
        if not (document.parent / target).exists()
    ]
    assert not broken
