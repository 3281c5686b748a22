import pytest

from domain.errors import InputError, PageTooLarge
from resolvers.search import search


async def test_people_are_shown_in_the_order_found_and_once(world):
    world.alice()
    world.customer("cus_bob", world.contact("crm", "h2"))
    world.identity.words["a"] = ["cus_bob", "cus_alice", "cus_bob"]
    found = await search(world.operation(), "a", 10)
    assert [one.id for one in found] == ["cus_bob", "cus_alice"]


async def test_who_was_erased_is_not_found(world, fakes):
    world.customer("cus_gone", world.contact("crm", "h1"), erased_at=fakes.NOW)
    world.identity.words["a"] = ["cus_gone"]
    assert await search(world.operation(), "a", 10) == []


@pytest.mark.parametrize(
    ("text", "first", "error"), [(" ", 10, InputError), ("a", 101, PageTooLarge)]
)
async def test_bad_input_is_refused(world, text, first, error):
    with pytest.raises(error):
        await search(world.operation(), text, first)
