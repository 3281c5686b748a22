"""Who sits at the desk: a bearer token is exchanged once for a cookie that no script can read.

The cookie names a session; the session holds the fingerprint of the token, so that a token taken
out of the configuration ends its sessions, and the secret that every form has to carry. They are
kept in Redis where there is one, else in the process: a restart asks everybody to sign in again.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import orjson
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from domain.ports import Cache
from gateway.auth import Doorkeeper, fingerprint
from gateway.refusals import Refusal, Unauthenticated
from resolvers.caller import Caller

PATH: Final = "/desk"
COOKIE: Final = "knownas_desk"
ENTRY_COOKIE: Final = "knownas_desk_entry"
"""Of the sign-in form, before there is a session: its value stands in the form as well."""
LIFETIME: Final = timedelta(hours=8)
ENTRY_LIFETIME: Final = timedelta(hours=1)
SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """`csrf` is what a form must carry to be believed."""

    id: str = field(repr=False)
    caller: Caller
    csrf: str = field(repr=False)


class Sessions:
    """`secure` says that browsers come by https, so that the cookie travels by nothing else."""

    def __init__(self, cache: Cache, doorkeeper: Doorkeeper, *, secure: bool) -> None:
        self._cache = cache
        self._doorkeeper = doorkeeper
        self._secure = secure

    async def open(self, request: Request, token: str | None) -> Session:
        """A new session, by a token or, where callers may be without one, by none. Raises
        Unauthenticated, also where sessions cannot be kept at present, and NotAllowed.
        """
        authorization = None if token is None else f"Bearer {token}"
        caller = self._doorkeeper.identify(authorization, request.headers.get("host"))
        opened = Session(
            id=new_secret(),
            caller=caller,
            csrf=new_secret(),
        )
        kept = orjson.dumps([None if token is None else fingerprint(token), opened.csrf])
        await self._cache.set_many({_key(opened.id): kept}, LIFETIME.total_seconds())
        if await self.find(request, opened.id) is None:
            raise Unauthenticated("sessions cannot be kept just now; try again in a while")
        return opened

    async def find(self, request: HTTPConnection, id: str | None = None) -> Session | None:
        """The session of a request, or of an id; None where there is none any more."""
        id = id or request.cookies.get(COOKIE)
        if not id:
            return None
        (found,) = await self._cache.get_many([_key(id)])
        if found is None:
            return None
        token, csrf = orjson.loads(found)
        caller = self._caller(request, token)
        return None if caller is None else Session(id=id, caller=caller, csrf=csrf)

    async def close(self, session: Session) -> None:
        await self._cache.delete_many([_key(session.id)])

    def _caller(self, request: HTTPConnection, token: str | None) -> Caller | None:
        """As it is known now: its token may be gone, or its scopes be others."""
        if token is not None:
            return self._doorkeeper.recognise(token)
        try:
            return self._doorkeeper.identify(None, request.headers.get("host"))
        except Refusal:
            return None

    # ------------------------------------------------------------ cookies

    def give(self, response: Response, session: Session) -> None:
        self._set(response, COOKIE, session.id, LIFETIME)
        self._drop(response, ENTRY_COOKIE)

    def take_back(self, response: Response) -> None:
        self._drop(response, COOKIE)

    def give_entry(self, response: Response, secret: str) -> None:
        self._set(response, ENTRY_COOKIE, secret, ENTRY_LIFETIME)

    def _set(self, response: Response, name: str, value: str, age: timedelta) -> None:
        response.set_cookie(
            name,
            value,
            max_age=round(age.total_seconds()),
            path=PATH,
            secure=self._secure,
            httponly=True,
            samesite="strict",
        )

    def _drop(self, response: Response, name: str) -> None:
        response.delete_cookie(
            name, path=PATH, secure=self._secure, httponly=True, samesite="strict"
        )


def new_secret() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def same_secret(one: str, other: str) -> bool:
    """In a time that tells nothing; an empty one is nobody's."""
    return bool(one) and hmac.compare_digest(one.encode(), other.encode())


def _key(id: str) -> str:
    """Whoever reads what is kept cannot come in with it."""
    return f"desk:{hashlib.sha256(id.encode()).hexdigest()}"
