"""What a form of ours sent, within limits and with the proof that it was ours."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request

from gateway.desk.sessions import same_secret
from gateway.refusals import BadRequest, BodyTimeout, NotAllowed, TooLarge, UnsupportedMedia

MAX_BYTES: Final = 100_000
MAX_FIELDS: Final = 500
TIMEOUT_S: Final = 10.0
KIND: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Form:
    fields: Mapping[str, Sequence[str]]

    def one(self, name: str) -> str:
        """The first value of that name, trimmed; empty where there is none."""
        return next(iter(self.fields.get(name, ())), "").strip()

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(self.fields.get(name, ()))


async def read(request: Request, secret: str) -> Form:
    """Raises a Refusal, NotAllowed where the form does not carry the secret it was given."""
    if request.headers.get("sec-fetch-site") not in {None, "same-origin"}:
        raise NotAllowed("the form was sent from another place")
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != KIND:
        raise UnsupportedMedia(f"a form has the content type {KIND}")
    text = (await _body(request)).decode("utf-8", "replace")
    try:
        form = Form(parse_qs(text, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError:
        raise TooLarge(f"a form has at most {MAX_FIELDS} fields") from None
    if not same_secret(secret, form.one("csrf")):
        raise NotAllowed("this form is out of date: open the page again")
    return form


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            async for piece in request.stream():
                body += piece
                if len(body) > MAX_BYTES:
                    raise TooLarge(f"a form is at most {MAX_BYTES} bytes")
    except TimeoutError:
        raise BodyTimeout("the form did not arrive in time") from None
    except ClientDisconnect:
        raise BadRequest("the form was cut off") from None
    return bytes(body)
