"""Fault switches: what can go wrong between a client and a vendor, per system, at run time.

    {"kind": "429", "retry_after_s": 2, "count": 3, "prefix": "/crm/v3/objects/contacts/batch"}

| kind       | what the client meets                                     | fields          |
|------------|-----------------------------------------------------------|-----------------|
| delay      | the right answer, `ms` late                               | ms              |
| hang       | nothing until the client leaves or the faults are cleared |                 |
| slow_drip  | the right answer, `chunk_bytes` every `ms`                | ms, chunk_bytes |
| 429        | the vendor's own "too many requests"                      | retry_after_s   |
| 500, 401   | the vendor's own error                                    |                 |
| reset      | headers and half the body, then the connection is reset   |                 |
| truncated  | a complete HTTP answer whose JSON stops half way          |                 |
| wrong_json | status 200 and valid JSON of another shape                | body            |

Of several matching faults every delay is served, then the first other one. `count` limits a fault
to the next N requests it meets; without it the fault stays until cleared.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class FaultKind(StrEnum):
    DELAY = "delay"
    HANG = "hang"
    SLOW_DRIP = "slow_drip"
    RATE_LIMITED = "429"
    BROKEN = "500"
    UNAUTHORIZED = "401"
    RESET = "reset"
    TRUNCATED = "truncated"
    WRONG_JSON = "wrong_json"


class Fault(BaseModel):
    """One switch. `prefix` is compared with the path; `count` None means until cleared."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: FaultKind
    count: int | None = Field(default=None, ge=1)
    prefix: str = "/"
    ms: int = Field(default=1_000, ge=0)
    chunk_bytes: int = Field(default=1, ge=1)
    retry_after_s: int = Field(default=1, ge=0)
    body: JsonValue = "not what was asked for"


@dataclass(slots=True)
class _Switch:
    fault: Fault
    left: int | None

    def use(self) -> None:
        if self.left is not None:
            self.left -= 1


class FaultBoard:
    """The switches of one system. Python and `POST /__faults` turn the same ones."""

    def __init__(self) -> None:
        self._switches: list[_Switch] = []
        self._cleared = asyncio.Event()

    def add(self, fault: Fault) -> None:
        self._switches.append(_Switch(fault, fault.count))

    def clear(self) -> None:
        """Switch everything off; requests that hang are answered now."""
        self._switches.clear()
        self._cleared.set()
        self._cleared = asyncio.Event()

    def armed(self) -> list[Fault]:
        """The switches still on, each with what is left of its count."""
        return [switch.fault.model_copy(update={"count": switch.left}) for switch in self._switches]

    def strike(self, path: str) -> list[Fault]:
        """The faults the next request on this path meets; each uses up one of its count."""
        met = [switch for switch in self._switches if path.startswith(switch.fault.prefix)]
        delays = [switch for switch in met if switch.fault.kind is FaultKind.DELAY]
        others = [switch for switch in met if switch.fault.kind is not FaultKind.DELAY]
        struck = [*delays, *others[:1]]
        for switch in struck:
            switch.use()
        self._switches = [switch for switch in self._switches if switch.left != 0]
        return [switch.fault for switch in struck]

    def until_cleared(self) -> asyncio.Future[bool]:
        """Done at the next clearing after this call, however late it is awaited."""
        return asyncio.ensure_future(self._cleared.wait())

    async def pause(self, ms: int) -> bool:
        """Wait so long, or until the faults are cleared; True if that came first."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ms / 1_000):
                await self.until_cleared()
                return True
        return False
