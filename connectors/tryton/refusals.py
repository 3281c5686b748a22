"""How Tryton says no: HTTP 200 with `error`, a list that starts with the name of what was raised.

Source: trytond.protocols.jsonrpc, trytond.exceptions. What follows the name is never repeated: it
quotes rows, or is a traceback.
"""

from connectors.request import Reply
from domain.errors import (
    SourceAuthError,
    SourceError,
    SourceProtocolError,
    SourceRateLimited,
    SourceUnavailable,
)


def judged(source: str, reply: Reply) -> SourceError | None:
    """None for an answer that holds no error."""
    if not isinstance(reply.data, dict) or not reply.data.get("error"):
        return None
    match _name(reply.data["error"]):
        case "LoginException":
            return SourceAuthError(source, "asked for other credentials")
        case "RateLimitException":
            return SourceRateLimited(source, "refused another attempt to log in", None)
        case "ConcurrencyException":
            return SourceUnavailable(source, "was changing what was asked for")
        case "UserError":
            return SourceProtocolError(source, "refused the question (UserError)")
    return SourceProtocolError(source, "failed over the question")


def _name(error: object) -> str:
    return str(error[0]) if isinstance(error, list) and error else ""
