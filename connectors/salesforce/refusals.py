"""How Salesforce says no: a list of errors with codes, beside a status that says little.

Document: REST API Developer Guide, "Status Codes and Error Responses". A limit that is used up is a
403, like a permission that is missing.
"""

from connectors.reading import UNREADABLE
from connectors.request import Reply
from domain.errors import SourceError, SourceProtocolError, SourceRateLimited

LIMITED = "REQUEST_LIMIT_EXCEEDED"


def refused(source: str, reply: Reply) -> SourceError | None:
    """Codes are named in messages, never the vendor's words: those repeat the query."""
    codes = _codes(reply)
    if LIMITED in codes:
        return SourceRateLimited(source, LIMITED, _wait_s(reply))
    if codes and reply.status == 400:
        return SourceProtocolError(source, f"refused the query ({', '.join(codes)})")
    return None


def _codes(reply: Reply) -> list[str]:
    try:
        found = [str(error["errorCode"]) for error in reply.data]
    except UNREADABLE:
        return []
    return sorted({code[:60] for code in found if code.isidentifier()})


def _wait_s(reply: Reply) -> float | None:
    """Salesforce names no wait; what stands between it and us may."""
    given = reply.headers.get("retry-after", "")
    return float(given) if given.isdecimal() else None
