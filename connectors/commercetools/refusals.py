"""How commercetools' GraphQL says no: `errors`, each with a code, also with status 200.

Document: docs.commercetools.com/api/graphql and /api/errors. Codes are named in messages, never the
server's words: those quote what was asked.
"""

from connectors.reading import UNREADABLE
from connectors.request import Reply
from domain.errors import SourceAuthError, SourceError, SourceProtocolError, SourceUnavailable

AUTH = {"insufficient_scope", "invalid_token", "access_denied", "Unauthorized", "Forbidden"}
PASSING = {"General", "OverCapacity", "PendingOperation", "ServiceUnavailable", "BadGateway"}


def judged(source: str, reply: Reply) -> SourceError | None:
    """None for an answer that holds no error: a part of an answer is none."""
    if not isinstance(reply.data, dict) or not reply.data.get("errors"):
        return None
    codes = _codes(reply.data["errors"])
    if AUTH & codes:
        return SourceAuthError(source, "refused the credentials")
    if PASSING & codes:
        return SourceUnavailable(source, "failed over the question")
    named = ", ".join(sorted(codes)) or "no code"
    return SourceProtocolError(source, f"refused the query ({named})")


def _codes(errors: object) -> set[str]:
    found: set[str] = set()
    for error in errors if isinstance(errors, list) else ():
        try:
            code = str(error["extensions"]["code"])
        except UNREADABLE:
            continue
        if code.isidentifier():
            found.add(code[:60])
    return found
