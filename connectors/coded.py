"""How GraphQL servers with codes say no: HTTP 200 with `errors`, each with a code. Codes are named
in messages, never the server's words: those quote what was asked.
"""

from collections.abc import Set
from dataclasses import dataclass

from connectors.reading import UNREADABLE
from connectors.request import Reply
from domain.errors import SourceAuthError, SourceError, SourceProtocolError, SourceUnavailable


@dataclass(frozen=True, slots=True)
class CodedErrors:
    """A judge of answers by the codes of one server: those that refuse the credentials, and those
    that say it is itself in trouble.
    """

    auth: Set[str]
    passing: Set[str]

    def __call__(self, source: str, reply: Reply) -> SourceError | None:
        """None for an answer that holds no error: a part of an answer is none."""
        if not isinstance(reply.data, dict) or not reply.data.get("errors"):
            return None
        codes = _codes(reply.data["errors"])
        if self.auth & codes:
            return SourceAuthError(source, "refused the credentials")
        if self.passing & codes:
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
