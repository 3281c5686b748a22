"""Tasks that are begun while another goes on, and that it awaits when it is done itself.

`asyncio.TaskGroup` does this too, and `asyncio.gather` nearly. Both take several Python calls for
each task where this takes one, and a plan has a task for every step but one.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

from domain.waiting import running_loop


class Tasks:
    """Each may begin more of them."""

    __slots__ = ("_begun", "_failure", "_rest", "left")

    def __init__(self) -> None:
        self.left = 0
        """How many are under way."""
        self._begun: list[asyncio.Task[None]] = []
        self._failure: BaseException | None = None
        self._rest: asyncio.Future[None] | None = None

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = running_loop().create_task(work)
        self.left += 1
        self._begun.append(task)
        task.add_done_callback(self._end)

    def rest(self) -> asyncio.Future[None]:
        """Done when all are, or with what the first that failed has raised."""
        self._rest = rest = running_loop().create_future()
        if self._failure is not None or not self.left:
            self._tell(rest)
        return rest

    async def stop(self) -> None:
        """Cancel those under way, and wait until they are."""
        for task in self._begun:
            task.cancel()
        await asyncio.gather(*self._begun, return_exceptions=True)

    def _end(self, task: asyncio.Task[None]) -> None:
        self.left -= 1
        if task.cancelled():
            self._failure = self._failure or asyncio.CancelledError()
        else:
            self._failure = self._failure or task.exception()
        if self._rest is not None and (self._failure is not None or not self.left):
            self._tell(self._rest)

    def _tell(self, rest: asyncio.Future[None]) -> None:
        if rest.done():
            return
        if self._failure is not None:
            rest.set_exception(self._failure)
        else:
            rest.set_result(None)
