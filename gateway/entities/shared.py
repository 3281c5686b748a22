"""Kept answers in Redis, for all workers; in the process while Redis is lost.

An answer carries the tokens its tags had when its source was asked, and counts as long as they
stand. Throwing away is deleting the token, so it holds over all projections and workers, under
eviction, and for what is still on its way; what cannot be deleted is owed (see RedisCache). Names
are hashes and hold nobody's data.
"""

import hashlib
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from domain.errors import StoreError
from domain.ports import Cache
from domain.records import RECORD_TYPES
from domain.sources import ChildPage
from gateway.entities.entry import Entry, Value
from gateway.entities.shelves import Key, Shelf, Tag, tags
from gateway.entities.store import Look, MemoryEntries, Stamp
from gateway.release import release
from state import codec

TOKEN_S: Final = 3_600.0
"""How long a token stands. Its answers end before."""


class Shared(Cache, Protocol):
    """A cache of several processes."""

    @property
    def is_lost(self) -> bool:
        """What it says is not to be relied on: it answers as an empty cache."""
        ...


class _Head(msgspec.Struct, array_like=True):
    at: float
    fields: list[str] | None
    tokens: list[str]


class SharedEntries:
    """`local` stands in while the cache is lost, so that a dead Redis is no run on the sources."""

    def __init__(self, cache: Shared, local: MemoryEntries, keep_s: float) -> None:
        self._cache = cache
        self._local = local
        self._keep_s = keep_s
        self._form = form_of_records()
        self._minting: dict[Tag, str] = {}

    def at_hand(self, keys: Sequence[Key]) -> None:
        """Nothing: whether what was thrown out stands here, Redis knows."""

    async def look(self, keys: Sequence[Key]) -> Look:
        names = [self._name(key) for key in keys]
        marks = list(dict.fromkeys(tag for key in keys for tag in tags(key)))
        found = await self._cache.get_many([*names, *map(self._mark, marks)])
        if self._cache.is_lost:
            return await self._local.look(keys)
        self._local.clear()
        told = zip(marks, found[len(names) :], strict=True)
        tokens = {tag: body.decode() for tag, body in told if body is not None}
        bodies = found[: len(names)]
        entries = [_entry(key, body, tokens) for key, body in zip(keys, bodies, strict=True)]
        missing = [key for key, entry in zip(keys, entries, strict=True) if entry is None]
        tokens |= await self._minted(missing, tokens)
        if self._cache.is_lost:
            return await self._local.look(keys)
        return Look(entries, Stamp(self._local.stamp.drops, tokens))

    async def put(self, entries: Mapping[Key, Entry], stamp: Stamp) -> None:
        if self._cache.is_lost:
            await self._local.put(entries, stamp)
            return
        bodies: dict[str, bytes] = {}
        for key, entry in entries.items():
            body = _body(key, entry, stamp.tokens)
            if body is not None:
                bodies[self._name(key)] = body
        await self._cache.set_many(bodies, self._keep_s)

    async def drop(self, dropped: Collection[Tag]) -> None:
        await self._local.drop(dropped)
        await self._cache.delete_many([self._mark(tag) for tag in dropped])

    async def _minted(self, keys: Iterable[Key], known: Mapping[Tag, str]) -> dict[Tag, str]:
        """Tokens for tags that have none, written before any source is asked. Who looks meanwhile
        shares them.
        """
        bare = {tag for key in keys for tag in tags(key) if tag not in known}
        if not bare:
            return {}
        fresh = {tag: self._minting.setdefault(tag, secrets.token_hex(6)) for tag in bare}
        try:
            marks = {self._mark(tag): token.encode() for tag, token in fresh.items()}
            await self._cache.set_many(marks, max(TOKEN_S, 2 * self._keep_s))
        finally:
            for tag in fresh:
                self._minting.pop(tag, None)
        return fresh

    def _name(self, key: Key) -> str:
        shelf, name = key
        return f"entity:{self._digest(f'{shelf.text} {name}')}"

    def _mark(self, tag: Tag) -> str:
        return f"tag:{self._digest(tag)}"

    def _digest(self, text: str) -> str:
        return hashlib.sha256(f"{self._form} {text}".encode()).hexdigest()


_HEAD: Final = msgspec.json.Decoder(_Head)
_NOTHING: Final = b"null"


def form_of_records() -> str:
    """Of this release's records: another release neither reads nor writes what has this name."""
    forms = [ChildPage, *RECORD_TYPES.values()]
    described = msgspec.json.encode(msgspec.json.schema_components(forms), order="deterministic")
    return f"{release()}-{hashlib.sha256(described).hexdigest()[:16]}"


def _entry(key: Key, body: bytes | None, tokens: Mapping[Tag, str]) -> Entry | None:
    """None also for what was thrown away since, and for bytes that are none of ours."""
    if body is None:
        return None
    head, _, text = body.partition(b"\n")
    try:
        told = _HEAD.decode(head)
        if told.tokens != [tokens.get(tag) for tag in tags(key)]:
            return None
        fields = None if told.fields is None else frozenset(told.fields)
        return Entry(_value(key[0], text), fields, told.at, is_marked=True)
    except (msgspec.DecodeError, StoreError):
        return None


def _value(shelf: Shelf, text: bytes) -> Value:
    if text == _NOTHING:
        return None
    if shelf.is_list:
        return codec.decode_page(shelf.kind, text)
    return codec.decode_record(shelf.kind, text)


def _body(key: Key, entry: Entry, tokens: Mapping[Tag, str]) -> bytes | None:
    """None for what cannot be kept: its tags have no token, or JSON has no form for it."""
    own = [tokens.get(tag) for tag in tags(key)]
    if None in own:
        return None
    fields = None if entry.fields is None else sorted(entry.fields)
    head = msgspec.json.encode(_Head(entry.at, fields, [one for one in own if one is not None]))
    try:
        return head + b"\n" + codec.encode(entry.kept())
    except StoreError:
        return None
