from domain.customer import KeyKind, LookupKey
from domain.errors import SourceTimeout, SourceUnavailable
from domain.ids import Kind
from domain.provenance import Freshness
from domain.vocabulary import SourceState, Verification
from resolvers.caller import ANY_CUSTOMER, Caller
from resolvers.customer import Customer
from resolvers.lookup import (
    CustomerAmbiguous,
    CustomerErased,
    CustomerNotFound,
    CustomerUnknown,
    NotVerified,
)

ALICE = LookupKey(KeyKind.EMAIL, "alice@example.com")
NOBODY = LookupKey(KeyKind.EMAIL, "nobody@example.com")


async def look_up(world, key, caller=None, **options):
    return await world.operation(caller, **options).loaders.lookup(key, Freshness())


def proven(key, how=Verification.VERIFIED):
    return Caller(name="page", proven={key: how})


async def test_a_key_of_one_person_is_that_person(world):
    world.alice()
    found = await look_up(world, ALICE)
    assert isinstance(found, Customer)
    assert (found.id, found.display_name) == ("cus_alice", "Alice Example")


async def test_a_key_of_two_is_ambiguous_and_names_both(world):
    for i in range(2):
        world.customer(f"cus_{i}", world.contact("crm", str(i), emails=(ALICE.value,)))
    found = await look_up(world, ALICE)
    assert isinstance(found, CustomerAmbiguous)
    assert [one.id for one in found.candidates] == ["cus_0", "cus_1"]
    assert ALICE.value not in found.message


async def test_a_key_of_nobody_is_not_found_when_everybody_answered(world):
    assert isinstance(await look_up(world, NOBODY), CustomerNotFound)


async def test_a_key_of_nobody_is_unknown_when_somebody_did_not_answer(world):
    world["crm"].broken["search"] = SourceTimeout("crm", "slow")
    found = await look_up(world, NOBODY)
    assert isinstance(found, CustomerUnknown)
    assert [one.state for one in found.sources].count(SourceState.OK) == 3
    assert [one.source for one in found.failures] == ["crm"]


async def test_a_get_request_cannot_say_not_found(world):
    found = await look_up(world, NOBODY, read_only=True)
    assert isinstance(found, CustomerUnknown)
    assert {one.state for one in found.sources} == {SourceState.NOT_ASKED}


async def test_somebody_erased_is_told_from_nobody(world, fakes):
    world.customer("cus_gone", world.contact("crm", "h1"), erased_at=fakes.ago(days=1))
    found = await look_up(world, LookupKey(KeyKind.ID, "cus_gone"))
    assert found == CustomerErased(at=fakes.ago(days=1))


async def test_a_customer_whose_sources_fail_is_still_the_customer(world):
    world.alice()
    world.store.rows.clear()
    for name in world.systems:
        world[name].broken[Kind.CONTACT] = SourceUnavailable(name, "503")
    found = await look_up(world, ALICE)
    assert (found.id, found.display_name, found.records) == ("cus_alice", None, ())
    assert len(found.failures) == 4


# ---------------------------------------------------------------- without customer:any


async def test_without_a_proof_nothing_is_looked_up_and_nothing_is_said_of_the_key(world):
    world.alice()
    visitor = Caller(name="page")
    known, unknown = [await look_up(world, key, visitor) for key in (ALICE, NOBODY)]
    assert known == unknown == NotVerified()
    assert world.identity.calls["find"] == 0
    assert not world.called()


async def test_a_verified_key_opens_its_own_history(world):
    world.alice()
    assert (await look_up(world, ALICE, proven(ALICE))).id == "cus_alice"


async def test_an_asserted_key_opens_nothing(world):
    world.alice()
    for how in (Verification.ASSERTED, Verification.OBSERVED):
        assert isinstance(await look_up(world, ALICE, proven(ALICE, how)), NotVerified)


async def test_a_proven_key_opens_its_customers_id_and_no_other(world):
    world.alice()
    world.customer("cus_bob", world.contact("crm", "h2", emails=("bob@example.com",)))
    caller = proven(ALICE)
    assert (await look_up(world, LookupKey(KeyKind.ID, "cus_alice"), caller)).id == "cus_alice"
    for key in (LookupKey(KeyKind.ID, "cus_bob"), LookupKey(KeyKind.EMAIL, "bob@example.com")):
        assert isinstance(await look_up(world, key, caller), NotVerified)


async def test_a_proven_key_of_two_people_opens_neither_and_names_nobody(world):
    for i in range(2):
        world.customer(f"cus_{i}", world.contact("crm", str(i), emails=(ALICE.value,)))
    assert isinstance(await look_up(world, ALICE, proven(ALICE)), NotVerified)
    key = LookupKey(KeyKind.ID, "cus_0")
    assert isinstance(await look_up(world, key, proven(ALICE)), NotVerified)


async def test_a_proven_key_nobody_knows_yet_is_searched_for(world):
    world.contact("crm", "h9", kept=False, emails=(ALICE.value,))
    world["crm"].searches[ALICE] = ["h9"]
    assert (await look_up(world, ALICE, proven(ALICE))).id == "cus_new-crm-h9"


async def test_the_scope_opens_everybody(world):
    world.alice()
    caller = Caller(name="bot", scopes=frozenset({ANY_CUSTOMER}))
    assert (await look_up(world, ALICE, caller)).display_name == "A. E."
