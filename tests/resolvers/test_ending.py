"""What an operation leaves behind when it has ended."""

import gc
import weakref

from domain.customer import KeyKind, LookupKey
from domain.provenance import Freshness


async def test_an_operation_of_a_plan_is_gone_when_it_ends_and_waits_for_no_collector(world):
    operation = world.operation()
    operation.loaders.at_once = True
    await operation.loaders.lookups([LookupKey(KeyKind.EMAIL, "alice@example.com")], Freshness())
    await operation.finish()
    left = weakref.ref(operation)
    gc.disable()
    try:
        del operation
        assert left() is None
    finally:
        gc.enable()
