"""How Request Tracker is shown who asks: an authentication token, or a login and its password.

Source: REST2, "Authentication". With a password the server works out its hash for every call.
"""

from dataclasses import dataclass

from connectors.auth import Authenticator, Basic, FixedHeader, Secrets, reveal
from connectors.reading import Options

TOKEN = "token"  # noqa: S105  # the name of a setting


@dataclass(frozen=True, slots=True)
class TokenOrPassword:
    """With the option `user` the secret is its password, else a token ("1-14-...")."""

    @property
    def secrets(self) -> tuple[str, ...]:
        return (TOKEN,)

    def open(self, source: str, secrets: Secrets, options: Options) -> Authenticator:
        if options.get("user"):
            return Basic("{user}", TOKEN).open(source, secrets, options)
        return FixedHeader("authorization", f"token {reveal(source, secrets, TOKEN)}")
