"""How Shopify says no in an answer with status 200.

Document: GraphQL Admin API, "Status and error codes" and rate limits. A search filter it does not
know is left out with a warning in `extensions.search`, and rows nobody asked for are served.
"""

from collections.abc import Sequence
from typing import Any

from connectors.reading import UNREADABLE
from connectors.request import Reply
from domain.errors import (
    SourceAuthError,
    SourceError,
    SourceProtocolError,
    SourceRateLimited,
    SourceUnavailable,
)


def judged(source: str, reply: Reply) -> SourceError | None:
    """What is wrong with an answer. Codes are named in messages, never the vendor's words."""
    try:
        errors: Sequence[Any] = reply.data.get("errors") or ()
        codes = [str((error.get("extensions") or {}).get("code", "")) for error in errors]
        warned = any(found.get("warnings") for found in _searches(reply.data))
    except UNREADABLE:
        return SourceProtocolError(source, "answered something that is not GraphQL")
    if codes:
        return _refusal(source, codes, reply.data)
    return SourceProtocolError(source, "left a search filter out") if warned else None


def _refusal(source: str, codes: Sequence[str], data: Any) -> SourceError:
    if "THROTTLED" in codes:
        return SourceRateLimited(source, "THROTTLED", wait_s(data))
    if "ACCESS_DENIED" in codes:
        return SourceAuthError(source, "ACCESS_DENIED")
    if "INTERNAL_SERVER_ERROR" in codes:
        return SourceUnavailable(source, "INTERNAL_SERVER_ERROR")
    named = ", ".join(sorted({code[:40] for code in codes if code.isidentifier()}))
    return SourceProtocolError(source, f"refused the query ({named or 'no code'})")


def wait_s(data: Any) -> float | None:
    """Seconds until the bucket holds what the query costs; None where the answer does not say."""
    try:
        cost = data["extensions"]["cost"]
        status = cost["throttleStatus"]
        missing = float(cost["requestedQueryCost"]) - float(status["currentlyAvailable"])
        return max(0.0, missing / float(status["restoreRate"]))
    except UNREADABLE:
        return None


def _searches(data: Any) -> Sequence[Any]:
    return (data.get("extensions") or {}).get("search") or ()
