"""The live path: what records that arrived, changed or left make of who is who.

The model, the comparisons, the blocking keys and the clustering are batch's; only what the arrival
touches is looked at. A record is weighed against those that share a blocking key with it, and every
cluster that a strong link, a decision or a former membership ties to it is worked out anew, from
all pairs inside. Values that come to be shared by it, or are no longer, are judged again for all
who carry them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from domain.customer import CanonicalIdentifier, IdentityEvent, Link
from domain.ids import CustomerId, SourceKey
from domain.live import Desk, Tie
from domain.ports import Assignment, Clock, Resolution
from domain.vocabulary import LinkMethod, LinkStatus
from identity import profile, rows
from identity.clusters import ClusterOf, Constraints, Edge, Policy, assign_ids, cluster
from identity.minting import mint
from identity.model import Model, probability
from identity.namesakes import alike, count_bearers, persons, users
from identity.neighbourhood import IDENTIFIERS, Neighbourhood, Record
from identity.normalise import Person
from identity.rows import Row, Uses
from identity.scoring import Score, Scorer
from identity.sharing import KINDS, PUBLIC_USERS
from identity.signature import BY_MODEL

MAX_CANDIDATES = 200
"""Records that an arrival is weighed against at most; those under the most telling keys first."""
MAX_REGION = 400
"""Records whose clusters are worked out anew at most. Beyond that an arrival waits for batch."""
MAX_NAMESAKES = 40
"""Where more bear a name, one more of them changes no weight."""
JOINING = frozenset({LinkStatus.AUTO, LinkStatus.PENDING})
DECIDED = frozenset({LinkStatus.CONFIRMED, LinkStatus.REJECTED})

Pair = tuple[SourceKey, SourceKey]


@dataclass(slots=True)
class _Scene:
    """What is known so far: the records at hand, the pairs weighed, what stands among them."""

    desk: Desk
    near: Neighbourhood
    arrived: dict[SourceKey, Record | None] = field(default_factory=dict)
    """None where a record is gone."""
    scores: dict[Pair, Score] = field(default_factory=dict)
    ties: dict[Pair, Tie] = field(default_factory=dict)
    clusters: dict[CustomerId, tuple[SourceKey, ...]] = field(default_factory=dict)
    disturbed: set[SourceKey] = field(default_factory=set)
    """Whose links to others came to join, or no longer do, though neither of the two arrived."""


class Live:
    """Judges arrivals by one model and two weights (see Referee)."""

    def __init__(
        self,
        model: Model,
        policy: Policy,
        *,
        review_weight: float,
        unique_sources: Collection[str],
        clock: Clock,
    ) -> None:
        self._model = model
        self._policy = policy
        self._review_weight = review_weight
        self._unique = frozenset(unique_sources)
        self._clock = clock
        self._scorer = Scorer(model)

    def warm(self) -> None:
        """Compile what is compiled when it is first needed: comparisons, blocking keys, names."""
        one, other = (rows.row_of(Person(given=name), "") for name in ("a", "b"))
        for row in (one, other):
            rows.comparable(row)
        users("email", "", [one, other])
        self._scorer.weight(one, other, rows.Circumstances().frequencies())

    def judge(self, desk: Desk) -> Resolution:
        """Who is who among the records that arrived and all that they touch."""
        scene = _Scene(desk, Neighbourhood(desk))
        waiting = list(desk.arrived)
        while waiting:
            waiting = self._receive(scene, waiting)
        for record in scene.arrived.values():
            if record is not None:
                self._weigh(scene, record)
        self._reconsider_namesakes(scene)
        members = self._region(scene)
        return self._settled(scene, members)

    def compare(self, pair: Mapping[SourceKey, Row], uses: Uses) -> Link:
        """Two records by themselves, as a link that nobody keeps; how frequent their values are
        says nothing.
        """
        circumstances = rows.Circumstances(uses=uses)
        for row in pair.values():
            circumstances.fill(row)
        (left, one), (right, other) = sorted(pair.items(), key=lambda end: end[0])
        score = self._scorer.score(one, other, circumstances.frequencies())
        return self._link(left, right, score, LinkStatus.SUPERSEDED)

    # ------------------------------------------------------------ candidates

    def _receive(self, scene: _Scene, keys: Sequence[SourceKey]) -> list[SourceKey]:
        """Fetch records with all who may be meant by them, and count who uses their values; the
        records that have to be received as well, since a value of theirs is judged otherwise now.
        """
        near = scene.near
        numbers = {scene.desk.number(key): key for key in keys}
        near.fetch(numbers)
        scene.arrived |= {key: near.get(number) for number, key in numbers.items()}
        living = [record for key in keys if (record := scene.arrived[key]) is not None]
        near.under(block for record in living for block in _looked_up(near, record))
        near.fetch(
            {other for record in living for other in self._meant(near, record)},
            terms={term for record in living for term in rows.terms(record.row)},
        )
        for record in living:
            near.judge_values(record)
        near.count_namesakes(living)
        return sorted(
            {other.key for used in near.rejudged for other in near.carriers(*used)}
            - scene.arrived.keys()
        )

    def _meant(self, near: Neighbourhood, record: Record) -> Iterator[int]:
        """Who carries its values, who bears its name, and whom it is weighed against."""
        name = rows.name_block(record.row)
        blocks = [*_of_values(record), *([] if name is None else [name])]
        for numbers in near.under(blocks).values():
            yield from numbers
        yield from self._candidates(near, record)

    def _candidates(self, near: Neighbourhood, record: Record) -> list[int]:
        """By the rarity of the keys they share with the record, so many at most."""
        found: dict[int, None] = {}
        for numbers in near.meeting(record):
            found |= dict.fromkeys(numbers)
            if len(found) > MAX_CANDIDATES:
                break
        found.pop(record.number, None)
        return list(found)[:MAX_CANDIDATES]

    def _weigh(self, scene: _Scene, record: Record) -> None:
        frequencies = scene.near.frequencies()
        for number in self._candidates(scene.near, record):
            other = scene.near.get(number)
            if other is not None:
                left, right = sorted((record, other), key=lambda one: one.key)
                score = self._scorer.score(left.row, right.row, frequencies)
                scene.scores[left.key, right.key] = score

    def _reconsider_namesakes(self, scene: _Scene) -> None:
        """One more bearer of a name makes it say less, also of those who bore it before."""
        blocks = {rows.name_block(one.row) for one in scene.arrived.values() if one is not None}
        for block in blocks - {None}:
            bearers = scene.near.namesakes(block) if block is not None else []
            others = [one for one in bearers if one.key not in scene.arrived]
            if len(others) > 1 and len(bearers) <= MAX_NAMESAKES:
                before, now = persons(_numbered(others)), persons(_numbered(bearers))
                if not alike(before, now):
                    self._compare_before(scene, bearers, others)

    def _compare_before(
        self, scene: _Scene, bearers: Sequence[Record], others: Sequence[Record]
    ) -> None:
        """Find the pairs that join now and did not without the arrivals, or the reverse."""
        scene.near.count({term for one in others for term in rows.terms(one.row)})
        frequencies = scene.near.frequencies()
        pairs = list(combinations(sorted(others, key=_key), 2))
        now = [self._scorer.score(left.row, right.row, frequencies) for left, right in pairs]
        count_bearers(_numbered(others))
        before = [self._scorer.weight(left.row, right.row, frequencies) for left, right in pairs]
        count_bearers(_numbered(bearers))
        turned = [
            (pair, score)
            for pair, score, weight in zip(pairs, now, before, strict=True)
            if self._joins(score.weight) is not self._joins(weight)
        ]
        scene.near.look_up({left.number: left for (left, _), _ in turned}.values())
        for (left, right), score in turned:
            if right.number in scene.near.meets(left):  # batch would look at them
                scene.scores[left.key, right.key] = score
                scene.disturbed |= {left.key, right.key}

    def _joins(self, weight: float | None) -> bool:
        return weight is not None and weight >= self._policy.link_weight

    # ------------------------------------------------------------ what is touched

    def _region(self, scene: _Scene) -> list[SourceKey]:
        """The records whose clusters may change: whole clusters, and whole webs of strong links."""
        strong = {end for pair, score in scene.scores.items() if self._joins(score.weight)
                  for end in pair}  # fmt: skip
        found: set[SourceKey] = set()
        waiting = {*scene.arrived, *strong, *scene.disturbed}
        while waiting and len(found) + len(waiting) <= MAX_REGION:
            found |= waiting
            waiting = set(self._tied(scene, waiting)) - found
        if waiting:
            return self._cut_off(scene)
        gone = {key for key, record in scene.arrived.items() if record is None}
        return sorted(found - gone)

    def _tied(self, scene: _Scene, keys: Collection[SourceKey]) -> Iterator[SourceKey]:
        """Who is in one cluster with the records, or held to them by a decision or a strong link.
        Undecided links of what arrived are of before.
        """
        clusters = scene.desk.clusters(keys)
        scene.clusters |= clusters
        for members in clusters.values():
            yield from members
        for tie in scene.desk.ties(keys):
            scene.ties[tie.left, tie.right] = tie
            stale = tie.left in scene.arrived or tie.right in scene.arrived
            strong = tie.status in JOINING and self._joins(tie.weight) and not stale
            if tie.status is LinkStatus.CONFIRMED or strong:
                yield from (tie.left, tie.right)

    def _cut_off(self, scene: _Scene) -> list[SourceKey]:
        """Too much hangs together: what arrived stays where it was, or by itself, until batch."""
        scene.ties = {p: t for p, t in scene.ties.items() if t.status in DECIDED}
        own = scene.desk.clusters(scene.arrived)
        scene.clusters = dict(own)
        members = {key for company in own.values() for key in company}
        living = {key for key, record in scene.arrived.items() if record is not None}
        gone = scene.arrived.keys() - living
        return sorted((members | living) - gone)

    # ------------------------------------------------------------ who is who

    def _settled(self, scene: _Scene, members: Sequence[SourceKey]) -> Resolution:
        records = self._weigh_all(scene, members)
        among = [key for key in members if key in records]
        clustering = cluster(
            among, self._edges(scene, records), self._policy, self._constraints(scene, records)
        )
        groups = [one.members for one in clustering.clusters]
        identities = assign_ids(scene.clusters, groups, mint)
        company = {key: place for place, one in enumerate(groups) for key in one}
        told = _rejudged(scene)
        at = self._clock.now()
        return Resolution(
            assignments=_assignments(clustering.clusters, identities.ids, scene.clusters),
            redirects=identities.redirects,
            retired=identities.retired,
            links=list(self._links(scene, company)),
            scope=frozenset(scene.arrived),
            shared=frozenset(one for one, count in told.items() if count > 1) if told else None,
            public=frozenset(one for one, count in told.items() if count >= PUBLIC_USERS),
            unshared=frozenset(told),
            events=[
                IdentityEvent(
                    sequence=0, kind=one.kind, before=one.before, after=one.after,
                    by=BY_MODEL, at=at,
                )
                for one in identities.changes
            ],
        )  # fmt: skip

    def _weigh_all(self, scene: _Scene, members: Sequence[SourceKey]) -> Mapping[SourceKey, Record]:
        """All pairs of the records are weighed, as in a component of batch; those that are kept."""
        if len(members) == 1 and members[0] in scene.arrived:
            alone = scene.arrived[members[0]]
            return {} if alone is None else {members[0]: alone}
        near = scene.near
        numbers = [scene.desk.number(key) for key in members]
        near.fetch(numbers)
        found = [record for number in numbers if (record := near.get(number)) is not None]
        near.count({term for record in found for term in rows.terms(record.row)})
        near.count_namesakes(_of_one_name(found))
        frequencies = near.frequencies()
        for left, right in combinations(sorted(found, key=_key), 2):
            if (left.key, right.key) not in scene.scores:
                score = self._scorer.score(left.row, right.row, frequencies)
                scene.scores[left.key, right.key] = score
        return {record.key: record for record in found}

    def _edges(
        self, scene: _Scene, records: Mapping[SourceKey, Record]
    ) -> Iterator[Edge[SourceKey]]:
        for (left, right), score in scene.scores.items():
            if left in records and right in records:
                weight, parts = score.weight, profile.parts(score.levels, self._model)
                if records[left].row.asserted or records[right].row.asserted:
                    weight, parts = profile.doubted(weight, parts)
                yield Edge(left, right, weight, parts)

    def _constraints(
        self, scene: _Scene, records: Mapping[SourceKey, Record]
    ) -> Constraints[SourceKey]:
        def pairs(status: LinkStatus) -> list[Pair]:
            return [
                pair
                for pair, tie in scene.ties.items()
                if tie.status is status and pair[0] in records and pair[1] in records
            ]

        return Constraints(
            confirmed=pairs(LinkStatus.CONFIRMED),
            rejected=pairs(LinkStatus.REJECTED),
            unique_in={key: key.source for key in records if key.source in self._unique},
        )

    # ------------------------------------------------------------ links

    def _links(self, scene: _Scene, company: Mapping[SourceKey, int]) -> Iterator[Link]:
        """Every link of what arrived, and those between others that are not as they stand."""
        for (left, right), score in scene.scores.items():
            tie = scene.ties.get((left, right))
            fresh = left in scene.arrived or right in scene.arrived
            if tie is not None and tie.status in DECIDED:
                continue
            here = left in company and right in company
            joined = here and company[left] == company[right]
            status = LinkStatus.AUTO if joined else LinkStatus.PENDING
            if score.weight >= self._review_weight:
                if fresh or (here and (tie is None or _differs(tie, status, score))):
                    yield self._link(left, right, score, status)
            elif tie is not None and not fresh and tie.status in JOINING:
                yield self._link(left, right, score, LinkStatus.SUPERSEDED)

    def _link(self, left: SourceKey, right: SourceKey, score: Score, status: LinkStatus) -> Link:
        return Link(
            left=left,
            right=right,
            method=LinkMethod.PROBABILISTIC,
            status=status,
            match_weight=score.weight,
            match_probability=probability(score.weight),
            prior_weight=self._model.prior_weight,
            model_version=self._model.version,
            decided_by=BY_MODEL,
            decided_at=self._clock.now(),
            levels=score.levels,
        )


def _key(record: Record) -> SourceKey:
    return record.key


def _numbered(records: Sequence[Record]) -> dict[int, Row]:
    return {one.number: one.row for one in records}


def _differs(tie: Tie, status: LinkStatus, score: Score) -> bool:
    return tie.status is not status or tie.weight is None or abs(tie.weight - score.weight) > 0.01


def _of_one_name(records: Sequence[Record]) -> list[Record]:
    """Those whose full name another one bears as well."""
    named: dict[tuple[str | None, str | None], list[Record]] = {}
    for one in records:
        named.setdefault((one.row.given, one.row.family), []).append(one)
    return [one for group in named.values() if len(group) > 1 for one in group]


def _of_values(record: Record) -> list[int]:
    return [rows.value_block(kind, value) for kind in KINDS for value in record.row.values(kind)]


def _looked_up(near: Neighbourhood, record: Record) -> list[int]:
    """Every key under which somebody may be who matters to the record."""
    name = rows.name_block(record.row)
    own = [block for key in near.keys_of(record) for block in (*key.blocks, *key.finer)]
    return [*own, *_of_values(record), *([] if name is None else [name])]


def _assignments(
    clusters: Sequence[ClusterOf[SourceKey]],
    ids: Sequence[CustomerId],
    standing: Mapping[CustomerId, tuple[SourceKey, ...]],
) -> list[Assignment]:
    """Only clusters that are not as they stand."""
    return [
        Assignment(
            id=id_,
            members=one.members,
            confidence=1.0 if one.weakest is None else probability(one.weakest),
        )
        for one, id_ in zip(clusters, ids, strict=True)
        if one.members != tuple(sorted(standing.get(id_, ())))
    ]


def _rejudged(scene: _Scene) -> Mapping[CanonicalIdentifier, int]:
    """How many people use the values that are judged otherwise now."""
    return {
        CanonicalIdentifier(IDENTIFIERS[kind], value): count
        for (kind, value), count in scene.near.rejudged.items()
    }
