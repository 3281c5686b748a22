"""What a caller is told: data, and errors that carry a code and nothing of our insides."""

import logging
import secrets
import traceback
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import orjson
from graphql import ExecutionResult, GraphQLError

from domain.errors import GatewayError, SourceError
from gateway.refusals import Refusal
from schema.errors import extensions

logger = logging.getLogger(__name__)

MAX_MESSAGE_CHARS: Final = 500
"""Messages of the GraphQL library quote the document."""

Answer = dict[str, Any]


class Problem(Protocol):
    """A part of an answer that a source left out without an exception to say so."""

    @property
    def path(self) -> tuple[str | int, ...]: ...

    @property
    def error(self) -> SourceError: ...


def encoded(answer: Answer) -> bytes:
    return orjson.dumps(answer)


def executed(result: ExecutionResult, problems: Iterable[Problem] = ()) -> Answer:
    """The answer to an operation that was run; without `data` where its variables were refused."""
    if not result.errors and not problems:  # all went well
        return {"data": result.data}
    report = _Report()
    errors = [report.of_graphql(error) for error in result.errors or ()]
    errors += [_entry(report.of(p.error), path=list(p.path)) for p in problems]
    answer: Answer = {} if result.data is None and _of_request(result) else {"data": result.data}
    if errors:
        answer["errors"] = errors
    return answer


def refused(refusal: Refusal) -> Answer:
    """The answer to what was not run."""
    coded = {"message": str(refusal)[:MAX_MESSAGE_CHARS], "extensions": {"code": refusal.code}}
    places = [_entry({**coded, "message": _short(e.message)}, e) for e in refusal.errors]
    return {"errors": places or [coded]}


def failed(error: BaseException) -> Answer:
    """The answer to an operation that was stopped by an error of no single field."""
    return {"data": None, "errors": [_Report().of(error)]}


def _of_request(result: ExecutionResult) -> bool:
    """Whether nothing was run: errors of fields have a path."""
    return any(error.path is None for error in result.errors or ())


class _Report:
    """The errors of one answer. An unexpected exception is logged once, however many fields it
    took down, and told as an id.
    """

    def __init__(self) -> None:
        self._ids: dict[int, str] = {}

    def of_graphql(self, error: GraphQLError) -> Answer:
        cause = _cause(error)
        if cause is not None:
            return _entry(self.of(cause), error)
        code = (error.extensions or {}).get("code", "BAD_REQUEST")
        coded = {"message": _short(error.message), "extensions": {"code": code}}
        return _entry(coded, error)

    def of(self, error: BaseException) -> Answer:
        if isinstance(error, GatewayError) and type(error) is not GatewayError:
            return {"message": str(error)[:MAX_MESSAGE_CHARS], "extensions": extensions(error)}
        known = self._ids.get(id(error))
        if known is None:
            known = self._ids[id(error)] = logged(error)
        return {
            "message": "something went wrong here; the log has more under this id",
            "extensions": {"code": GatewayError.code, "id": known},
        }


def _cause(error: GraphQLError) -> BaseException | None:
    cause: BaseException | None = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return None if isinstance(cause, GraphQLError) else cause


def _entry(
    coded: Answer, error: GraphQLError | None = None, path: Sequence[str | int] | None = None
) -> Answer:
    """An entry of `errors`, with the places the GraphQL library knows."""
    entry = dict(coded)
    if error is not None and error.locations:
        entry["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    path = path if error is None else error.path
    if path is not None:
        entry["path"] = list(path)
    return entry


def _short(message: str) -> str:
    """The first line, cut: the rest of a syntax error is the document."""
    return message.split("\n", 1)[0][:MAX_MESSAGE_CHARS]


def logged(error: BaseException) -> str:
    """Log an exception nobody expected, under a new id, which is returned. Its text is left out:
    it may quote what a customer wrote.
    """
    known = secrets.token_hex(6)
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    where = " < ".join(f"{_tail(f.filename)}:{f.lineno}:{f.name}" for f in reversed(frames))
    details: Mapping[str, object] = {
        "id": known,
        "error": f"{type(error).__module__}.{type(error).__qualname__}",
        "where": where,
    }
    logger.error("internal_error", extra={"fields": details})
    return known


def _tail(filename: str) -> str:
    return "/".join(filename.rsplit("/", 2)[-2:])
