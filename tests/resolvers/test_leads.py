import pytest

from domain.customer import KeyKind, LookupKey
from domain.errors import SourceTimeout
from domain.provenance import Freshness
from resolvers.leads import follow

EMAIL = LookupKey(KeyKind.EMAIL, "new@example.com")


async def lead(world, key, operation=None):
    return (await follow(operation or world.operation(), [key], Freshness()))[0]


@pytest.fixture
def stranger(world):
    """In the CRM, found there by e-mail, and never synced."""
    world.contact("crm", "h9", kept=False, emails=(EMAIL.value,))
    world["crm"].searches[EMAIL] = ["h9"]


async def test_a_known_key_is_searched_nowhere(world):
    row = world.contact("crm", "h1", emails=(EMAIL.value,))
    world.customer("cus_1", row)
    assert (await lead(world, EMAIL)).customers == ("cus_1",)
    assert not world.called()


async def test_an_id_leads_to_whom_it_stands_for_today(world):
    world.customer("cus_new", world.contact("crm", "h1"))
    world.identity.redirects["cus_old"] = "cus_new"
    assert (await lead(world, LookupKey(KeyKind.ID, "cus_old"))).customers == ("cus_new",)


async def test_an_unknown_id_is_searched_nowhere(world):
    found = await lead(world, LookupKey(KeyKind.ID, "cus_nobody"))
    assert (found.customers, found.certain) == ((), True)
    assert not world.called()


async def test_an_unknown_key_is_searched_where_people_are_held_and_who_is_found_is_kept(
    world, stranger
):
    found = await lead(world, EMAIL)
    assert found.customers == ("cus_new-crm-h9",)
    assert [one.key.external_id for one in world.identity.adopted] == ["h9"]
    assert {name for name, *_ in world.called()} == {"crm", "shop", "desk", "chat"}


async def test_one_person_found_in_two_systems_is_one_customer(world, stranger):
    world.contact("chat", "i9", kept=False, emails=(EMAIL.value,))
    world["chat"].searches[EMAIL] = ["i9"]
    world.identity.adopts_into = {"h9": "cus_1", "i9": "cus_1"}
    assert (await lead(world, EMAIL)).customers == ("cus_1",)
    assert world.identity.calls["adopt"] == 1


async def test_who_carries_the_key_is_for_identity_to_judge(world, stranger):
    """A vendor's search finds the beginning of a word too; the other person must not be shown."""
    world.contact("crm", "h8", kept=False, emails=("new@example.com.au",))
    world["crm"].searches[EMAIL] = ["h8", "h9"]
    world.identity.adopts_into = {"h9": "cus_right", "h8": "cus_wrong"}
    adopt = world.identity.adopt

    async def adopting(contacts):
        world.identity.keys[EMAIL] = ("cus_right",)
        return await adopt(contacts)

    world.identity.adopt = adopting
    assert (await lead(world, EMAIL)).customers == ("cus_right",)


async def test_who_is_known_to_be_gone_is_not_found_although_a_source_goes_on_showing_them(
    world, stranger
):
    async def adopting(contacts):
        return [None] * len(contacts)

    world.identity.adopt = adopting
    found = await lead(world, EMAIL)
    assert (found.customers, found.certain) == ((), True)


async def test_a_get_request_searches_nothing_and_says_so(world, stranger):
    found = await lead(world, EMAIL, world.operation(read_only=True))
    assert (found.customers, found.certain) == ((), False)
    assert all("GET" in one.note for one in found.outcomes)
    assert not world.called()
    assert world.identity.adopted == []


async def test_nobody_found_is_certain_only_if_every_searched_source_answered(world):
    assert (await lead(world, EMAIL)).certain
    world["chat"].broken["search"] = SourceTimeout("chat", "slow")
    found = await lead(world, EMAIL)
    assert not found.certain
    assert [one.source for one in found.outcomes if one.error] == ["chat"]


async def test_who_is_found_is_found_although_another_source_failed(world, stranger):
    world["chat"].broken["search"] = SourceTimeout("chat", "slow")
    assert (await lead(world, EMAIL)).customers == ("cus_new-crm-h9",)


async def test_a_source_that_cannot_search_a_kind_of_key_does_not_count(world):
    world["desk"].searchable = frozenset({KeyKind.PHONE})
    world.without_search.add("chat")
    found = await lead(world, EMAIL)
    assert {one.source for one in found.outcomes} == {"crm", "shop"}
    assert found.certain


async def test_an_order_number_is_searched_where_orders_are(world):
    key = LookupKey(KeyKind.ORDER_NUMBER, "1001")
    world.contact("shop", "s1", kept=False)
    world["shop"].searches[key] = ["s1"]
    assert (await lead(world, key)).customers == ("cus_new-shop-s1",)
    assert world.called() == {("shop", "search", "contact"): 1}


async def test_an_external_id_is_read_at_its_system_in_one_batch(world):
    world.contact("shop", "s1", kept=False)
    keys = [LookupKey(KeyKind.EXTERNAL, one, "shop") for one in ("s1", "s2")]
    first, second = await follow(world.operation(), keys, Freshness())
    assert first.customers == ("cus_new-shop-s1",)
    assert (second.customers, second.certain) == ((), True)
    assert world.called() == {("shop", "get", "contact"): 1}


async def test_an_external_id_of_no_system_of_ours_leads_to_nobody(world):
    found = await lead(world, LookupKey(KeyKind.EXTERNAL, "1", "elsewhere"))
    assert (found.customers, found.certain) == ((), True)


async def test_many_keys_are_one_question_to_identity(world):
    keys = [LookupKey(KeyKind.EMAIL, f"{i}@example.com") for i in range(20)]
    for i, key in enumerate(keys):
        world.identity.keys[key] = (f"cus_{i}",)
    leads = await follow(world.operation(), [*keys, *keys], Freshness())
    assert [one.customers for one in leads] == [(f"cus_{i}",) for i in range(20)] * 2
    assert world.identity.calls["find"] == 1
