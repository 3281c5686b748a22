"""Clusters: constraints before weights, conflicts before links, the same whatever the order."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import CustomerId
from domain.vocabulary import IdentityEventKind
from identity.clusters import (
    Clustering,
    Constraints,
    Edge,
    Policy,
    assign_ids,
    cluster,
)

POLICY = Policy(link_weight=3.0, veto_weight=-6.0, absent_weight=-1.0)


def groups(found: Clustering[str]) -> list[str]:
    return ["".join(one.members) for one in found.clusters]


def test_links_chain_and_lone_members_stay() -> None:
    found = cluster("abcd", [Edge("a", "b", 9.0), Edge("b", "c", 8.0)], POLICY)
    assert groups(found) == ["abc", "d"]


def test_two_clusters_join_by_the_average_over_all_their_pairs() -> None:
    """{a,b} and {c}: 8 and nothing compared (-1) average 3.5; with 6 they average 2.5."""
    edges = [Edge("a", "b", 12.0), Edge("b", "c", 8.0)]
    assert groups(cluster("abc", edges, POLICY)) == ["abc"]
    edges[1] = Edge("b", "c", 6.0)
    assert groups(cluster("abc", edges, POLICY)) == ["ab", "c"]


def test_father_and_son_stay_two_though_a_record_fits_both() -> None:
    """f1 f2 and s1 s2 hold by their addresses; name and home alone would join any two of them."""
    edges = [
        Edge("f1", "f2", 16.0), Edge("s1", "s2", 16.0), Edge("f2", "s2", 7.0),
        Edge("f1", "s1", 2.0), Edge("f1", "s2", 2.0), Edge("f2", "s1", 2.0),
    ]  # fmt: skip
    found = cluster(["f1", "f2", "s1", "s2"], edges, Policy(link_weight=5.0))
    assert [one.members for one in found.clusters] == [("f1", "f2"), ("s1", "s2")]


def test_a_link_below_the_weight_joins_nobody() -> None:
    assert groups(cluster("ab", [Edge("a", "b", 2.9)], POLICY)) == ["a", "b"]


def test_a_conflict_keeps_two_people_apart_though_a_third_record_links_to_both() -> None:
    edges = [Edge("a", "b", 12.0), Edge("b", "c", 9.0), Edge("a", "c", -8.0)]
    assert groups(cluster("abc", edges, POLICY)) == ["ab", "c"]


def test_a_conflict_is_inherited_by_what_its_ends_join() -> None:
    edges = [Edge("a", "b", 12.0), Edge("c", "d", 12.0), Edge("a", "d", -8.0), Edge("b", "c", 9.0)]
    assert groups(cluster("abcd", edges, POLICY)) == ["ab", "cd"]


def test_confirmed_joins_and_rejected_parts_whatever_the_weight() -> None:
    edges = [Edge("a", "b", -20.0), Edge("c", "d", 20.0)]
    rules = Constraints(confirmed=[("a", "b")], rejected=[("c", "d")])
    assert groups(cluster("abcd", edges, POLICY, rules)) == ["ab", "c", "d"]


def test_a_rejected_pair_is_not_joined_through_others() -> None:
    edges = [Edge("a", "b", 20.0), Edge("b", "c", 19.0)]
    found = cluster("abc", edges, POLICY, Constraints(rejected=[("a", "c")]))
    assert groups(found) == ["ab", "c"]


def test_a_source_that_guarantees_one_record_a_person_is_believed() -> None:
    edges = [Edge("a", "b", 20.0), Edge("b", "c", 19.0)]
    rules = Constraints(unique_in={"a": "crm", "c": "crm"})
    assert groups(cluster("abc", edges, POLICY, rules)) == ["ab", "c"]


def test_the_size_guard_stops_growth_and_says_so() -> None:
    edges = [Edge(a, b, 9.0) for a, b in itertools.pairwise("abcdef")]
    policy = Policy(link_weight=3.0, max_size=4, absent_weight=9.0)
    found = cluster("abcdef", edges, policy)
    assert max(len(one.members) for one in found.clusters) <= 4
    assert found.guarded


def test_the_weakest_join_is_the_measure_of_a_cluster() -> None:
    edges = [Edge("a", "b", 12.0), Edge("b", "c", 4.0), Edge("a", "c", 6.0)]
    (one,) = cluster("abc", edges, POLICY).clusters
    assert one.weakest == 5.0


@pytest.mark.parametrize("seed", range(5))
def test_a_hundred_orders_of_arrival_give_the_same_clusters(seed: int) -> None:
    chance = random.Random(seed)
    members = [f"m{n:03}" for n in range(80)]
    pairs = itertools.combinations(members, 2)
    edges = [Edge(a, b, round(chance.gauss(0, 6), 1)) for a, b in pairs if chance.random() < 0.05]
    expected = cluster(members, edges, POLICY)
    for _ in range(100):
        chance.shuffle(edges)
        chance.shuffle(members)
        assert cluster(members, edges, POLICY) == expected


class Mint:
    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def __call__(self) -> CustomerId:
        return CustomerId(f"cus_new{next(self._numbers)}")


A, B, C = CustomerId("cus_a"), CustomerId("cus_b"), CustomerId("cus_c")


def test_an_id_survives_by_the_largest_overlap() -> None:
    found = assign_ids({A: "wxyz"}, ["w", "xyz"], Mint())
    assert found.ids == ("cus_new1", A)
    assert [change.kind for change in found.changes] == [IdentityEventKind.SPLIT]


def test_a_tie_goes_to_the_older_id() -> None:
    assert assign_ids({B: "y", A: "x"}, ["xy"], Mint()).ids == (A,)


def test_a_merged_id_leads_on_to_the_survivor() -> None:
    found = assign_ids({A: "x", B: "yz"}, ["xyz"], Mint())
    assert found.ids == (B,)
    assert found.redirects == {A: B}
    assert found.changes[0].kind is IdentityEventKind.MERGED
    assert found.changes[0].before == (A, B)


def test_an_id_without_members_is_retired_and_leads_nowhere() -> None:
    found = assign_ids({A: "x", B: "y"}, ["y"], Mint())
    assert found.retired == (A,)
    assert found.redirects == {}


def test_the_same_clusters_again_change_nothing() -> None:
    found = assign_ids({A: "ab", B: "c"}, ["ab", "c"], Mint())
    assert found.ids == (A, B)
    assert found.changes == ()


def test_a_new_member_is_a_link_and_a_new_cluster_a_creation() -> None:
    found = assign_ids({A: "a"}, ["ab", "c"], Mint())
    assert [change.kind for change in found.changes] == [
        IdentityEventKind.LINKED,
        IdentityEventKind.CREATED,
    ]


@given(st.dictionaries(st.integers(0, 40), st.tuples(st.integers(0, 8), st.integers(0, 8))))
def test_every_old_id_lives_leads_on_or_is_retired(
    before_after: dict[int, tuple[int, int]],
) -> None:
    previous: dict[CustomerId, list[int]] = {}
    clusters: dict[int, list[int]] = {}
    for member, (before, after) in before_after.items():
        previous.setdefault(CustomerId(f"cus_{before}"), []).append(member)
        clusters.setdefault(after, []).append(member)
    found = assign_ids(previous, list(clusters.values()), Mint())
    assert len(set(found.ids)) == len(clusters)
    for id_ in previous:
        assert (id_ in found.ids) + (id_ in found.redirects) + (id_ in found.retired) == 1
    assert set(found.redirects.values()) <= set(found.ids)
