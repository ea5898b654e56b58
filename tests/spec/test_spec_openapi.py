"""The OpenAPI document is valid, means what its examples show, and speaks of the same problems as errors.toml."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
import yaml
from jsonschema import Draft202012Validator
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.definitions import OPENAPI_31

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gatespec.catalogue import Catalogue

Document = dict[str, Any]
SERVED = {
    "GET /api/v2/providers",
    "GET /api/v2/providers/catalog",
    "GET /api/v2/providers/health",
    "GET /api/v2/providers/{offer_id}",
    "GET /api/v2/openapi.json",
    "GET /api/v2/providers/config/integrations",
    "POST /api/v2/providers/config/integrations",
    "DELETE /api/v2/providers/config/integrations/{provider}",
    "POST /api/v2/auth/login",
    "POST /api/v2/auth/refresh",
    "POST /api/v2/auth/logout",
    "POST /api/v2/auth/service-token",
    "GET /api/v2/auth/api-keys",
    "POST /api/v2/auth/api-keys",
    "DELETE /api/v2/auth/api-keys/{id}",
    "POST /internal/v1/cache/invalidate",
    "GET /.well-known/jwks.json",
    "GET /health",
    "GET /health/live",
    "GET /health/ready",
    "GET /metrics",
}
UNCOUNTED = "GET /api/v2/providers/health"


@pytest.fixture(scope="module")
def document(root: Path) -> Document:
    read: Document = yaml.safe_load((root / "spec" / "openapi.yaml").read_text(encoding="utf-8"))
    return read


def resolved(document: Document, node: Document) -> Document:
    """Follow a reference within the document; those to schemas are the validator's."""
    if not str(node.get("$ref", "")).startswith("#/"):
        return node
    found: Any = document
    for step in node["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return resolved(document, found)


def answers(document: Document) -> Iterator[tuple[str, int, Document]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for status, answer in operation["responses"].items():
                yield f"{method.upper()} {path}", int(status), resolved(document, answer)


def test_it_is_an_openapi_31_document(document: Document) -> None:
    assert [e.message for e in Draft202012Validator(OPENAPI_31).iter_errors(document)] == []


def test_a_tool_that_reads_it_finds_every_operation_that_is_served(root: Path) -> None:
    loaded = schemathesis.openapi.from_path(root / "spec" / "openapi.yaml")
    results = list(loaded.get_all_operations())
    assert {result.ok().label for result in results if isinstance(result, Ok)} == SERVED
    assert len(results) == len(SERVED)


def operations_of(demand: str) -> Iterator[str]:
    """As the contract writes them: `GET /a`, `POST, GET /a; DELETE /a/{id}: what for`."""
    for part in re.split(r": |, scope ", demand)[0].split("; "):
        methods, _, path = part.partition(" /")
        yield from (f"{method} /{path}" for method in methods.split(", "))


def test_every_operation_that_is_served_is_a_demand(document: Document, catalogue: Catalogue) -> None:
    demanded = {name for row in catalogue.requirements.values() for name in operations_of(row.demand)}
    assert {name for name, _, _ in answers(document)} <= demanded


def test_its_examples_are_what_it_says(document: Document, faults_in: Callable[..., list[str]]) -> None:
    seen = 0
    for name, status, answer in answers(document):
        for content in answer.get("content", {}).values():
            for example in content.get("examples", {}).values():
                schema = {**content["schema"], "components": document["components"]}
                assert faults_in(schema, example["value"]) == [], f"{name} {status}"
                seen += 1
    assert seen


def test_the_examples_of_headers_are_what_it_says(document: Document, faults_in: Callable[..., list[str]]) -> None:
    for name, header in document["components"]["headers"].items():
        assert faults_in(header["schema"], header["example"]) == [], name


def test_the_example_offer_has_the_id_that_its_fields_give(document: Document) -> None:
    listed = document["paths"]["/api/v2/providers"]["get"]["responses"]["200"]
    offer = listed["content"]["application/json"]["examples"]["one"]["value"]["items"][0]
    joined = "\n".join(offer[part] for part in ("provider", "provider_offer_id", "provider_region", "market"))
    assert offer["id"] == hashlib.sha256(joined.encode()).hexdigest()[:16]


def test_its_problems_are_those_of_the_catalogue(document: Document, catalogue: Catalogue) -> None:
    for name, status, answer in answers(document):
        for content in answer.get("content", {}).values():
            for code, example in content.get("examples", {}).items():
                if status >= 400:
                    row, body = catalogue.errors[code], example["value"]
                    shown = (body["type"], body["code"], body["status"], body["title"], "field" in body)
                    assert shown == (f"urn:gatespec:error:{code}", code, status, row.title, row.field), name
                    assert row.status == status
                    assert row.retry_after == ("Retry-After" in answer["headers"])


def test_what_counts_for_the_limit_says_so(document: Document) -> None:
    for name, status, answer in answers(document):
        counted = "/api/" in name and name != UNCOUNTED and status != 500
        assert {"RateLimit", "RateLimit-Policy"}.issubset(answer["headers"]) == counted, f"{name} {status}"
        assert "X-Trace-Id" in answer["headers"], f"{name} {status}"


def test_every_code_that_a_served_path_can_answer_has_an_example(document: Document, catalogue: Catalogue) -> None:
    problems = [answer for _, status, answer in answers(document) if status >= 400]
    contents = [content for answer in problems for content in answer["content"].values()]
    shown = {code for content in contents for code in content["examples"]}
    assert set(catalogue.errors) == shown
