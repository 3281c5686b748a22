"""The one error tree.

    GatewayError                     root; nothing is raised outside this tree
      ConfigError                    refused at start, says key, place, allowed values
      InputError                     a file, argument or cursor handed to us; says the place
        PageTooLarge                 more at once than one request may ask for
      SourceError(source)            SourceUnavailable | SourceTimeout | CircuitOpen |
                                     SourceRateLimited(retry_after_s) | SourceAuthError |
                                     SourceProtocolError | NotSupported
      IdentityError                  UnknownCustomer | ClusterConflict | StaleVersion
      WebhookRejected                BadSignature | TooOld
      StoreError                     the state store or the cache did not do what it was asked
      InboxFull(retry_after_s)       too much waits to be applied: nothing of it was taken
      Forbidden
      CapabilityDisabled             a stage of the product that is off

Each has a stable `code`, which the graph shows in `extensions`. Messages hold ids and names of
sources, never personal data, an address, a header or a body.
"""

from typing import ClassVar

from domain.vocabulary import SourceState


class GatewayError(Exception):
    """Root of everything this product raises."""

    code: ClassVar[str] = "INTERNAL"


class ConfigError(GatewayError):
    """The configuration cannot be used; the message says the key, its place and what is allowed."""

    code = "BAD_REQUEST"


class InputError(GatewayError):
    """Input that a caller can mend; the message says the place."""

    code = "BAD_REQUEST"


class PageTooLarge(InputError):
    """More at once than one request may ask for."""

    code = "PAGE_TOO_LARGE"


class SourceError(GatewayError):
    """A source did not answer as its contract says."""

    code = "SOURCE_UNAVAILABLE"
    state: ClassVar[SourceState] = SourceState.UNAVAILABLE

    def __init__(self, source: str, message: str) -> None:
        super().__init__(f"{source}: {message}")
        self.source = source


class SourceUnavailable(SourceError):
    """Refused, reset, or a 5xx."""


class CircuitOpen(SourceUnavailable):
    """Not asked: it failed so often that it is left alone for a while."""

    state = SourceState.CIRCUIT_OPEN


class SourceTimeout(SourceError):
    """No complete answer before the deadline."""

    code = "SOURCE_TIMEOUT"
    state = SourceState.TIMEOUT


class SourceRateLimited(SourceError):
    """The source, or our own limit for it, says wait. `retry_after_s` is None where nobody said how
    long.
    """

    code = "SOURCE_RATE_LIMITED"
    state = SourceState.RATE_LIMITED

    def __init__(self, source: str, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(source, message)
        self.retry_after_s = retry_after_s


class SourceAuthError(SourceError):
    """Our credentials were refused."""

    code = "SOURCE_UNAUTHORIZED"
    state = SourceState.UNAUTHORIZED


class SourceProtocolError(SourceError):
    """An answer its own description does not allow: broken JSON, a missing id, an endless cursor,
    too large.
    """

    code = "SOURCE_PROTOCOL_ERROR"
    state = SourceState.PROTOCOL_ERROR


class NotSupported(SourceError):
    """The source has no such capability."""

    code = "SOURCE_NOT_SUPPORTED"
    state = SourceState.NOT_SUPPORTED


class IdentityError(GatewayError):
    """A decision about who is who cannot be carried out."""

    code = "BAD_REQUEST"


class UnknownCustomer(IdentityError):
    """No customer has, or ever had, this id."""


class ClusterConflict(IdentityError):
    """A standing decision, or a rule of a source, forbids the change."""


class StaleVersion(IdentityError):
    """The customer changed since the caller read it."""


class WebhookRejected(GatewayError):
    """A delivery that is not to be believed."""

    code = "UNAUTHENTICATED"


class BadSignature(WebhookRejected):
    """Not signed with a secret we know."""


class TooOld(WebhookRejected):
    """Signed, but outside the time window."""


class StoreError(GatewayError):
    """The state store or the cache did not do what it was asked."""


class InboxFull(GatewayError):
    """Too much waits to be applied: what was handed in was not taken, and may come again."""

    code = "RATE_LIMITED"

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Forbidden(GatewayError):
    """The caller's scopes do not allow it."""

    code = "FORBIDDEN"


class CapabilityDisabled(GatewayError):
    """A stage of the product that is off in this deployment."""

    code = "CAPABILITY_DISABLED"
