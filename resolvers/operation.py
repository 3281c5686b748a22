"""One GraphQL operation: who asks, until when, with what, and what became of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from itertools import chain
from typing import Generic, Self, TypeVar

from domain.errors import SourceError
from domain.ids import CustomerId, Kind, SourceKey
from domain.provenance import Freshness
from domain.records import Record
from domain.sources import Deadline, Fields
from domain.waiting import running_loop
from resolvers.caller import Caller
from resolvers.kept import Page, keep
from resolvers.ledger import Ledger
from resolvers.loaders import Loaders
from resolvers.masking import Masks
from resolvers.services import Services
from resolvers.trails import Trail

T = TypeVar("T")
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of the answer that a source left out, and where."""

    path: Path
    error: SourceError


@lru_cache(maxsize=256)
def _masks(scopes: frozenset[str]) -> Masks:
    """Tokens are few, and all requests of one have its scopes."""
    return Masks(Caller(name="", scopes=scopes))


class _Used(Generic[T]):
    """An attribute of an operation made when it is first used: one that shares the run of others
    is asked for neither. From then on it is a plain attribute.
    """

    def __init__(self, make: Callable[["Operation"], T]) -> None:
        self._make = make

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, operation: "Operation", _owner: type) -> T:
        made = operation.__dict__[self._name] = self._make(operation)
        return made


class Operation:
    """The context of one operation; made by `start`, ended by `finish`."""

    services: Services
    ledger = _Used(lambda operation: Ledger(operation.services.sources))
    loaders = _Used(Loaders)

    def __init__(
        self,
        services: Services,
        caller: Caller,
        *,
        deadline: Deadline,
        started_at: datetime,
        read_only: bool,
    ) -> None:
        self.services = services
        self.caller = caller
        self.deadline = deadline
        self.started_at = started_at
        self.read_only = read_only
        """A GET request: keys nobody knows are not searched, and nobody is minted."""
        self.masks = _masks(caller.scopes)
        self.wanted: Mapping[str, Fields] = {}
        """Attributes the operation reads, by type of the graph; a type that is absent is read
        whole.
        """
        self.proven: frozenset[CustomerId] | None = None
        self.resume_after: str | None = None
        """The cursor from which a stream goes on, whatever its arguments say."""
        self.is_shared = False
        """By requests that each would have asked for less."""
        self.was_cut = False
        """A list ends before it is full, since those of others were read with it. Told of shared
        operations only.
        """
        self.asks_anew = False
        """What a cache has of lists may have been cut, or misread, for the company they were in."""
        self._trails: dict[SourceKey, Trail] = {}
        self._followed: list[Callable[[], Iterator[tuple[Iterable[Record], Trail]]]] = []
        self._problems: list[Problem] = []
        self._pages: list[tuple[Kind, str, Sequence[Page]]] = []

    @classmethod
    def start(
        cls, services: Services, caller: Caller, deadline_s: float, read_only: bool = False
    ) -> Self:
        """`deadline_s` from now; needs a running event loop."""
        return cls(
            services,
            caller,
            deadline=Deadline(running_loop().time() + deadline_s),
            started_at=services.clock.now(),
            read_only=read_only,
        )

    def forget(self) -> None:
        """Read again what is asked for next: who is who has just been changed."""
        self.__dict__.pop("loaders", None)
        self.proven = None

    def fields(self, type_name: str) -> Fields:
        """What the operation reads of a type of the graph; None for all of it."""
        return self.wanted.get(type_name)

    def follow(self, records: Iterable[Record], trail: Trail) -> None:
        """Remember how the records came into the answer; looked at only where one is read on."""
        self._followed.append(partial(iter, ((records, trail),)))

    def follow_each(
        self,
        customers: Sequence[CustomerId],
        lists: Iterable[Iterable[Record] | None],
        freshness: Freshness,
    ) -> None:
        """As `follow`, of what many customers have, in their order."""
        self._followed.append(partial(_trails, customers, lists, freshness))

    def trail(self, key: SourceKey) -> Trail:
        followed, self._followed = self._followed, []
        for records, trail in chain.from_iterable(one() for one in followed):
            for record in records:
                known = self._trails.get(record.key)
                self._trails[record.key] = known.joined(trail) if known else trail
        return self._trails.get(key) or Trail()

    def report(self, path: Path, errors: Iterable[SourceError]) -> None:
        """Say that sources left something out at this place of the answer."""
        self._problems.extend(Problem(path, error) for error in errors)

    @property
    def reported(self) -> Sequence[Problem]:
        """All of them, as they were told."""
        return self._problems

    @property
    def problems(self) -> tuple[Problem, ...]:
        """One for each source, code and field, at its first place in a list: fifty customers
        without a dead source's orders are one problem.
        """
        if not self._problems:
            return ()
        first: dict[tuple[str, str, Path], Problem] = {}
        for problem in sorted(self._problems, key=_order):
            places = tuple(part for part in problem.path if isinstance(part, str))
            first.setdefault((problem.error.source, problem.error.code, places), problem)
        return tuple(first.values())

    def remember(self, kind: Kind, source: str, pages: Sequence[Page]) -> None:
        """Pages to keep as last-good ones when the answer is out."""
        self._pages.append((kind, source, pages))

    def let_go(self) -> None:
        """Keep nothing of what was read."""
        self._pages.clear()

    async def finish(self) -> None:
        """Keep what was read, once the answer is out: call it when the caller no longer waits.
        Nothing is loaded after it.
        """
        loaders = self.__dict__.get("loaders")
        if loaders is not None:
            loaders.end()
        if not self._pages:
            return
        pages, self._pages = self._pages, []
        for kind, source, read in pages:
            await keep(self.services, kind, source, read)


def _trails(
    customers: Sequence[CustomerId],
    lists: Iterable[Iterable[Record] | None],
    freshness: Freshness,
) -> Iterator[tuple[Iterable[Record], Trail]]:
    for one, records in zip(customers, lists, strict=True):
        if records:
            yield records, Trail(customers=frozenset({one}), freshness=freshness)


def _order(problem: Problem) -> list[tuple[bool, int, str]]:
    """Paths in the order in which a reader meets them: indices by number, names by text."""
    return [
        (isinstance(part, str), part if isinstance(part, int) else 0, str(part))
        for part in problem.path
    ]
