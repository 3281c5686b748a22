from dataclasses import replace

import pytest

from domain.errors import SourceUnavailable
from domain.ids import Kind
from domain.provenance import Freshness
from domain.sources import Parent, ParentBy
from resolvers import parents as parents_module
from resolvers.parents import needed_fields, parents_in
from resolvers.people import fetch


@pytest.fixture
def parents(world):
    async def run(source, *ids, fields=None):
        operation = world.operation()
        people = await fetch(operation, ids, Freshness(), fields)
        services = operation.services
        return await parents_in(services, services.sources[source], people)

    return run


def by(kind, *values):
    return tuple(Parent(kind, value) for value in values)


async def test_own_ids_are_the_members_of_the_cluster_and_need_no_row(world, parents):
    rows = [world.contact("shop", "s1"), world.contact("shop", "s2"), world.contact("crm", "h1")]
    one = world.customer("cus_1", *rows)
    (answer,) = await parents("shop", one, fields=frozenset())
    assert answer == parents_module.Parents(by(ParentBy.OWN, "s1", "s2"))
    assert not world.called()


async def test_another_sources_ids_are_the_members_of_that_source(world, parents):
    world.customer_keys["shop"] = "crm"
    one = world.customer("cus_1", world.contact("crm", "h1"), world.contact("shop", "s1"))
    (answer,) = await parents("shop", one, fields=frozenset())
    assert answer.parents == by(ParentBy.FOREIGN, "h1")


async def test_a_cluster_that_was_replaced_is_asked_for_anew(world):
    rows = [world.contact("shop", "s1"), world.contact("shop", "s2")]
    one = world.customer("cus_1", *rows)
    operation = world.operation()
    services = operation.services
    source = services.sources["shop"]
    (before,) = await fetch(operation, [one], Freshness(), frozenset())
    cluster = replace(before.cluster, version=2, members=before.cluster.members[:1])
    after = replace(before, cluster=cluster)
    answers = [await parents_in(services, source, [each]) for each in (before, after, before)]
    found = [answer.parents for (answer,) in answers]
    both, alone = by(ParentBy.OWN, "s1", "s2"), by(ParentBy.OWN, "s1")
    assert found == [both, alone, both]


@pytest.mark.parametrize(
    ("customer_key", "kind"), [("own", ParentBy.OWN), ("erp", ParentBy.FOREIGN)]
)
async def test_ids_of_people_who_are_not_read_come_from_rows_that_carry_them(
    world, parents, customer_key, kind
):
    world.without_people.add("shop")
    world.customer_keys["shop"] = customer_key
    holder = "shop" if customer_key == "own" else "erp"
    rows = [
        world.contact("crm", "h1", foreign_ids=((holder, "s9"), ("other", "x"))),
        world.contact("desk", "z1", foreign_ids=((holder, "s9"),)),
    ]
    one = world.customer("cus_1", *rows)
    (answer,) = await parents("shop", one)
    assert answer == parents_module.Parents(by(kind, "s9"))


async def test_emails_are_asked_for_as_they_are_written_but_for_case_and_space(world, parents):
    """A canonical form lacks the tag, and a shop that was given it knows no other."""
    world.customer_keys["shop"] = "email"
    rows = [
        world.contact("crm", "h1", emails=("Ann+Shop@Example.com ",)),
        world.contact("chat", "i1", emails=("ann+shop@example.com", "nobody@nowhere.test")),
    ]
    (answer,) = await parents("shop", world.customer("cus_1", *rows))
    assert answer == parents_module.Parents(by(ParentBy.EMAIL, "ann+shop@example.com"))


async def test_a_shared_email_is_never_asked_for(world, parents):
    world.customer_keys["shop"] = "email"
    world.identity.shared_values = {"info@example.com"}
    row = world.contact("crm", "h1", emails=("info@example.com", "ann@example.com"))
    (answer,) = await parents("shop", world.customer("cus_1", row))
    assert answer.parents == by(ParentBy.EMAIL, "ann@example.com")
    assert answer.withheld == parents_module.SHARED


async def test_a_phone_takes_its_country_from_whichever_row_has_it(world, parents):
    world.customer_keys["desk"] = "phone"
    rows = [
        world.contact("crm", "h1", phones=("07911 123456",)),
        world.contact("chat", "i1", phones=("0044 7911 123456",)),
    ]
    (answer,) = await parents("desk", world.customer("cus_1", *rows))
    assert answer == parents_module.Parents(by(ParentBy.PHONE, "+447911123456"))


async def test_a_phone_without_a_country_is_not_asked_for_and_said_so(world, parents):
    world.customer_keys["desk"] = "phone"
    row = world.contact("crm", "h1", phones=("07911 123456",))
    (answer,) = await parents("desk", world.customer("cus_1", row))
    assert answer == parents_module.Parents((), parents_module.NO_COUNTRY)


async def test_a_missing_row_could_name_the_customer(world, parents):
    world.customer_keys["shop"] = "email"
    one = world.customer("cus_1", world.contact("crm", "h1", kept=False))
    world["crm"].broken[Kind.CONTACT] = SourceUnavailable("crm", "503")
    (answer,) = await parents("shop", one)
    assert answer == parents_module.Parents((), parents_module.ROW_MISSING)


async def test_who_has_no_email_has_nothing_there(world, parents):
    world.customer_keys["shop"] = "email"
    (answer,) = await parents("shop", world.customer("cus_1", world.contact("crm", "h1")))
    assert answer == parents_module.Parents(())


async def test_many_people_are_one_question_about_what_is_shared(world, parents):
    world.customer_keys["shop"] = "email"
    ids = [
        world.customer(f"cus_{i}", world.contact("crm", str(i), emails=(f"p{i}@example.com",)))
        for i in range(20)
    ]
    answers = await parents("shop", *ids)
    assert [answer.parents[0].value for answer in answers] == [
        f"p{i}@example.com" for i in range(20)
    ]
    assert world.identity.calls["shared"] == 1


@pytest.mark.parametrize(
    ("customer_key", "without_people", "fields"),
    [
        ("own", False, set()),
        ("own", True, {"foreign_ids"}),
        ("crm", False, set()),
        ("erp", False, {"foreign_ids"}),
        ("email", False, {"emails", "address"}),
        ("phone", False, {"phones", "address"}),
    ],
)
async def test_rows_are_read_only_where_a_source_needs_them(
    world, customer_key, without_people, fields
):
    world.customer_keys["shop"] = customer_key
    if without_people:
        world.without_people.add("shop")
    services = world.services()
    assert needed_fields(services, services.sources["shop"]) == fields
