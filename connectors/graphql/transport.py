"""Questions as GraphQL queries, sent by POST to one address."""

from typing import Any

from graphql import (
    GraphQLError,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    parse,
)

from connectors.mapped.asking import Ask, Wanted
from connectors.mapped.credentials import read_auth
from connectors.mapped.paging import QUERY
from connectors.mapped.tables import Table, near
from connectors.mapped.templates import Values
from connectors.request import Reply, Request, graphql
from domain.errors import (
    SourceAuthError,
    SourceError,
    SourceProtocolError,
    SourceRateLimited,
)

_AUTH = {"UNAUTHENTICATED", "UNAUTHORIZED", "FORBIDDEN", "ACCESS_DENIED"}
_BUSY = {"THROTTLED", "RATE_LIMITED", "RATELIMITED", "TOO_MANY_REQUESTS"}


class GraphQL:
    """`query` and `variables` of a form; `path` of the mapping is the place below base_url.

    A query is parsed when the mapping is read: one operation, a query and nothing that writes, its
    variables the ones that are given.
    """

    connector = "graphql"
    one_is_a_row = True

    def __init__(self) -> None:
        self._path = "/graphql"

    def head(self, table: Table) -> dict[str, Any]:
        self._path = table.text("path", "/graphql")
        if not self._path.startswith("/"):
            table.wrong("path", "must start with a slash; it lies below base_url")
        return {
            "base_url": table.text("base_url"),
            "auth": read_auth(table),
            "headers": table.texts("headers"),
            "judge": judge,
        }

    def scoped(self, form: Table) -> bool:
        """An argument may be ignored by whoever wrote the server."""
        return False

    def question(self, form: Table, wanted: Wanted) -> Ask:
        text = form.needed_text("query")
        variables = form.raw("variables") or {}
        if not isinstance(variables, dict):
            form.wrong("variables", "must be a table")
            variables = {}
        if text:
            _check(form, text, list(variables))
        tree, path = wanted.blank.tree(form, "variables", variables), self._path

        def ask(values: Values) -> Request:
            if QUERY in values:
                raise AssertionError("a page by link has no place in GraphQL")
            return graphql(path, text, tree(values))

        return ask


def judge(source: str, reply: Reply) -> SourceError | None:
    """Errors beside or in place of data (GraphQL specification, section 7.1.2): an answer of which
    a part is missing is not an answer. What kind of no it is, the code says where there is one.
    """
    errors = reply.data.get("errors") if isinstance(reply.data, dict) else None
    if not errors:
        return None
    codes = {_code(error) for error in errors} if isinstance(errors, list) else set()
    if codes & _AUTH:
        return SourceAuthError(source, "answered that it does not know or allow us")
    if codes & _BUSY:
        return SourceRateLimited(source, "answered that it is asked too often")
    return SourceProtocolError(source, "answered with errors")


def _code(error: object) -> str:
    extensions = error.get("extensions") if isinstance(error, dict) else None
    code = extensions.get("code") if isinstance(extensions, dict) else None
    return str(code).upper()


def _check(form: Table, text: str, given: list[str]) -> None:
    try:
        document = parse(text)
    except GraphQLError as error:
        line = f" (line {error.locations[0].line})" if error.locations else ""
        form.wrong("query", f"{error.message}{line}")
        return
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    if len(operations) != 1 or operations[0].operation is not OperationType.QUERY:
        form.wrong("query", "must be one operation, and a query: sources are only read")
        return
    declared = {one.variable.name.value: one for one in operations[0].variable_definitions or ()}
    for name in given:
        if name not in declared:
            form.wrong(f"variables.{name}", f"the query has no ${name}{near(name, declared)}")
    for name, one in declared.items():
        if isinstance(one.type, NonNullTypeNode) and not one.default_value and name not in given:
            form.wrong(f"variables.{name}", "must be set: the query needs it")
