"""How Tryton is shown who asks.

A session (`Authorization: Session`) is made by one log-in and lives as long as it is used (at most
`[session] max_age` of rest, 30 days in trytond.conf unless changed). A login and password with
every call (`Basic`) work without one, and cost the server the hash of the password each time.
"""

import base64
from dataclasses import dataclass

from connectors.auth import Authenticator, Basic, FixedHeader, Secrets, reveal
from connectors.reading import Options

TOKEN = "token"  # noqa: S105  # the name of a setting


@dataclass(frozen=True, slots=True)
class SessionOrPassword:
    """With the option `user` the secret is its password, else a session as `login:number:key`."""

    @property
    def secrets(self) -> tuple[str, ...]:
        return (TOKEN,)

    def open(self, source: str, secrets: Secrets, options: Options) -> Authenticator:
        if options.get("user"):
            return Basic("{user}", TOKEN).open(source, secrets, options)
        session = base64.b64encode(reveal(source, secrets, TOKEN).encode()).decode()
        return FixedHeader("authorization", f"Session {session}")
