"""What an answer breaks of the document: its status, media type, headers, body and, of an error, its problem.

Every check is named as in `contract_tests/checks.py`. A violation says whose fault it is: the target's where its answer
contradicts the document, the judge's where the document does not know what the judge asked for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import jsonschema_rs

from gatespec.catalogue import load_catalogue
from gatespec.contract.document import Operation, load_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatespec.catalogue import Catalogue
    from gatespec.contract.document import ContractDocument, Node

Fault = Literal["target", "judge"]
BASE = "https://gatespec.invalid/spec/"
"""An address that nobody serves: references of schemas are resolved against it, never fetched."""
PROBLEM = "application/problem+json"
JSON_TYPES = ("application/json", PROBLEM)
TRACE_ID = "x-trace-id"
RIGHT_BODIES_MAX = 4096
"""Bodies that were found right and need no second look, the oldest forgotten first."""
SHOWN_MAX = 160
NOT_FOUND = 404
METHOD_NOT_ALLOWED = 405
NOT_MODIFIED = 304
ERROR_MIN = 400
SERVER_ERROR_MIN = 500
BUSY = (503, 504)
"""What may be said when the gateway is well and what stands behind it is not."""


@dataclass(frozen=True)
class Answer:
    """What came back for a method and a path, query included."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes | None = b""
    """None where it was not kept."""

    @property
    def media_type(self) -> str:
        """Without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def bodiless(self) -> bool:
        """Whether HTTP gives it no body."""
        return self.method == "HEAD" or self.status in {204, NOT_MODIFIED}


@dataclass(frozen=True)
class Violation:
    """One contradiction between an answer and the document."""

    check: str
    operation: str
    """The operation's label; where there is none, method and path."""
    status: int
    what: str
    pointer: str = ""
    """Where in the body, as a JSON pointer."""
    fault: Fault = "target"

    @property
    def key(self) -> tuple[str, ...]:
        """Two that have the same are the same news."""
        return self.fault, self.operation, str(self.status), self.check, self.pointer or self.what

    def __str__(self) -> str:
        at = f" at {self.pointer}" if self.pointer else ""
        wrong = "the target is wrong" if self.fault == "target" else "the judge is wrong"
        return f"{self.operation} -> {self.status}{at}: {self.what} ({self.check}; {wrong})"


class Examiner:
    """Holds answers against one document; what is needed for a status of an operation is prepared once."""

    def __init__(self, document: ContractDocument, catalogue: Catalogue) -> None:
        self._document = document
        self._errors = catalogue.errors
        operations = [(operation.pattern, operation) for operation in document.operations]
        self._operations = sorted(operations, key=lambda pair: pair[1].path.count("{"))
        self._registry = _registry(document)
        self._answers: dict[tuple[Operation, int], _Documented | None] = {}
        self._right: dict[tuple[str, int, str, bytes], None] = {}

    def operation(self, method: str, path: str) -> Operation | None:
        """The operation that is asked for; a HEAD is its GET."""
        wanted, plain = "GET" if method == "HEAD" else method, path.partition("?")[0]
        for pattern, operation in self._operations:
            if operation.method == wanted and pattern.fullmatch(plain):
                return operation
        return None

    def examine(self, answer: Answer) -> list[Violation]:
        """Everything that is wrong with it; nothing where it is as documented."""
        operation = self.operation(answer.method, answer.path)
        if operation is None:
            return list(self._unknown(answer))
        found = [*_always(answer, operation.label)]
        documented = self._documented(operation, answer.status)
        if documented is None:
            allowed = ", ".join(operation.statuses)
            return [*found, _wrong("status_code_conformance", answer, operation.label, f"documented are {allowed}")]
        found += documented.faults(answer)
        return found + list(self._problem(answer, operation.label))

    def _documented(self, operation: Operation, status: int) -> _Documented | None:
        key = (operation, status)
        if key not in self._answers:
            self._answers[key] = self._prepared(operation, status)
        return self._answers[key]

    def _prepared(self, operation: Operation, status: int) -> _Documented | None:
        said = operation.about["responses"].get(str(status))
        if said is None:
            return None
        node = self._document.resolved(said)
        headers = {name.lower(): self._document.resolved(each) for name, each in node.get("headers", {}).items()}
        checked = {name: (bool(each.get("required")), self._validator(each)) for name, each in headers.items()}
        bodies = {kind: self._validator(each) for kind, each in node.get("content", {}).items()}
        return _Documented(operation.label, checked, bodies, self._right)

    def _validator(self, node: Node) -> jsonschema_rs.Validator:
        schema = _absolute(node.get("schema", True))
        return jsonschema_rs.validator_for(
            schema
            if isinstance(schema, bool)
            else {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema},
            registry=self._registry,
            validate_formats=True,
        )

    def _unknown(self, answer: Answer) -> Iterator[Violation]:
        """What the document does not know: another method of a path is refused, and nothing is at another path."""
        label = f"{answer.method} {answer.path.partition('?')[0]}"
        known = any(pattern.fullmatch(answer.path.partition("?")[0]) for pattern, _ in self._operations)
        wanted = METHOD_NOT_ALLOWED if known else NOT_FOUND
        if answer.status < ERROR_MIN and not known:
            what = "the document has no such operation, and the target serves it"
            yield _wrong("status_code_conformance", answer, label, what, fault="judge")
            return
        yield from _always(answer, label)
        if answer.status == wanted:
            yield from self._problem(answer, label)
            if known and "allow" not in answer.headers:
                yield _wrong("unsupported_method", answer, label, "Allow is missing")
        elif known and answer.status < ERROR_MIN:
            yield _wrong(
                "unsupported_method", answer, label, f"a method that is not documented is not refused: {wanted}"
            )

    def _problem(self, answer: Answer, label: str) -> Iterator[Violation]:
        """Of an error: a problem whose code is one of errors.toml's, with that code's status and fields."""
        if answer.status < ERROR_MIN or answer.bodiless or answer.body is None:
            return
        body = _json(answer.body)
        if answer.media_type != PROBLEM or not isinstance(body, dict):
            yield _wrong(
                "problem_form", answer, label, f"an error is {answer.media_type or 'of no type'}, not a problem"
            )
            return
        code = body.get("code")
        row = self._errors.get(code) if isinstance(code, str) else None
        if row is None:
            yield _wrong("problem_form", answer, label, f"{_shown(code)} is no code of errors.toml", "/code")
            return
        if row.status != answer.status or body.get("status") != answer.status:
            yield _wrong("problem_form", answer, label, f"{code} has status {row.status}", "/status")
        if row.retry_after and "retry-after" not in answer.headers:
            yield _wrong("problem_form", answer, label, f"{code} comes without Retry-After")
        if row.field and not isinstance(body.get("field"), str):
            yield _wrong("problem_form", answer, label, f"{code} does not name the field at fault", "/field")
        if TRACE_ID in answer.headers and body.get("trace_id") != answer.headers[TRACE_ID]:
            yield _wrong("trace_id", answer, label, "it is not the one of X-Trace-Id", "/trace_id")


@dataclass(frozen=True)
class _Documented:
    """What the document says of one status of one operation."""

    label: str
    headers: Mapping[str, tuple[bool, jsonschema_rs.Validator]]
    bodies: Mapping[str, jsonschema_rs.Validator]
    right: dict[tuple[str, int, str, bytes], None]

    def faults(self, answer: Answer) -> list[Violation]:
        """What is wrong with its headers and its body."""
        found = [fault for name in self.headers if (fault := self._header(answer, name))]
        if answer.bodiless:
            return found
        return found + self._body(answer)

    def _header(self, answer: Answer, name: str) -> Violation | None:
        required, validator = self.headers[name]
        value = answer.headers.get(name)
        if value is None:
            missing = required and not answer.bodiless
            return _wrong("response_headers_conformance", answer, self.label, f"{name} is missing") if missing else None
        if validator.is_valid(value) or validator.is_valid(_json(value.encode())):
            return None
        return _wrong("response_headers_conformance", answer, self.label, f"{name} is {_shown(value)}")

    def _body(self, answer: Answer) -> list[Violation]:
        if not self.bodies or answer.body is None:
            return []
        validator = self.bodies.get(answer.media_type)
        if validator is None:
            what = f"it is {answer.media_type or 'of no type'}; documented are {', '.join(self.bodies)}"
            return [_wrong("content_type_conformance", answer, self.label, what)]
        seen = (self.label, answer.status, answer.media_type, answer.body)
        if answer.media_type not in JSON_TYPES or seen in self.right:
            return []
        try:
            said = json.loads(answer.body)
        except ValueError:
            return [_wrong("response_schema_conformance", answer, self.label, "the body is not JSON")]
        errors = list(validator.iter_errors(said))
        if not errors:
            self._remember(seen)
        return [
            _wrong(
                "response_schema_conformance", answer, self.label, _shown(error.message), _pointer(error.instance_path)
            )
            for error in errors
        ]

    def _remember(self, seen: tuple[str, int, str, bytes]) -> None:
        while len(self.right) >= RIGHT_BODIES_MAX:
            self.right.pop(next(iter(self.right)), None)
        self.right[seen] = None


def _always(answer: Answer, label: str) -> Iterator[Violation]:
    """What is asked of every answer."""
    if TRACE_ID not in answer.headers:
        yield _wrong("trace_id", answer, label, "X-Trace-Id is missing")
    if answer.status >= SERVER_ERROR_MIN and answer.status not in BUSY:
        yield _wrong("not_a_server_error", answer, label, "nothing that is asked may make the gateway fail")


def _wrong(  # noqa: PLR0913, PLR0917 - the parts of one sentence
    check: str, answer: Answer, label: str, what: str, pointer: str = "", fault: Fault = "target"
) -> Violation:
    return Violation(check, label, answer.status, what, pointer, fault)


def _json(text: bytes) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(text)
    except ValueError:
        return None


def _pointer(path: list[str | int]) -> str:
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)


def _shown(value: object) -> str:
    said = value if isinstance(value, str) else json.dumps(value)
    return said if len(said) <= SHOWN_MAX else f"{said[:SHOWN_MAX]}..."


def _registry(document: ContractDocument) -> jsonschema_rs.Registry:
    schemas = [
        (f"{BASE}schemas/{name}", {**schema, "$id": f"{BASE}schemas/{name}"})
        for name, schema in document.schemas.items()
    ]
    parts = document.raw.get("components", {}).get("schemas", {})
    own = {"$id": f"{BASE}openapi.yaml", "components": {"schemas": _absolute(parts)}}
    return jsonschema_rs.Registry([*schemas, (f"{BASE}openapi.yaml", own)], draft=jsonschema_rs.Draft202012)


def _absolute(node: Any) -> Any:  # noqa: ANN401 - any JSON
    """References from the document as whole addresses: what is taken out of it still finds its way."""
    if isinstance(node, list):
        return [_absolute(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {name: _addressed(value) if name == "$ref" else _absolute(value) for name, value in node.items()}


def _addressed(reference: str) -> str:
    return f"{BASE}openapi.yaml{reference}" if reference.startswith("#") else f"{BASE}{reference}"


@cache
def load_examiner() -> Examiner:
    """Of the judge's own document."""
    return Examiner(load_document(), load_catalogue())
