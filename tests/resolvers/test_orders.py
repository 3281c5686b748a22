import pytest

from domain.customer import KeyKind, LookupKey
from domain.errors import SourceTimeout, SourceUnavailable
from domain.ids import Kind
from domain.records import Order
from domain.vocabulary import Verification
from resolvers.caller import Caller
from resolvers.lookup import NotVerified
from resolvers.orders import OrderNotFound, by_number

ALICE = LookupKey(KeyKind.EMAIL, "alice@example.com")
BOB = LookupKey(KeyKind.EMAIL, "bob@example.com")


@pytest.fixture
def shop(world):
    world.alice()
    key = LookupKey(KeyKind.ORDER_NUMBER, "1001")
    world.identity.adopts_into["s1"] = "cus_alice"
    world["shop"].searches[key] = ["s1"]
    world.customer("cus_bob", world.contact("crm", "h2", emails=(BOB.value,)))
    return world["shop"]


def page(*keys):
    return Caller(name="page", proven=dict.fromkeys(keys, Verification.VERIFIED))


async def test_an_order_is_found_by_its_number_however_it_is_written(world, shop):
    found = await by_number(world.operation(), "1001", None)
    assert isinstance(found, Order)
    assert found.number == "#1001"


async def test_a_number_nobody_knows_is_not_found(world, shop):
    found = await by_number(world.operation(), "9999", None)
    assert found == OrderNotFound(message="no order has this number")


async def test_a_number_is_looked_for_on_every_page(world, shop, fakes):
    for i in range(150):
        world.order("s1", f"x{i}", fakes.ago(hours=i))
    world["shop"].searches[LookupKey(KeyKind.ORDER_NUMBER, "x149")] = ["s1"]
    found = await by_number(world.operation(), "x149", None)
    assert found.number == "#x149"


async def test_not_found_says_where_a_source_did_not_answer(world, shop):
    shop.broken["search"] = SourceTimeout("shop", "slow")
    found = await by_number(world.operation(), "1001", None)
    assert found.message == "not found, and not every source answered"
    assert [one.code for one in found.failures] == ["SOURCE_TIMEOUT"]
    del shop.broken["search"]
    shop.broken[Kind.ORDER] = SourceUnavailable("shop", "503")
    found = await by_number(world.operation(), "1001", None)
    assert [one.code for one in found.failures] == ["SOURCE_UNAVAILABLE"]


@pytest.mark.parametrize(
    ("caller", "proof"),
    [(page(), None), (page(), ALICE), (page(BOB), ALICE), (page(BOB), BOB), (page(ALICE), None)],
)
async def test_without_a_proof_of_whose_it_is_an_order_is_not_shown(world, shop, caller, proof):
    assert isinstance(await by_number(world.operation(caller), "1001", proof), NotVerified)
    assert not world.called()["shop", "children", "order"]


async def test_a_wrong_number_and_somebody_elses_are_told_alike(world, shop):
    answers = [await by_number(world.operation(page(BOB)), one, BOB) for one in ("1001", "9999")]
    assert answers[0] == answers[1]


async def test_a_proof_opens_the_order_of_its_customer(world, shop):
    found = await by_number(world.operation(page(ALICE)), "1001", ALICE)
    assert isinstance(found, Order)


async def test_staff_who_name_a_customer_get_no_order_of_another(world, shop):
    assert isinstance(await by_number(world.operation(), "1001", BOB), NotVerified)
    assert isinstance(await by_number(world.operation(), "1001", ALICE), Order)
