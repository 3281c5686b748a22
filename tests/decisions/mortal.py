"""A process that forks mortals: each syncs, resolves, merges or splits until it is killed.

    stdin    <store> <what> <name>       one line for each child
    stdout   born <pid>                  then, of the child, before and after each thing it does:
             at <what>                   it begins; `at publishing`: a resolution is about to write
             done <what> <acknowledged>  the page or the event that was acknowledged
             gone                        the child is dead

Children are forked before anything has started a thread, so that each costs little.
"""

import asyncio
import importlib.util
import itertools
import os
import sys
from pathlib import Path
from typing import Any

_spec = importlib.util.spec_from_file_location("desk", Path(__file__).with_name("conftest.py"))
assert _spec is not None
assert _spec.loader is not None
fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fixtures)

PAGE = 5
FIRST, SECOND = "a b", "c d e"


class Clock:
    def now(self) -> Any:
        return fixtures.AT


def tell(*words: object) -> None:
    print(*words, flush=True)  # noqa: T201  # how it speaks


class Mortal:
    def __init__(self, url: str, name: str) -> None:
        self.state = fixtures.open_state(url)
        self.desk = fixtures.Desk(self.state, Clock())
        self.name = name
        self.numbers = itertools.count()
        for way in ("publish", "publish_census"):
            self.tell_before(way)

    def tell_before(self, way: str) -> None:
        """A resolution of everything goes the second way, one of a few records the first."""
        publish = getattr(self.state.identities, way)

        async def telling(what: Any) -> int:
            tell("at publishing")
            version: int = await publish(what)
            return version

        setattr(self.state.identities, way, telling)

    async def live(self, what: str) -> None:
        while True:
            await getattr(self, what)()

    async def decide(self) -> None:
        tell("at decide")
        key = f"{self.name}-{next(self.numbers)}"
        owner = await self.desk.owner("a")
        if owner == await self.desk.owner("c"):
            payload = await self.desk.split(owner, SECOND, key=key)
        else:
            payload = await self.desk.merge(owner, await self.desk.owner("c"), key=key)
        assert not payload.user_errors
        tell("done decide", payload.event)

    async def sync(self) -> None:
        tell("at sync")
        records = self.state.records
        kind = fixtures.Kind.CONTACT
        page = int((await records.cursor("shop", kind)).cursor or 0) + 1
        rows = [
            self.desk.contact(f"shop:{page}-{n}", full_name=_name(page, n)) for n in range(PAGE)
        ]
        index = [self.desk.people.index(row) for row in rows]
        await records.put_page("shop", kind, index, [], fixtures.SyncCursor(cursor=str(page)))
        tell("done sync", page)

    async def resolve(self) -> None:
        await self.sync()
        tell("at resolve")
        await self.desk.resolve()
        tell(
            "done resolve", (await self.state.records.cursor("shop", fixtures.Kind.CONTACT)).cursor
        )


def _name(page: int, number: int) -> str:
    """Nobody else's."""
    letters = "bcdfghjklm"
    return f"{letters[page % 10] * 3}{letters[page // 10 % 10] * 3} {letters[number] * 5}"


def main() -> None:
    for line in sys.stdin:
        url, what, name = line.split()
        child = os.fork()
        if child == 0:
            asyncio.run(Mortal(url, name).live(what))
        tell("born", child)
        os.waitpid(child, 0)
        tell("gone")


if __name__ == "__main__":
    main()
