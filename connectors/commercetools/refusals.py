"""How commercetools' GraphQL says no. Document: docs.commercetools.com/api/graphql, /api/errors."""

from typing import Final

from connectors.coded import CodedErrors

judged: Final = CodedErrors(
    auth=frozenset(
        {"insufficient_scope", "invalid_token", "access_denied", "Unauthorized", "Forbidden"}
    ),
    passing=frozenset(
        {"General", "OverCapacity", "PendingOperation", "ServiceUnavailable", "BadGateway"}
    ),
)
