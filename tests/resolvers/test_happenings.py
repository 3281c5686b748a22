"""Who may follow whom, and where a follower stands."""

import pytest

from domain.customer import KeyKind, LookupKey
from domain.errors import Forbidden, InputError, UnknownCustomer
from domain.vocabulary import Verification
from resolvers.caller import Caller
from resolvers.happenings import (
    Activities,
    Changes,
    Hubs,
    activity_cursor,
    activity_place,
    customer_activity,
    identity_changed,
    interaction_added,
)
from resolvers.hub import Hub


@pytest.fixture
def followed(world):
    world.alice()
    world.customer("cus_bob", world.contact("crm", "h2", emails=("bob@example.com",)))
    services = world.services()
    world.hubs = Hubs(
        activities=Hub(Activities(services.events, services.identity)),
        changes=Hub(Changes(services.decisions, services.identity)),
    )
    yield world
    assert not world.hubs.activities._listeners, "whoever was refused is not listening"


def visitor(how):
    key = LookupKey(KeyKind.EMAIL, "alice@example.com")
    return Caller(name="page", scopes=frozenset(), proven={key: how})


async def test_a_visitor_follows_who_they_have_proven_to_be_and_nobody_else(followed):
    operation = followed.operation(visitor(Verification.AUTHENTICATED))
    following = await customer_activity(operation, "cus_alice", None)
    following.feed.close()
    await followed.hubs.activities.close()
    for other in ("cus_bob", "cus_none"):
        with pytest.raises(Forbidden):
            await customer_activity(operation, other, None)
    for everybody in (
        interaction_added(operation, (), None),
        identity_changed(operation, None, None),
    ):
        with pytest.raises(Forbidden):
            await everybody


async def test_what_a_visitor_only_says_opens_nothing(followed):
    operation = followed.operation(visitor(Verification.ASSERTED))
    with pytest.raises(Forbidden):
        await customer_activity(operation, "cus_alice", None)


async def test_who_is_followed_has_to_be_somebody(followed):
    with pytest.raises(UnknownCustomer):
        await customer_activity(followed.operation(), "cus_none", None)


@pytest.mark.parametrize("cursor", ["x", "event_MQ", "activity_LTE", activity_cursor(7)])
async def test_a_cursor_of_another_log_or_of_what_is_to_come_is_refused(followed, cursor):
    with pytest.raises(InputError):
        await customer_activity(followed.operation(), "cus_alice", cursor)


def test_a_cursor_comes_back_as_it_went_out():
    assert activity_place(activity_cursor(2**40)) == 2**40
