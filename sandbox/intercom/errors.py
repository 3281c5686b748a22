"""Intercom's error lists. Source: the Error schema and its examples."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from sandbox.vendor import Answer
from sandbox.world import Clock, utc_now


class Refused(Exception):
    """A request Intercom answers with an error list."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body)
        self.answer = answer


def error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    body = {
        "type": "error.list",
        "request_id": str(uuid.uuid4()),
        "errors": [{"code": code, "message": message}],
    }
    return Answer(status=status, body=body, headers=headers or {})


def invalid(message: str, code: str = "parameter_invalid") -> Refused:
    return Refused(error(HTTPStatus.BAD_REQUEST, code, message))


def not_found(message: str = "Resource Not Found") -> Refused:
    return Refused(error(HTTPStatus.NOT_FOUND, "not_found", message))


def conflict(existing_id: str) -> Refused:
    message = f"A contact matching those details already exists with id={existing_id}"
    return Refused(error(HTTPStatus.CONFLICT, "conflict", message))


def merged(canonical_id: str) -> Refused:
    """410 with the way to the contact this one was merged into."""
    message = "This contact has been merged. See the 'Link' header for the canonical contact."
    link = {"Link": f'</contacts/{canonical_id}>; rel="canonical"'}
    return Refused(error(HTTPStatus.GONE, "contact_merged", message, link))


@dataclass(frozen=True, slots=True)
class IntercomDialect:
    """The vendor's own refusals. `now` dates the end of a rate limit: the client's real clock."""

    now: Clock = utc_now

    def unauthorized(self) -> Answer:
        return error(HTTPStatus.UNAUTHORIZED, "unauthorized", "Access Token Invalid")

    def rate_limited(self, retry_after_s: int) -> Answer:
        """429; when to come back is `X-RateLimit-Reset`, a Unix time."""
        reset = int((self.now() + timedelta(seconds=retry_after_s)).timestamp())
        headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
        message = "You have exceeded the rate limit. Please try again later."
        return error(HTTPStatus.TOO_MANY_REQUESTS, "rate_limit_exceeded", message, headers)

    def broken(self) -> Answer:
        return error(HTTPStatus.INTERNAL_SERVER_ERROR, "server_error", "Internal Server Error")
