"""In which media type an answer goes out (GraphQL over HTTP, "Accept" and "Body")."""

from enum import StrEnum
from typing import Final

from gateway.refusals import NotAcceptable

EVENTS: Final = "text/event-stream"


class Media(StrEnum):
    """The types a GraphQL answer may have, dearest first."""

    GRAPHQL = "application/graphql-response+json"
    JSON = "application/json"

    @property
    def header(self) -> str:
        return f"{self.value}; charset=utf-8"


def wants_events(accept: str | None) -> bool:
    """Whether a stream of events is asked for by its name; `*/*` does not mean it."""
    if accept is None or EVENTS not in accept.lower():
        return False
    named = (part.partition(";")[0].strip().lower() for part in accept.split(","))
    return EVENTS in named


MAX_REMEMBERED: Final = 128
MAX_REMEMBERED_CHARS: Final = 200

_remembered: dict[str | None, Media] = {None: Media.GRAPHQL}


def negotiated(accept: str | None) -> Media:
    """The media type the caller takes with the highest weight; ours wins a tie, and a caller that
    names none gets it. Raises NotAcceptable.
    """
    known = _remembered.get(accept)
    if known is not None or accept is None:
        return known or Media.GRAPHQL
    found = _weighed(accept)
    if len(_remembered) < MAX_REMEMBERED and len(accept) <= MAX_REMEMBERED_CHARS:
        _remembered[accept] = found
    return found


def _weighed(accept: str) -> Media:
    if not accept.strip():
        return Media.GRAPHQL
    weights = {media: _weight(media, accept) for media in Media}
    best = max(Media, key=lambda media: weights[media])
    if weights[best] <= 0:
        raise NotAcceptable(f"answers are {Media.GRAPHQL} or {Media.JSON}")
    return best


def _weight(media: Media, accept: str) -> float:
    """The q of the most specific range that covers the type (RFC 9110, 12.5.1)."""
    found = (-1, 0.0)
    for part in accept.split(","):
        named, *parameters = (piece.strip().lower() for piece in part.split(";"))
        closeness = {media.value: 2, "application/*": 1, "*/*": 0}.get(named, -1)
        if closeness > found[0]:
            found = (closeness, _quality(parameters))
    return found[1]


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return min(max(float(parameter[2:]), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
