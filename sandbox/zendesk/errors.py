"""Zendesk's error bodies: four forms, none of them in its API description.

Source: the API reference (search, pagination, incremental export) and answers seen in public.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from sandbox.vendor import Answer


class Refused(Exception):
    """A request Zendesk answers with an error body."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body)
        self.answer = answer


def error(status: int, kind: str, description: str) -> Refused:
    return Refused(Answer(status=status, body={"error": kind, "description": description}))


def not_found() -> Refused:
    return error(HTTPStatus.NOT_FOUND, "RecordNotFound", "Not found")


def invalid_attribute(name: str, rule: str, place: str) -> Refused:
    """400 for a parameter: `rule` says what it must be, `place` is the controller's name."""
    message = (
        f"You passed an invalid value for the {name} attribute. "
        f"Invalid parameter: {name} {rule} from {place}"
    )
    body = {"error": {"title": "Invalid attribute", "message": message}}
    return Refused(Answer(status=HTTPStatus.BAD_REQUEST, body=body))


def invalid_paging(code: str, title: str) -> Refused:
    body = {"errors": [{"code": code, "title": title}]}
    return Refused(Answer(status=HTTPStatus.BAD_REQUEST, body=body))


def invalid_record(details: Mapping[str, str]) -> Refused:
    """422 for a write: what is wrong with each field."""
    body = {
        "error": "RecordInvalid",
        "description": "Record validation errors",
        "details": {name: [{"description": text}] for name, text in details.items()},
    }
    return Refused(Answer(status=HTTPStatus.UNPROCESSABLE_ENTITY, body=body))


def unreadable(message: str) -> Refused:
    return error(HTTPStatus.BAD_REQUEST, "Unprocessable Content", message)


def invalid_search(description: str) -> Refused:
    text = f"Invalid search: {description}"
    return error(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", text)


class ZendeskDialect:
    def unauthorized(self) -> Answer:
        return Answer(status=HTTPStatus.UNAUTHORIZED, body={"error": "Couldn't authenticate you"})

    def rate_limited(self, retry_after_s: int) -> Answer:
        return Answer(
            status=HTTPStatus.TOO_MANY_REQUESTS,
            body={
                "error": "APIRateLimitExceeded",
                "description": "Number of allowed API requests per minute exceeded",
            },
            headers={"retry-after": str(retry_after_s)},
        )

    def broken(self) -> Answer:
        return Answer(
            status=HTTPStatus.INTERNAL_SERVER_ERROR,
            body={"error": "InternalError", "description": "Something went wrong on our side"},
        )
