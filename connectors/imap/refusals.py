"""What a mailbox's no means, beyond its status."""

from connectors.request import Reply
from domain.errors import SourceError, SourceProtocolError


def refused(source: str, reply: Reply) -> SourceError | None:
    if reply.status == 404:
        return SourceProtocolError(source, "one of its `folders` is not in the mailbox")
    return None
