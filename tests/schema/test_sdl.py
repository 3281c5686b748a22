"""The graph as partners see it: a snapshot, and the design it grows towards."""

import os
from pathlib import Path

import pytest
from graphql import (
    DirectiveNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    parse,
    print_ast,
)
from graphql import build_schema as from_sdl

from schema.graph import sdl

ROOT = Path(__file__).parents[2]
MISSING = 223
"""Names of the design that are not in the graph yet. It may only shrink: what works is put in."""

OF_THE_FEDERATION = {"_Any", "_Entity", "_Service"}
ENTRY_POINTS = {"_entities", "_service"}


@pytest.fixture(scope="module")
def design_text():
    shared = Path(os.environ.get("KNOWNAS_SHARED", ROOT.parent / "shared"))
    path = shared / "design" / "schema.graphql"
    if not path.exists():
        pytest.fail(f"no design at {path}; KNOWNAS_SHARED names its folder")
    return path.read_text()


@pytest.fixture(scope="module")
def design(design_text):
    return from_sdl(design_text)


@pytest.fixture(scope="module")
def ours():
    """Read back from the SDL, so that both sides are compared in one form."""
    return from_sdl(sdl(), assume_valid_sdl=True)


def own_types(graph):
    return {
        name: kind
        for name, kind in graph.type_map.items()
        if not name.startswith("__") and name not in OF_THE_FEDERATION
    }


def members(kind):
    """Everything a type says: fields, values, members of a union, with their types and defaults."""
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        said = {f"implements {one.name}": "" for one in kind.interfaces}
        for name, field in kind.fields.items():
            if name in ENTRY_POINTS:
                continue
            said[name] = str(field.type)
            said |= {f"{name}({a})": typed(argument) for a, argument in field.args.items()}
        return said
    if isinstance(kind, GraphQLInputObjectType):
        return {name: typed(field) for name, field in kind.fields.items()}
    if isinstance(kind, GraphQLEnumType):
        return dict.fromkeys(kind.values, "")
    if isinstance(kind, GraphQLUnionType):
        return {one.name: "" for one in kind.types}
    return {}


def typed(argument):
    default = argument.default
    if default is None:
        return str(argument.type)
    value = print_ast(default.literal) if default.literal else default.value
    return f"{argument.type} = {value}"


def names(graph):
    return {
        (name, member) for name, kind in own_types(graph).items() for member in ("", *members(kind))
    }


def test_the_sdl_is_the_snapshot():
    """Whoever changes the graph changes `schema/schema.graphql` with it: an API is reviewed."""
    assert (ROOT / "schema" / "schema.graphql").read_text() == sdl()


@pytest.mark.contract
def test_every_name_in_the_graph_is_the_designs_with_its_type_and_default(ours, design):
    differing = []
    for name, kind in own_types(ours).items():
        planned = design.type_map.get(name)
        if planned is None:
            differing.append(f"{name} is not in the design")
            continue
        said, wanted = members(kind), members(planned)
        differing += [
            f"{name}.{member}: {said[member]!r}, in the design {wanted.get(member)!r}"
            for member in said
            if said[member] != wanted.get(member)
        ]
        if type(kind) is not type(planned):
            differing.append(f"{name} is of another kind")
    assert differing == []


@pytest.mark.contract
def test_closed_lists_and_inputs_are_whole(ours, design):
    """A client that knows the design must be able to send and read every value of what is there."""
    for name, kind in own_types(ours).items():
        if isinstance(kind, GraphQLEnumType | GraphQLInputObjectType):
            assert set(members(kind)) == set(members(design.type_map[name])), name


def applied(text, wanted):
    """Directives of the named kinds, by place, as printed."""
    found = {}
    for definition in parse(text).definitions:
        type_name = getattr(getattr(definition, "name", None), "value", None)
        places = [(type_name, definition)]
        places += [
            (f"{type_name}.{field.name.value}", field)
            for field in getattr(definition, "fields", None) or ()
        ]
        for place, node in places:
            for directive in getattr(node, "directives", None) or ():
                if directive.name.value in wanted:
                    found[place, directive.name.value] = said(directive)
    return found


def said(directive: DirectiveNode):
    given = {one.name.value: print_ast(one.value) for one in directive.arguments or ()}
    if directive.name.value == "pii":
        given.setdefault("mask", "PARTIAL")
    return given


@pytest.mark.contract
def test_what_is_personal_and_what_is_an_entity_is_the_designs(design_text):
    wanted = {"pii", "key", "oneOf"}
    here, planned = applied(sdl(), wanted), applied(design_text, wanted)
    present = {name for name, _ in here} | {name for name, _ in names_in(sdl())}
    assert here == {place: one for place, one in planned.items() if place[0] in present}


def names_in(text):
    for definition in parse(text).definitions:
        type_name = getattr(getattr(definition, "name", None), "value", None)
        yield type_name, ""
        for field in getattr(definition, "fields", None) or ():
            yield f"{type_name}.{field.name.value}", ""


@pytest.mark.contract
def test_names_of_the_design_that_are_not_there_yet_become_fewer(ours, design):
    missing = sorted(names(design) - names(ours))
    told = [f"{name}.{member}" if member else name for name, member in missing]
    print("Not in the graph yet:", *told, sep="\n  ")  # noqa: T201  # shown by `pytest -s`
    assert len(missing) == MISSING, "put the new number into MISSING; it may only shrink"


def test_every_page_says_how_its_cost_is_counted(ours):
    sized = applied(sdl(), {"listSize"})
    for name, kind in own_types(ours).items():
        if isinstance(kind, GraphQLObjectType):
            paged = {one for one, field in kind.fields.items() if "first" in field.args}
            for field in paged:
                assert "first" in sized[f"{name}.{field}", "listSize"]["slicingArguments"]
