"""How Vendure says no. Source: @vendure/core, common/error."""

from typing import Final

from connectors.coded import CodedErrors

judged: Final = CodedErrors(
    auth=frozenset({"FORBIDDEN", "UNAUTHORIZED"}), passing=frozenset({"INTERNAL_SERVER_ERROR"})
)
