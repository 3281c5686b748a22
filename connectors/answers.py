"""From bytes to a reply, or to the error a status stands for."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import orjson

from connectors.request import Reply, Request
from connectors.sender import Incoming
from domain.errors import (
    SourceAuthError,
    SourceError,
    SourceProtocolError,
    SourceRateLimited,
    SourceUnavailable,
)
from domain.slots import quick

_reply = quick(Reply)
WaitHeader = Callable[[Mapping[str, str]], float | None]


def decoded(source: str, incoming: Incoming) -> Reply:
    """The reply. Raises SourceUnavailable for 408 and 5xx, SourceProtocolError for a success that
    is not the JSON it has to be. Of other statuses, data is what could be read.
    """
    status = incoming.status
    if (status == 408 or status >= 500) and "retry-after" not in incoming.headers:
        raise SourceUnavailable(source, f"answered {status}")
    data = None
    if incoming.body:
        data = _json(source, incoming) if 200 <= status < 300 else _told(incoming)
    return _reply(status=status, headers=incoming.headers, data=data)


def _json(source: str, incoming: Incoming) -> object:
    content_type = incoming.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not content_type.endswith("json"):
        raise SourceProtocolError(source, "answered something that is not JSON")
    try:
        return orjson.loads(incoming.body)
    except orjson.JSONDecodeError:
        raise SourceProtocolError(source, "answered broken JSON") from None


def _told(incoming: Incoming) -> object:
    """What a refusal says of itself, where that is JSON."""
    try:
        return orjson.loads(incoming.body)
    except orjson.JSONDecodeError:
        return None


def refusal(
    source: str, request: Request, reply: Reply, now: datetime, wait_header: WaitHeader | None
) -> SourceError | None:
    """What a status outside 2xx means; None for those the request counts as "no such row"."""
    status = reply.status
    if 200 <= status < 300 or status in request.empty:
        return None
    if status in (401, 403):
        return SourceAuthError(source, f"answered {status}")
    if status == 429 or status >= 500:
        wait_s = retry_after_s(reply.headers, now, wait_header)
        return SourceRateLimited(source, f"answered {status}", wait_s)
    if 300 <= status < 400:
        return SourceProtocolError(source, f"answered {status}; redirects are not followed")
    return SourceProtocolError(source, f"refused the request with {status}")


def retry_after_s(
    headers: Mapping[str, str], now: datetime, wait_header: WaitHeader | None = None
) -> float | None:
    """Seconds to wait: Retry-After (seconds or an HTTP date), else the vendor's own headers."""
    value = headers.get("retry-after", "").strip()
    try:
        if value.isascii() and value.replace(".", "", 1).isdigit():
            return float(value)
        if value:
            moment = parsedate_to_datetime(value)
            return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())
        return wait_header(headers) if wait_header else None
    except ValueError:
        return None
