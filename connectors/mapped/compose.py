"""From a mapping, as TOML holds it, to a `Spec` that does what any other connector does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from connectors.mapped.asking import Desk, Transport
from connectors.mapped.childforms import PARENTS
from connectors.mapped.forms import read_forms
from connectors.mapped.hooks import read_webhooks
from connectors.mapped.recipes import Recipe, recipe
from connectors.mapped.records import read_fields
from connectors.mapped.rules import Code, path_of
from connectors.mapped.tables import MappingError, Problem, Table
from connectors.mapped.values import Value
from connectors.request import ACCOUNT
from connectors.spec import Endpoint, Figure, KeyRead, Limits, Rate, Since, Spec, Via
from domain.customer import KeyKind
from domain.ids import Kind
from domain.sources import ParentBy
from domain.vocabulary import SystemKind

KINDS = {
    "contact": Kind.CONTACT,
    "order": Kind.ORDER,
    "ticket": Kind.TICKET,
    "conversation": Kind.CONVERSATION,
    "call": Kind.CALL,
    "message": Kind.MESSAGE,
}
"""In the order they are read: detours of the others go through the contacts."""
_CONCURRENCY = 8
_MAX_BYTES = 16 * 2**20


class Medium(Transport, Protocol):
    """A transport with what it has to say of a source as a whole."""

    connector: str

    def head(self, table: Table) -> dict[str, Any]:
        """Arguments of the `Spec`: at least `base_url` and `auth`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """A mapping that can be used. `recipes` explain what becomes of a row."""

    spec: Spec
    recipes: Mapping[Kind, Recipe] = field(default_factory=dict)


def compose(medium: Medium, values: Mapping[str, Any]) -> Composed:
    """Raises MappingError with everything that is wrong."""
    problems: list[Problem] = []
    table = Table(values, "", problems)
    words = {name: one for name, one in _words(table).items() if one}
    system = table.one_of("system", {kind.value: kind for kind in SystemKind}, SystemKind.CRM)
    if "system" not in table:
        table.wrong("system", f"must be one of {', '.join(SystemKind)}")
    head = medium.head(table)
    limits = _limits(table)
    endpoints, recipes = _kinds(table, medium, words)
    webhooks = read_webhooks(table)
    table.done()
    if problems:
        raise MappingError("mapping", list(dict.fromkeys(problems)))
    spec = Spec(
        connector=medium.connector,
        system=system,
        limits=limits,
        kinds=endpoints,
        webhooks=webhooks,
        **head,
    )
    return Composed(spec=spec, recipes=recipes)


def unreachable(spec: Spec, customer_key: str) -> list[Problem]:
    """Kinds whose rows are never found, since nothing asks by how the source names customers."""
    by = PARENTS.get(customer_key, ParentBy.FOREIGN)
    what = f'has no {by.value}, and customer_key is "{customer_key}"'
    return [
        (f"{kind.name.lower()}.children", what)
        for kind, endpoint in spec.kinds.items()
        if kind is not Kind.MESSAGE and endpoint.children and by not in endpoint.children
    ]


def _kinds(
    table: Table, medium: Medium, words: Mapping[str, Mapping[str, str]]
) -> tuple[dict[Kind, Endpoint], dict[Kind, Recipe]]:
    endpoints: dict[Kind, Endpoint] = {}
    recipes: dict[Kind, Recipe] = {}
    search: Mapping[KeyKind, KeyRead] = {}
    for name, kind in KINDS.items():
        own = table.table(name)
        if own is None:
            continue
        made = recipes[kind] = _recipe(kind, own, words)
        desk = _desk(kind, own, medium, made)
        forms = read_forms(own, desk, search)
        search = forms.get("search", {}) if kind is Kind.CONTACT else search
        endpoints[kind] = Endpoint(map=made.map, records=made.records, **forms)
        _check(kind, own, endpoints)
        own.done()
    if not endpoints:
        table.wrong("", f"maps nothing: there are {', '.join(KINDS)}")
    return endpoints, recipes


def _recipe(kind: Kind, own: Table, words: Mapping[str, Mapping[str, str]]) -> Recipe:
    code, fields = Code(words), own.table("fields")
    if fields is None:
        own.wrong("fields", "must be set: where the values stand in a row")
        return recipe(kind, (), Value("None"), code, None)
    return read_fields(kind, fields, code)


def _desk(kind: Kind, own: Table, medium: Medium, made: Recipe) -> Desk:
    fields = own.table("fields")
    written = fields.raw("id") if fields is not None else None
    text = written.get("path") if isinstance(written, dict) else written
    id_path = path_of(own, "fields.id", text if isinstance(text, str) else "@")
    integer = own.one_of("ids", {"text": False, "integer": True}, False)
    return Desk(kind=kind, transport=medium, id_path=id_path, owners=made.owners, integer=integer)


def _check(kind: Kind, own: Table, endpoints: Mapping[Kind, Endpoint]) -> None:
    """What only shows once a kind was read whole."""
    endpoint, fields = endpoints[kind], own.table("fields")
    if not (endpoint.get_many or endpoint.children or endpoint.search or endpoint.changed_since):
        own.wrong("", "asks nothing: there are get, children, search and changes")
    if kind is Kind.CONTACT and endpoint.get_many is None:
        own.wrong("get", "must be set: people are read by their id")
    if kind is Kind.CONTACT and endpoint.children:
        own.wrong("children", "contacts hang on nothing")
    if kind is Kind.MESSAGE and set(endpoint.children) - {ParentBy.OWN}:
        own.wrong("children", "messages are asked for by the id of what they belong to: own")
    changes = endpoint.changed_since
    dated = fields is None or "updated_at" in fields
    if isinstance(changes, Since) and changes.strict and not dated:
        own.wrong("fields.updated_at", "must be set: changes are asked for by {since}")
    detours = any(isinstance(form, Via) for form in endpoint.children.values())
    if detours and Kind.CONTACT not in endpoints:
        own.wrong("children", "via leads to contacts, and none are mapped")


def _words(table: Table) -> dict[str, dict[str, str]]:
    """`[tables.<name>]`: words of the source, and what each means here."""
    own = table.table("tables")
    return {name: own.texts(name) for name in own} if own is not None else {}


def _limits(table: Table) -> Limits:
    own = table.table("limits")
    if own is None:
        return Limits(concurrency=_figure(_CONCURRENCY, "concurrency"))
    rates: dict[str, Rate] = {}
    for name, period_s in (("per_second", 1.0), ("per_minute", 60.0), ("per_hour", 3_600.0)):
        amount = own.whole(name, 0, 0)
        if amount and rates:
            own.wrong(name, "only one rate can be kept")
        if amount:
            rates[ACCOUNT] = Rate(_figure(amount, name), period_s)
    limits = Limits(
        concurrency=_figure(own.whole("concurrency", _CONCURRENCY), "concurrency"),
        rates=rates,
        max_bytes=_figure(own.whole("max_bytes", _MAX_BYTES), "max_bytes"),
    )
    own.done()
    return limits


def _figure(value: int, key: str) -> Figure:
    return Figure(value, f"the mapping of this source: limits.{key}")
