import asyncio
import random
from dataclasses import replace

import pytest

from domain.customer import CanonicalIdentifier, Cluster
from domain.errors import ClusterConflict, StaleVersion, UnknownCustomer
from domain.ids import Kind
from domain.ports import Assignment, Carriers, Resolution
from domain.records import Actor
from domain.vocabulary import ActorKind, IdentifierKind, IdentityEventKind, LinkStatus


@pytest.fixture
def publish(state, resolution):
    async def make_it_so(clusters, redirects=None, **more) -> int:
        return await state.identities.publish(resolution(clusters, redirects, **more))

    return make_it_so


@pytest.fixture
def look(state):
    """Of each id: (standing id, version, members)."""

    async def up(*ids):
        return [
            found and (found.id, found.version, "".join(key.external_id for key in found.members))
            for found in await state.identities.clusters(ids)
        ]

    return up


# ---------------------------------------------------------------- clusters


async def test_an_empty_store_is_at_version_nought_and_knows_nobody(state, key):
    assert await state.identities.version() == 0
    assert await state.identities.memberships() == {}
    assert await state.identities.clusters(["cus_1"]) == [None]
    assert await state.identities.of_records([key("a")]) == [None]
    assert await state.identities.links([key("a")]) == []
    assert await state.identities.history("cus_1", 10, None) == []


async def test_a_publication_is_read_back_whole(state, publish, key):
    assert await publish({"cus_1": "ba", "cus_2": "c"}) == 1
    assert await state.identities.version() == 1
    assert await state.identities.memberships() == {
        "cus_1": (key("a"), key("b")),
        "cus_2": (key("c"),),
    }
    expected = Cluster(id="cus_1", version=1, members=(key("a"), key("b")), confidence=0.9)
    assert await state.identities.clusters(["cus_2", "none", "cus_1"]) == [
        Cluster(id="cus_2", version=1, members=(key("c"),), confidence=0.9),
        None,
        expected,
    ]
    assert await state.identities.of_records([key("c"), key("x"), key("a"), key("c")]) == [
        "cus_2",
        None,
        "cus_1",
        "cus_2",
    ]


async def test_a_clusters_version_rises_only_where_its_members_change(publish, look):
    await publish({"cus_1": "ab", "cus_2": "c"})
    assert await publish({"cus_1": "ab", "cus_2": "cd"}) == 2
    assert await look("cus_1", "cus_2") == [("cus_1", 1, "ab"), ("cus_2", 2, "cd")]


async def test_clusters_not_named_keep_standing(publish, look):
    await publish({"cus_1": "ab", "cus_2": "c"})
    await publish({"cus_3": "d"})
    assert await look("cus_1", "cus_2", "cus_3") == [
        ("cus_1", 1, "ab"),
        ("cus_2", 1, "c"),
        ("cus_3", 1, "d"),
    ]


async def test_a_record_given_to_one_cluster_leaves_another_that_was_not_named(publish, look):
    await publish({"cus_1": "ab", "cus_2": "c"})
    await publish({"cus_2": "bc"})
    assert await look("cus_1", "cus_2") == [("cus_1", 2, "a"), ("cus_2", 2, "bc")]


async def test_a_record_given_to_nobody_has_no_customer(state, publish, look, key):
    await publish({"cus_1": "ab"})
    await publish({"cus_1": "a"})
    assert await look("cus_1") == [("cus_1", 2, "a")]
    assert await state.identities.of_records([key("b")]) == [None]


async def test_a_retired_customer_is_known_and_has_nobody(state, publish, look):
    await publish({"cus_1": "a"})
    await publish({}, retired=["cus_1"])
    assert await look("cus_1") == [("cus_1", 2, "")]
    assert await state.identities.memberships() == {}


async def test_confidence_follows_without_a_new_version(state, publish, resolution):
    await publish({"cus_1": "ab"})
    again = resolution({"cus_1": "ab"})
    surer = replace(again, assignments=[replace(again.assignments[0], confidence=0.99)])
    await state.identities.publish(surer)
    (found,) = await state.identities.clusters(["cus_1"])
    assert (found.version, found.confidence) == (1, 0.99)


# ---------------------------------------------------------------- redirects


async def test_a_merged_id_leads_to_the_one_that_stands_and_is_its_alias(state, publish, look):
    await publish({"cus_1": "a", "cus_2": "b"})
    await publish({"cus_1": "ab"}, {"cus_2": "cus_1"})
    assert await look("cus_2", "cus_1") == [("cus_1", 2, "ab")] * 2
    (found,) = await state.identities.clusters(["cus_1"])
    assert found.aliases == ("cus_2",)


async def test_chains_of_merges_lead_to_the_end_in_one_step(state, publish, look):
    await publish({"cus_1": "a", "cus_2": "b", "cus_3": "c", "cus_4": "d"})
    await publish({"cus_2": "ab"}, {"cus_1": "cus_2"})
    await publish({"cus_3": "abc"}, {"cus_2": "cus_3"})
    await publish({"cus_4": "abcd"}, {"cus_3": "cus_4"})
    assert {found[0] for found in await look("cus_1", "cus_2", "cus_3", "cus_4")} == {"cus_4"}
    (found,) = await state.identities.clusters(["cus_1"])
    assert found.aliases == ("cus_1", "cus_2", "cus_3")


async def test_a_chain_within_one_publication_is_followed(publish, look):
    await publish({"cus_1": "a", "cus_2": "b", "cus_3": "c"})
    await publish({"cus_3": "abc"}, {"cus_1": "cus_2", "cus_2": "cus_3"})
    assert {found[0] for found in await look("cus_1", "cus_2", "cus_3")} == {"cus_3"}


async def test_a_redirect_to_an_id_retired_before_goes_on_to_who_stands(publish, look):
    await publish({"cus_1": "a", "cus_2": "b", "cus_3": "c"})
    await publish({"cus_2": "ab"}, {"cus_1": "cus_2"})
    await publish({"cus_2": "abc"}, {"cus_3": "cus_1"})
    assert await look("cus_3") == [("cus_2", 3, "abc")]


async def test_records_of_a_redirected_customer_go_along_when_nobody_else_gets_them(publish, look):
    await publish({"cus_1": "a", "cus_2": "bc"})
    await publish({}, {"cus_2": "cus_1"})
    assert await look("cus_2") == [("cus_1", 2, "abc")]


async def test_a_split_that_gives_an_id_back_takes_its_old_aliases_with_it(state, publish, look):
    await publish({"cus_1": "a", "cus_2": "b", "cus_3": "c"})
    await publish({"cus_2": "bc"}, {"cus_3": "cus_2"})
    await publish({"cus_1": "abc"}, {"cus_2": "cus_1"})
    await publish({"cus_1": "a", "cus_2": "bc"})
    assert await look("cus_1", "cus_2", "cus_3") == [
        ("cus_1", 3, "a"),
        ("cus_2", 4, "bc"),
        ("cus_2", 4, "bc"),
    ]
    one, two = await state.identities.clusters(["cus_1", "cus_2"])
    assert (one.aliases, two.aliases) == ((), ("cus_3",))


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (({"cus_1": "a"}, {"cus_2": "cus_3", "cus_3": "cus_2"}), ClusterConflict),
        (({"cus_1": "a"}, {"cus_1": "cus_2"}), ClusterConflict),
        (({"cus_1": "a"}, {"cus_2": "cus_9"}), UnknownCustomer),
        (({"cus_1": "a", "cus_2": "a"}, {}), ClusterConflict),
        (({"cus_1": ""}, {}), ClusterConflict),
    ],
)
async def test_a_resolution_that_contradicts_itself_changes_nothing(
    state, publish, look, asked, error
):
    await publish({"cus_1": "xy", "cus_2": "z"})
    with pytest.raises(error):
        await publish(*asked)
    assert await state.identities.version() == 1
    assert await look("cus_1", "cus_2") == [("cus_1", 1, "xy"), ("cus_2", 1, "z")]


async def test_random_merges_and_splits_agree_with_a_plain_model(state, publish):
    """The model keeps direct successors and members in dictionaries and follows chains by hand.
    Fewer steps would miss an id that is led on, given back, and led on again.
    """
    choose = random.Random(20260302)
    members: dict[str, set[str]] = {f"cus_{letter}": {letter} for letter in "abcdefgh"}
    successor: dict[str, str] = {}
    await publish({id: "".join(keys) for id, keys in members.items()})

    def standing(id: str) -> str:
        while id in successor:
            id = successor[id]
        return id

    for _ in range(60):
        standing_ids = sorted(members)
        retired = sorted(successor)
        if choose.random() < 0.5 and len(standing_ids) > 1:
            kept, lost = choose.sample(standing_ids, 2)
            members[kept] |= members.pop(lost)
            successor[lost] = kept
            await publish({kept: "".join(members[kept])}, {lost: kept})
        elif retired and (wide := [id for id in standing_ids if len(members[id]) > 1]):
            source, back = choose.choice(wide), choose.choice(retired)
            given = set(choose.sample(sorted(members[source]), 1))
            members[source] -= given
            members[back] = given
            del successor[back]
            await publish({source: "".join(members[source]), back: "".join(given)})
        everyone = [f"cus_{letter}" for letter in "abcdefgh"]
        found = await state.identities.clusters(everyone)
        assert [cluster.id for cluster in found] == [standing(id) for id in everyone]
        for cluster in found:
            assert {key.external_id for key in cluster.members} == members[cluster.id]
            led = {id for id in everyone if standing(id) == cluster.id and id != cluster.id}
            assert set(cluster.aliases) == led


# ---------------------------------------------------------------- versions


async def test_a_resolution_of_an_older_version_is_refused_and_changes_nothing(
    state, publish, look
):
    assert await publish({"cus_1": "a"}, based_on=0) == 1
    with pytest.raises(StaleVersion):
        await publish({"cus_1": "ab"}, based_on=0)
    assert await look("cus_1") == [("cus_1", 1, "a")]
    assert await publish({"cus_1": "ab"}, based_on=1) == 2


async def test_records_found_on_the_way_are_stored_with_the_publication(
    state, publish, contact, key
):
    found = contact("a", words=("anna",))
    await publish({"cus_1": "a"}, contacts=[found])
    assert await state.records.contacts([key("a")]) == [found.contact]
    assert await state.records.find_words(["anna"], 5) == [key("a")]


async def test_records_of_a_refused_publication_are_not_stored(state, publish, contact, key):
    with pytest.raises(StaleVersion):
        await publish({"cus_1": "a"}, contacts=[contact("a")], based_on=7)
    assert await state.records.contacts([key("a")]) == [None]


async def test_thirty_two_writers_who_merge_in_a_ring_end_in_one_cluster(state, resolution, key):
    """Each reads, decides and publishes against what it read, again when it came too late. Twos and
    threes in opposite orders are what deadlocks are made of.
    """
    letters = "abc"
    await state.identities.publish(resolution({f"cus_{letter}": letter for letter in letters}))

    async def merge(left: str, right: str) -> None:
        while True:
            version = await state.identities.version()
            owners = await state.identities.of_records([key(left), key(right)])
            kept, lost = sorted(set(owners))[0], sorted(set(owners))[-1]
            if kept == lost:
                return
            clusters = await state.identities.clusters([kept, lost])
            records = [key.external_id for found in clusters for key in found.members]
            merged = resolution({kept: "".join(records)}, {lost: kept}, based_on=version)
            try:
                await state.identities.publish(merged)
            except StaleVersion:
                continue

    pairs = [("a", "b"), ("b", "c"), ("c", "a")]
    await asyncio.gather(*(merge(*pairs[turn % 3]) for turn in range(32)))
    assert len(await state.identities.memberships()) == 1
    found = await state.identities.clusters([f"cus_{letter}" for letter in letters])
    assert {cluster.id for cluster in found} == {"cus_a"}


async def test_publications_beside_syncs_of_the_same_records_do_not_block_each_other(
    state, put, publish, contact
):
    async def sync(turn: int) -> None:
        await put(*(contact(letter, changed=turn) for letter in "abcdef"), cursor=str(turn))

    async def adopt(turn: int) -> None:
        found = [contact(letter, changed=turn) for letter in reversed("abcdef")]
        await publish({f"cus_{turn}": "abcdef"}, contacts=found)

    work = (job(turn) for turn in range(16) for job in (sync, adopt))
    await asyncio.gather(*work)
    assert await state.identities.version() == 16
    assert len(await state.identities.memberships()) == 1


async def test_readers_see_all_of_a_publication_or_nothing(state, publish):
    await publish({"cus_1": "abcd"})
    stop = asyncio.Event()

    async def watch() -> int:
        seen = 0
        while not stop.is_set():
            found = await state.identities.clusters(["cus_1", "cus_2"])
            keys = [key for cluster in found if cluster for key in cluster.members]
            assert len(keys) == len(set(keys)) == 4
            seen += 1
        return seen

    watchers = [asyncio.create_task(watch()) for _ in range(3)]
    for turn in range(15):
        await publish(
            {"cus_1": "ab", "cus_2": "cd"} if turn % 2 else {"cus_1": "a", "cus_2": "bcd"}
        )
    stop.set()
    assert all(seen > 0 for seen in await asyncio.gather(*watchers))


# ---------------------------------------------------------------- links


async def test_links_are_answered_strongest_first_and_once(state, publish, link, key):
    weak, strong = link("a", "b", weight=2.0), link("b", "c", weight=9.5)
    manual = link("a", "c", weight=None, status=LinkStatus.CONFIRMED)
    await publish({}, links=[weak, manual, strong])
    assert await state.identities.links([key("a"), key("b")]) == [strong, weak, manual]
    assert await state.identities.links([key("c")]) == [strong, manual]
    assert await state.identities.links([key("b")], [LinkStatus.CONFIRMED]) == []
    assert await state.identities.links([key("b")], []) == []
    assert await state.identities.links([]) == []


async def test_a_link_reads_back_exactly(state, publish, link, key):
    whole = link(
        "a",
        "b",
        weight=1.25,
        match_probability=1 / 3,
        prior_weight=-12.7,
        model_version="2026-03-02",
        reason="same \N{GRINNING FACE}",
        levels="email=exact;name=2",
    )
    actor = Actor(kind=ActorKind.HUMAN, id="7", name="Zoë")
    await publish({}, links=[replace(whole, decided_by=actor)])
    assert await state.identities.links([key("a")]) == [replace(whole, decided_by=actor)]


async def test_a_resolution_of_everything_replaces_every_undecided_link(state, publish, link, key):
    pending = link("b", "c", status=LinkStatus.PENDING)
    await publish({}, links=[link("a", "b"), pending])
    await publish({}, links=[link("a", "c")])
    everyone = [key("a"), key("b"), key("c")]
    assert await state.identities.links(everyone) == [link("a", "c")]


async def test_a_resolution_of_some_records_leaves_the_links_of_others(state, publish, link, key):
    await publish({}, links=[link("a", "b"), link("c", "d"), link("d", "e")])
    await publish({}, links=[link("a", "d")], scope=frozenset({key("a"), key("c")}))
    kept = await state.identities.links([key(letter) for letter in "abcde"])
    assert kept == [link("a", "d"), link("d", "e")]


@pytest.mark.parametrize("status", [LinkStatus.CONFIRMED, LinkStatus.REJECTED])
async def test_a_decided_link_outlives_every_rerun(state, publish, link, key, status):
    decided = link("a", "b", status=status, reason="I know them")
    await publish({}, links=[decided, link("b", "c")])
    for scope in (None, frozenset({key("a"), key("b")})):
        await publish({}, links=[link("a", "b", weight=50.0)], scope=scope)
        await publish({}, links=[], scope=scope)
        assert await state.identities.links([key("a")]) == [decided]
        assert await state.identities.decisions() == [decided]


async def test_a_decision_gives_way_to_another_decision(state, publish, link, key):
    await publish({}, links=[link("a", "b", status=LinkStatus.CONFIRMED)])
    rejected = link("a", "b", status=LinkStatus.REJECTED)
    await publish({}, links=[rejected], scope=frozenset())
    assert await state.identities.decisions() == [rejected]


async def test_a_link_that_runs_backwards_is_refused(state, publish, link):
    with pytest.raises(ClusterConflict, match="lower key"):
        await publish({"cus_1": "ab"}, links=[link("b", "a")])
    assert await state.identities.version() == 0


# ---------------------------------------------------------------- shared identifiers, history


def mailbox(value: str) -> CanonicalIdentifier:
    return CanonicalIdentifier(IdentifierKind.EMAIL, value)


async def test_shared_identifiers_are_those_of_the_last_full_judgement(state, publish, key):
    async def shared(*values):
        return await state.identities.shared([mailbox(value) for value in values])

    await publish({}, shared=frozenset({mailbox("info@"), mailbox("sales@")}))
    assert await shared("info@", "anna@", "sales@") == [True, False, True]
    await publish({})
    assert await shared("info@", "sales@") == [True, True]
    await publish({}, shared=frozenset({mailbox("anna@")}), scope=frozenset({key("a")}))
    assert await shared("info@", "anna@", "sales@") == [True, True, True]
    await publish({}, shared=frozenset({mailbox("info@")}))
    assert await shared("info@", "anna@", "sales@") == [True, False, False]
    other = CanonicalIdentifier(IdentifierKind.PHONE, "info@")
    assert await state.identities.shared([other]) == [False]


async def test_a_look_up_says_who_carries_what_is_shared_and_whose_the_records_are(
    state, put, publish, contact, key
):
    await put(contact("a", email="info@"), contact("b", email="info@"), contact("d", email="anna@"))
    clusters = {"cus_1": "a", "cus_2": "b", "cus_3": "d"}
    await publish(clusters, shared=frozenset({mailbox("info@")}))
    crowd, alone, nobody = mailbox("info@"), mailbox("anna@"), mailbox("nobody@")
    known = await state.identities.look_up([crowd, alone, nobody], [key("a"), key("c")], ["cus_3"])
    assert known.carriers == [
        Carriers((key("a"), key("b")), True), Carriers((key("d"),), False), Carriers((), False)
    ]  # fmt: skip
    assert known.owners == {key("a"): "cus_1", key("b"): "cus_2", key("d"): "cus_3"}
    members = {id: cluster.members for id, cluster in known.clusters.items()}
    assert members == {"cus_1": (key("a"),), "cus_3": (key("d"),)}
    assert known.contacts.keys() == {key("a"), key("d")}


async def test_of_a_mailbox_of_many_nobody_is_read(state, put, publish, contact, key):
    await put(contact("a", email="info@"), contact("b", email="info@"))
    await publish({"cus_1": "a", "cus_2": "b"})
    known = await state.identities.look_up([mailbox("info@")], [], [])
    assert known.owners == {key("a"): "cus_1", key("b"): "cus_2"}
    assert (known.clusters, known.contacts) == ({}, {})


async def test_history_names_the_customer_under_every_id_newest_first(state, publish, happened):
    kind = IdentityEventKind
    created = [happened(kind.CREATED, (), (id,)) for id in ("cus_1", "cus_2", "cus_3")]
    await publish({"cus_1": "a", "cus_2": "b", "cus_3": "c"}, events=created)
    merged = happened(kind.MERGED, ("cus_1", "cus_2"), ("cus_1",))
    await publish({"cus_1": "ab"}, {"cus_2": "cus_1"}, events=[merged])

    async def history(id, first=10, after=None):
        return await state.identities.history(id, first, after)

    one, two, three = (replace(event, sequence=n) for n, event in enumerate(created, 1))
    four = replace(merged, sequence=4)
    assert await history("cus_1") == await history("cus_2") == [four, two, one]
    assert await history("cus_3") == [three]
    assert await history("cus_1", first=2) == [four, two]
    assert await history("cus_1", after=2) == [one]
    assert await history("cus_9") == []


async def test_members_of_every_kind_and_spelling_come_back(state, key):
    strange = (key("a:b/c", "crm", Kind.VISIT), key("ü \N{GRINNING FACE}"), key(""), key("1\x1f2"))
    one = Assignment(id="cus_1", members=strange, confidence=1.0)
    await state.identities.publish(Resolution(assignments=[one], redirects={}))
    (found,) = await state.identities.clusters(["cus_1"])
    assert found.members == tuple(sorted(strange))
    assert await state.identities.of_records(strange) == ["cus_1"] * 4
