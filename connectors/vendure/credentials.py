"""How Vendure is shown who asks: the token of a session, or an API key.

Source: AuthOptions of the configuration (`tokenMethod`, `apiKeyHeaderKey`), @vendure/core 3.7.
"""

from dataclasses import dataclass

from connectors.auth import Authenticator, Bearer, Header, Secrets
from connectors.reading import Options

TOKEN = "token"  # noqa: S105  # the name of a setting


@dataclass(frozen=True, slots=True)
class SessionOrKey:
    """With the option `api_key_header` the secret is an API key for that header, else the session
    token a log-in gave.
    """

    @property
    def secrets(self) -> tuple[str, ...]:
        return (TOKEN,)

    def open(self, source: str, secrets: Secrets, options: Options) -> Authenticator:
        name = options.get("api_key_header")
        if isinstance(name, str) and name:
            return Header(name, TOKEN).open(source, secrets, options)
        return Bearer(TOKEN).open(source, secrets, options)
