"""Asks a model over HTTP, and the rules where it does not answer in time or in form."""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from connectors.auth import Secret
from connectors.extraction.answers import Reader, Unreadable, answer
from connectors.extraction.asking import question
from connectors.sender import Outgoing, Sender, SendFailed, TooLarge
from domain.context import Extract, Extractor, Thread
from domain.ports import Telemetry
from domain.records import Actor
from domain.sources import Deadline
from domain.vocabulary import ActorKind
from domain.waiting import before

MOST_BYTES: Final = 1_000_000
REMEMBERED: Final = 256
"""Answers that are kept in the process: the same texts are not read twice."""
AT_ONCE: Final = 4

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Where the model is. `token` is empty where it wants none."""

    base_url: str
    name: str
    token: Secret = field(default=Secret(""), repr=False)
    timeout_s: float = 10.0


class _Failed(Exception):
    """There is no answer; the text is why, in a word, and holds nothing personal."""


class ModelExtractor:
    """Extractor. `fallback` answers whenever the model does not; nobody waits for both longer than
    the deadline allows.
    """

    def __init__(
        self, model: Model, sender: Sender, fallback: Extractor, telemetry: Telemetry
    ) -> None:
        self._model = model
        self._sender = sender
        self._fallback = fallback
        self._telemetry = telemetry
        self._known: OrderedDict[bytes, Mapping[str, Any]] = OrderedDict()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._by = Actor(kind=ActorKind.AI, id=model.name, name=model.name)

    async def extract(
        self, threads: Sequence[Thread], now: datetime, deadline: Deadline
    ) -> Extract:
        asked = question(threads, self._model.name)
        if asked is None:
            return Extract()
        try:
            said = await self._answer(asked.body, deadline)
        except _Failed as failure:
            reason = str(failure)
            self._telemetry.count("extraction_fallbacks", {"reason": reason})
            logger.warning("extraction_fell_back", extra={"fields": {"reason": reason}})
            return await self._fallback.extract(threads, now, deadline)
        return Reader(asked.sent, self._by, now).extract(said)

    async def close(self) -> None:
        await self._sender.close()

    async def _answer(self, body: bytes, deadline: Deadline) -> Mapping[str, Any]:
        key = hashlib.sha256(body).digest()
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        said = await self._asked(body, self._until(deadline))
        self._known[key] = said
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return said

    def _until(self, deadline: Deadline) -> Deadline:
        """Its own time, and of what the caller has left no more than leaves time for the rules."""
        now = asyncio.get_running_loop().time()
        return Deadline(min(now + self._model.timeout_s, now + (deadline - now) * 0.8))

    async def _asked(self, body: bytes, until: Deadline) -> Mapping[str, Any]:
        """Raises _Failed."""
        try:
            with before(until):
                async with self._room:
                    incoming = await self._sender.send(self._outgoing(body, until))
        except TimeoutError as error:
            raise _Failed("timeout") from error
        except SendFailed as error:
            raise _Failed("unreachable") from error
        except TooLarge as error:
            raise _Failed("too_large") from error
        if incoming.status != 200:
            raise _Failed(f"status_{incoming.status // 100}xx")
        try:
            return answer(incoming.body)
        except Unreadable as error:
            raise _Failed("unreadable") from error

    def _outgoing(self, body: bytes, until: Deadline) -> Outgoing:
        headers = {
            "accept": "application/json",
            "content-type": "application/json",
            "user-agent": "knownas",
        }
        token = self._model.token.reveal()
        if token:
            headers["authorization"] = f"Bearer {token}"
        return Outgoing(
            method="POST",
            url=f"{self._model.base_url.rstrip('/')}/chat/completions",
            headers=headers,
            body=body,
            deadline=until,
            max_bytes=MOST_BYTES,
        )
