"""The landing page at `/`: what this is, and GraphiQL with a query that is ready to run.

Everything comes from this server: the policy forbids any other, and inline scripts with it.
"""

import html
import json
from collections.abc import Mapping
from importlib import resources
from os import PathLike, stat_result
from pathlib import Path
from string import Template
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

CONSOLE: Final = Path(str(resources.files("gateway"))) / "console"
DIST: Final = CONSOLE / "dist"

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # the editor writes its theme as a style element
        "font-src 'self' data:",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

READY_QUERY: Final = """\
# One person, from every system that knows them.
query OneCustomer {
  customer(by: { email: "%(email)s" }) {
    id
    displayName
    primaryEmail
    primaryPhone
    completeness
    sources { system { name kind } state }
    identifiers { kind value }
    orders(first: 5) {
      nodes { number status channel occurredAt }
    }
    tickets(first: 5) {
      nodes { number subject status channel }
    }
    conversations(first: 5) {
      nodes { channel state lastMessage { body } }
    }
  }
}
"""


def ready_query(email: str) -> str:
    return READY_QUERY % {"email": email}


def routes(query: str, with_console: bool) -> list[BaseRoute]:
    """`/` and what it loads."""
    page = _page(query, with_console and (DIST / "console.js").is_file(), with_console)

    async def landing(_request: Request) -> Response:
        return HTMLResponse(page, headers=_HEADERS)

    found: list[BaseRoute] = [Route("/", landing, methods=["GET"])]
    if with_console:
        found.append(Mount("/console", _Assets(directory=DIST, check_dir=False)))
    return found


_HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": POLICY,
    "cache-control": "no-cache",
}


class _Assets(StaticFiles):
    """Files with a hash in their name never change; the others are asked for again."""

    def file_response(
        self,
        full_path: str | PathLike[str],
        stat_result: stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        hashed = Path(full_path).stem.startswith(("part-", "asset-"))
        forever = "public, max-age=31536000, immutable"
        response.headers["cache-control"] = forever if hashed else "no-cache"
        return response


def _page(query: str, is_built: bool, with_console: bool) -> str:
    template = Template((CONSOLE / "index.html").read_text(encoding="utf-8"))
    if is_built:
        return template.substitute(head=_HEAD, body=_with_graphiql(query))
    why = "it is not built here (make setup)" if with_console else "introspection is off"
    shown = f"<p>GraphiQL is not served: {why}. A query to start with, for POST /graphql:</p>"
    return template.substitute(head="", body=f"{shown}<pre>{html.escape(query)}</pre>")


_HEAD: Final = (
    '<link rel="stylesheet" href="console/console.css">'
    '<script type="module" src="console/console.js"></script>'
)


def _with_graphiql(query: str) -> str:
    settings = json.dumps({"endpoint": "graphql", "query": query}).replace("<", "\\u003c")
    return (
        '<main id="console"></main>'
        f'<script type="application/json" id="settings">{settings}</script>'
    )
