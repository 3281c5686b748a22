"""Questions as SELECT statements with bound parameters."""

from dataclasses import dataclass
from typing import Any

import orjson

from connectors.auth import Authenticator, FixedHeader, Secrets, reveal
from connectors.mapped.asking import Ask, Wanted
from connectors.mapped.tables import Table, near
from connectors.mapped.templates import Values
from connectors.reading import Options
from connectors.request import Request
from connectors.sql.sender import PLACE, open_sender
from connectors.sql.statements import binds, problem


@dataclass(frozen=True, slots=True)
class Address:
    """The secret that is an SQLAlchemy URL. Nothing of it goes with a request."""

    secret: str = "url"  # noqa: S105  # the name of a setting

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.secret,)

    def open(self, source: str, secrets: Secrets, options: Options) -> Authenticator:
        """The header never leaves: its fingerprint tells databases apart in keys of caches."""
        return FixedHeader("authorization", reveal(source, secrets, self.secret))


class Sql:
    """`sql` of a form: one SELECT. `:ids` and `:parents` are lists, as in `IN :ids`; `:since` and
    `:until` are times in the form the database compares them.
    """

    connector = "sql"
    one_is_a_row = False

    def __init__(self) -> None:
        self.statements: dict[str, str] = {}

    def head(self, table: Table) -> dict[str, Any]:
        statements = self.statements
        return {
            "base_url": PLACE,
            "auth": Address(),
            "sender": lambda settings: open_sender(settings, statements),
        }

    def scoped(self, form: Table) -> bool:
        """A WHERE is not ignored."""
        return True

    def question(self, form: Table, wanted: Wanted) -> Ask:
        text = form.needed_text("sql")
        if text and (wrong := problem(text)):
            form.wrong("sql", wrong)
        for name in binds(text):
            known = wanted.blank.known
            plain = name.removesuffix("_unix") if name in ("since_unix", "until_unix") else name
            if plain not in known:
                there = ", ".join(f":{one}" for one in known)
                form.wrong("sql", f"no :{name} here{near(name, known)}; there are {there}")
            wanted.blank.used.add(plain)
        self.statements[wanted.name] = text
        names = frozenset(wanted.blank.used)
        path = f"/{wanted.name}"

        def ask(values: Values) -> Request:
            bound = {name: values.get(name) for name in names}
            return Request(method="POST", path=path, body=orjson.dumps(bound), empty=wanted.empty)

        return ask
