"""HubSpot's error bodies. Source: the Error schema; wording as seen in public answers."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from http import HTTPStatus

from sandbox.vendor import Answer, Json

_AUTH_HELP = "https://developers.hubspot.com/docs/methods/auth/oauth-overview"


class Refused(Exception):
    """A request HubSpot answers with an error body."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body)
        self.answer = answer


def error(status: int, category: str, message: str, **more: Json) -> Answer:
    return Answer(
        status=status,
        body={
            "status": "error",
            "message": message,
            "correlationId": str(uuid.uuid4()),
            "category": category,
            **more,
        },
    )


def invalid(message: str, *, code: str | None = None) -> Refused:
    """400 VALIDATION_ERROR; `code` is the detail's code, such as PROPERTY_DOESNT_EXIST."""
    details: Json = {} if code is None else {"errors": [{"message": message, "code": code}]}
    return Refused(error(HTTPStatus.BAD_REQUEST, "VALIDATION_ERROR", message, **details))


def not_found(contact_id: str) -> Refused:
    return Refused(
        error(HTTPStatus.NOT_FOUND, "OBJECT_NOT_FOUND", f"Object not found. objectId: {contact_id}")
    )


def conflict(existing_id: str) -> Refused:
    message = f"Contact already exists. Existing ID: {existing_id}"
    return Refused(error(HTTPStatus.CONFLICT, "CONFLICT", message))


def missing_from_batch(ids: Iterable[str]) -> Json:
    """The one entry of `errors` in a 207 answer, naming every id that was not found."""
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": "Could not get some CONTACT objects, they may be deleted or not exist. "
        "Check that ids are valid.",
        "context": {"ids": list(ids)},
        "errors": [],
        "links": {},
    }


class HubSpotDialect:
    def unauthorized(self) -> Answer:
        return error(
            HTTPStatus.UNAUTHORIZED,
            "INVALID_AUTHENTICATION",
            "Authentication credentials not found. This API supports OAuth 2.0 authentication "
            f"and you can find more details at {_AUTH_HELP}",
        )

    def rate_limited(self, retry_after_s: int) -> Answer:
        answer = error(
            HTTPStatus.TOO_MANY_REQUESTS,
            "RATE_LIMITS",
            "You have reached your ten_secondly_rolling limit.",
            errorType="RATE_LIMIT",
            policyName="TEN_SECONDLY_ROLLING",
        )
        return Answer(
            status=answer.status, body=answer.body, headers={"retry-after": str(retry_after_s)}
        )

    def broken(self) -> Answer:
        return error(HTTPStatus.INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", "internal error")
