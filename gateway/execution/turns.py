"""Whether the places of a plan have to be gathered.

Two places that ask for the same kind of thing share a call, for which each has to wait until the
other has asked too: a turn of the event loop, a task and a loader for every level. A plan whose
resolvers are declared to ask for different things, each for its whole list, and that has each of
them in one place, has nothing to gather.
"""

from collections.abc import Iterator

from gateway.execution.shapes import Field, Selection, objects
from schema.bulk import asks_in_one_go


def asks_at_once(root: Selection) -> bool:
    steps = list(_steps(root))
    calls = [step.resolver.call for step in steps if step.resolver is not None]
    return len(set(calls)) == len(calls) and len(root.steps) == 1 and all(map(_is_whole, steps))


def _is_whole(step: Field) -> bool:
    resolver = step.resolver
    return resolver is not None and asks_in_one_go(resolver.call)


def _steps(selection: Selection) -> Iterator[Field]:
    yield from selection.steps
    for of in filter(None, (objects(field.shape) for field in selection.fields)):
        for inner in of.selections.values():
            yield from _steps(inner)
