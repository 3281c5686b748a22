"""Whether a source can be reached, with its credentials: asked without reading anybody's data."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from domain.customer import KeyKind, LookupKey
from domain.errors import NotSupported, SourceError
from domain.ids import Kind
from domain.sources import ChildFilter, Deadline, PageRequest, Parent, ParentBy, Source
from gateway.answers import logged

RETRY_S: Final = 5.0

_NOBODY: Final = LookupKey(KeyKind.EMAIL, "nobody@knownas.invalid")
_NO_ID: Final = "1"
_NOBODYS: Final = {ParentBy.EMAIL: _NOBODY.value, ParentBy.PHONE: "+15005550199"}


async def reach(source: Source) -> SourceError | None:
    """Ask once for what is not there; what kept the source from answering, or None."""
    deadline = Deadline(asyncio.get_running_loop().time() + source.timeout_s)
    try:
        await _ask(source, deadline)
    except SourceError as error:
        return error
    return None


async def _ask(source: Source, deadline: Deadline) -> None:
    if source.search is not None:
        try:
            await source.search.search(_NOBODY, deadline)
            return
        except NotSupported:
            pass
    for kind in Kind:
        if kind in source.gets:
            (answer,) = await source.gets[kind].get_many([_NO_ID], frozenset(), deadline)
            if isinstance(answer, SourceError):
                raise answer
            return
    for kind in Kind:
        if kind in source.children:
            await _ask_children(source, kind, deadline)
            return


async def _ask_children(source: Source, kind: Kind, deadline: Deadline) -> None:
    """A source that holds things of people and nothing else is asked for those of nobody."""
    named = {by.value: by for by in ParentBy}
    by = named.get(source.customer_key, ParentBy.FOREIGN)
    nobody = Parent(by, _NOBODYS.get(by, _NO_ID))
    (answer,) = await source.children[kind].children_of(
        [nobody], PageRequest(1), ChildFilter(), frozenset(), deadline
    )
    if isinstance(answer, SourceError):
        raise answer


@asynccontextmanager
async def until_reached(sources: Iterable[Source]) -> AsyncIterator[None]:
    """While the block runs, every source that has not answered yet is asked again and again."""
    asking = [asyncio.create_task(_until_reached(source)) for source in sources]
    try:
        yield
    finally:
        for task in asking:
            task.cancel()
        for outcome in await asyncio.gather(*asking, return_exceptions=True):
            if isinstance(outcome, Exception):
                logged(outcome)


async def _until_reached(source: Source) -> None:
    while source.status().last_success_at is None:
        if await reach(source) is None:
            return
        await asyncio.sleep(RETRY_S)
