"""Why a request is refused before anything is executed, or stopped.

    Refusal                 a GatewayError with the HTTP status of its kind
      BadRequest            not a GraphQL request, not GraphQL, or not of this graph
      TooLarge              the body, the document or its variables
      TooManyTokens | TooDeep | TooManyAliases | TooManyRootFields | TooManyDirectives
      CostExceeded | PageTooLarge | UnknownDocument
      Unauthenticated | NotAllowed | Overloaded
    DeadlineExceeded        no refusal: an operation that did not end in time

`errors` holds the GraphQL errors behind it, where there are several or they know their place.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from graphql import GraphQLError

from domain.errors import GatewayError


class Refusal(GatewayError):
    """Answered with `code` and `status`; the message is for the caller."""

    status: ClassVar[int] = 400
    headers: ClassVar[Mapping[str, str]] = {}

    def __init__(self, message: str, errors: Sequence[GraphQLError] = ()) -> None:
        super().__init__(message)
        self.errors = tuple(errors)


class BadRequest(Refusal):
    code = "BAD_REQUEST"


class MethodNotAllowed(BadRequest):
    """A mutation by GET, or another method than GET and POST."""

    status = 405


class NotAcceptable(BadRequest):
    """No media type of ours is among those the caller takes."""

    status = 406


class UnsupportedMedia(BadRequest):
    """A body that is not JSON in UTF-8."""

    status = 415


class BodyTimeout(BadRequest):
    """The body did not arrive in time."""

    status = 408


class TooLarge(Refusal):
    code = "TOO_LARGE"
    status = 413


class TooManyTokens(Refusal):
    code = "TOO_MANY_TOKENS"


class TooDeep(Refusal):
    code = "TOO_DEEP"


class TooManyAliases(Refusal):
    code = "TOO_MANY_ALIASES"


class TooManyRootFields(Refusal):
    code = "TOO_MANY_ROOT_FIELDS"


class TooManyDirectives(Refusal):
    code = "TOO_MANY_DIRECTIVES"


class UnknownDocument(Refusal):
    """A hash nobody sent the document of; callers send both next, as the message tells them."""

    code = "PERSISTED_QUERY_NOT_FOUND"


class CostExceeded(Refusal):
    code = "COST_EXCEEDED"


class PageTooLarge(Refusal):
    code = "PAGE_TOO_LARGE"


class Unauthenticated(Refusal):
    code = "UNAUTHENTICATED"
    status = 401
    headers: ClassVar[Mapping[str, str]] = {"www-authenticate": 'Bearer realm="knownas"'}


class NotAllowed(Refusal):
    """The caller is known, and may not do this."""

    code = "FORBIDDEN"
    status = 403


class Overloaded(Refusal):
    """So many were in front of it that its turn did not come in time."""

    code = "OVERLOADED"
    status = 503
    headers: ClassVar[Mapping[str, str]] = {"retry-after": "1"}


class DeadlineExceeded(GatewayError):
    """The operation was stopped at its deadline; what it had found is lost."""

    code = "DEADLINE_EXCEEDED"
