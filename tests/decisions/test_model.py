"""Random sequences of decisions against a plain model. KNOWNAS_SEQUENCES=10000 for the long run."""

import os
import random
from dataclasses import dataclass, field

from domain.vocabulary import LinkStatus
from identity.clusters import Constraints, Edge, Policy, cluster

SEQUENCES = int(os.environ.get("KNOWNAS_SEQUENCES", "100"))
STEPS = 6


@dataclass
class Model:
    """Groups of records, and the last word on each pair."""

    groups: list[set[str]]
    decided: dict[frozenset[str], LinkStatus] = field(default_factory=dict)

    def group(self, record):
        return next(group for group in self.groups if record in group)

    def decide(self, one, other, status):
        for left in one:
            for right in other:
                if status is None:
                    self.decided.pop(frozenset((left, right)), None)
                else:
                    self.decided[frozenset((left, right))] = status

    def merge(self, parts):
        for place, part in enumerate(parts):
            for other in parts[place + 1 :]:
                self.decide(part, other, LinkStatus.CONFIRMED)
        self.groups = [group for group in self.groups if group not in parts]
        self.groups.append(set().union(*parts))

    def split(self, group, leaving, never_relink):
        self.groups.remove(group)
        self.groups += [leaving, group - leaving]
        self.decide(leaving, group - leaving, LinkStatus.REJECTED if never_relink else None)


class Sequence:
    """One random life of some records, decided on for real and in the model."""

    def __init__(self, desk, number):
        self.desk = desk
        self.dice = random.Random(number)
        self.records = [f"{number}-{place}" for place in range(self.dice.randint(3, 7))]
        self.model = Model([{record} for record in self.records])
        self.ids = set()
        """Every id ever seen: each must lead to somebody for ever."""

    async def run(self):
        half = len(self.records) // 2  # some memberships are older than others
        for records in (self.records[:half], self.records[half:]):
            await self.desk.publish({f"cus_{record}": record for record in records})
        for _ in range(STEPS):
            undo = await self.step()
            await self.check()
            if undo is not None and self.dice.random() < 0.4:
                await self.taken_back(*undo)
                await self.check()

    async def step(self):
        """A merge or a split; of a merge of two, what was and how it is taken back."""
        splittable = [group for group in self.model.groups if len(group) > 1]
        if splittable and (len(self.model.groups) == 1 or self.dice.random() < 0.45):
            await self.split(self.dice.choice(splittable))
            return None
        count = self.dice.randint(2, min(3, len(self.model.groups)))
        parts = self.dice.sample(self.model.groups, count)
        before = await self.standing()
        owners = [await self.desk.owner(min(part)) for part in parts]
        await self.done(self.desk.merge(*owners))
        self.model.merge(parts)
        return (before, owners[0], parts[1]) if count == 2 else None

    async def split(self, group):
        records = sorted(group)
        self.dice.shuffle(records)
        leaving = set(records[: self.dice.randint(1, len(records) - 1)])
        never = self.dice.random() < 0.6
        owner = await self.desk.owner(records[0])
        payload = await self.done(
            self.desk.split(owner, " ".join(sorted(leaving)), never_relink=never)
        )
        assert payload.customer_ids[0] == owner
        self.model.split(group, leaving, never)

    async def taken_back(self, before, merged, absorbed):
        """A merge moves nothing, so the split that takes it back restores exactly what was."""
        await self.done(self.desk.split(merged, " ".join(sorted(absorbed))))
        self.model.split(self.model.group(next(iter(absorbed))), absorbed, never_relink=True)
        assert await self.standing() == before

    async def done(self, asked):
        payload = await asked
        assert payload.user_errors == ()
        assert payload.event is not None
        return payload

    async def standing(self):
        """Records by the id of their customer, and where every id of ours leads."""
        keys = [self.desk.key(record) for record in self.records]
        owners = await self.desk.people.of_records(keys)
        by_id = {}
        for record, owner in zip(self.records, owners, strict=True):
            by_id.setdefault(owner, set()).add(record)
            self.ids.add(owner)
        return by_id

    async def check(self):
        by_id = await self.standing()
        assert sorted(map(sorted, by_id.values())) == sorted(map(sorted, self.model.groups))
        keys = [self.desk.key(record) for record in self.records]
        links = await self.desk.state.identities.links(keys)
        decided = {
            frozenset((link.left.external_id, link.right.external_id)): link.status
            for link in links
            if link.status in {LinkStatus.CONFIRMED, LinkStatus.REJECTED}
        }
        assert decided == self.model.decided
        self.check_next_resolution(links)
        clusters = await self.desk.people.clusters(sorted(self.ids))
        for id, one in zip(sorted(self.ids), clusters, strict=True):
            assert one is not None, id
            assert one.id in by_id, f"{id} leads to nobody"
            assert (one.id == id) is (id in by_id)

    def check_next_resolution(self, links):
        """Whatever weights the next one finds: confirmed pairs together, rejected ones apart."""
        edges = [
            Edge(one, other, self.dice.uniform(-10, 20))
            for place, one in enumerate(self.records)
            for other in self.records[place + 1 :]
        ]
        pairs = {
            status: [(i.left.external_id, i.right.external_id) for i in links if i.status is status]
            for status in (LinkStatus.CONFIRMED, LinkStatus.REJECTED)
        }
        rules = Constraints(
            confirmed=pairs[LinkStatus.CONFIRMED], rejected=pairs[LinkStatus.REJECTED]
        )
        found = cluster(self.records, edges, Policy(link_weight=9.0), rules)
        place = {m: number for number, one in enumerate(found.clusters) for m in one.members}
        assert all(place[a] == place[b] for a, b in rules.confirmed)
        assert all(place[a] != place[b] for a, b in rules.rejected)


async def test_random_merges_and_splits_end_where_a_plain_model_does(quick_desk):
    for number in range(SEQUENCES):
        await Sequence(quick_desk, number).run()


async def test_random_decisions_on_a_real_server_end_where_a_plain_model_does(desk):
    for number in range(5):
        await Sequence(desk, number).run()
