"""Questions as HTTP requests with JSON answers."""

from typing import Any

import orjson

from connectors.mapped.asking import Ask, Wanted
from connectors.mapped.credentials import read_auth
from connectors.mapped.paging import QUERY
from connectors.mapped.tables import Table
from connectors.mapped.templates import Values
from connectors.request import Request
from domain.slots import quick

_request = quick(Request)
JSON = ("content-type", "application/json")


class Rest:
    """`path`, `query`, `body` (JSON), `headers` and `method` of a form. A POST is a read here: a
    search, a batch; it is repeated and shared like any other.
    """

    connector = "rest"
    one_is_a_row = True

    def head(self, table: Table) -> dict[str, Any]:
        return {
            "base_url": table.text("base_url"),
            "auth": read_auth(table),
            "headers": table.texts("headers"),
        }

    def scoped(self, form: Table) -> bool:
        """The resource of a parent, as in `/people/{parent}/orders`."""
        return "{parent}" in str(form.text("path"))

    def question(self, form: Table, wanted: Wanted) -> Ask:
        blank = wanted.blank
        written = form.needed_text("path")
        if written and not written.startswith("/"):
            form.wrong("path", "must start with a slash; it lies below base_url")
        path, query = blank.path(form, "path", written), blank.pairs(form, "query")
        headers = blank.pairs(form, "headers")
        body = form.raw("body")
        tree = None if body is None else blank.tree(form, "body", body)
        plain = tree is None and not form.raw("headers")
        methods = {"GET": "GET", "POST": "POST"}
        method = form.one_of("method", methods, "GET" if tree is None else "POST")

        def ask(values: Values) -> Request:
            linked = values.get(QUERY)
            asked = query(values) if linked is None else linked
            if plain:
                return _request(method=method, path=path(values), query=asked, empty=wanted.empty)
            return Request(
                method=method,
                path=path(values),
                query=asked,
                headers=headers(values) if tree is None else (JSON, *headers(values)),
                body=None if tree is None else orjson.dumps(tree(values)),
                empty=wanted.empty,
            )

        return ask
