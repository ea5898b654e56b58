"""The bodies as the OpenAPI document names them. They describe; the core renders."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads it at run time
from http import HTTPStatus
from typing import Any, Literal

from ninja import Schema

from reference_gateway.core.offer import AVAILABILITIES
from reference_gateway.core.problems import CONTENT_TYPE
from reference_gateway.core.query import SORTS


class OfferDocument(Schema):
    """One rentable machine type at one provider, region and market."""

    id: str
    provider: str
    provider_offer_id: str
    name: str
    gpu_type: str
    gpu_family: str
    gpu_count: int
    gpu_memory_gb: float
    vcpus: int
    ram_gb: float
    storage_gb: float
    price_per_hour: float
    price_per_gpu_hour: float
    spot_price: float | None
    currency: str
    market: Literal["on_demand", "spot", "community"]
    availability: Literal["available", "limited", "unavailable"]
    region: str
    provider_region: str
    country: str
    compliance_tags: list[str]
    performance: float
    score: float
    last_updated: datetime


class WarningDocument(Schema):
    """What an answer could not show as it is now."""

    code: Literal["stale", "unavailable", "timeout", "breaker-open", "no-credential", "overloaded"]
    provider: str
    detail: str
    as_of: datetime | None


class OffersDocument(Schema):
    """A list of offers."""

    items: list[OfferDocument]
    total: int
    next_cursor: str | None
    snapshot_id: str
    as_of: datetime
    warnings: list[WarningDocument]


class ProblemDocument(Schema):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    trace_id: str
    field: str | None = None


def truthful(document: dict[str, Any]) -> dict[str, Any]:
    """Correct in a copy of Ninja's document what it cannot know: errors are problems, and HEAD is GET, bodyless."""
    paths = {
        path: {"get": _problems(item["get"]), "head": _bodyless(item["get"])}
        for path, item in document["paths"].items()
    }
    return {**document, "paths": paths}


def _problems(operation: dict[str, Any]) -> dict[str, Any]:
    responses = {
        status: {**response, "content": {CONTENT_TYPE: response["content"]["application/json"]}}
        if int(status) >= HTTPStatus.BAD_REQUEST
        else response
        for status, response in operation["responses"].items()
    }
    return {**operation, "responses": responses}


def _bodyless(operation: dict[str, Any]) -> dict[str, Any]:
    responses = {
        status: {"description": response["description"]} for status, response in operation["responses"].items()
    }
    return {**operation, "operationId": f"{operation['operationId']}Head", "responses": responses}


def _parameter(name: str, about: str, schema: dict[str, Any], *, repeatable: bool = False) -> dict[str, Any]:
    shape = {"type": "array", "items": schema} if repeatable else schema
    style = {"style": "form", "explode": True} if repeatable else {}
    return {"name": name, "in": "query", "required": False, "description": about, "schema": shape, **style}


_TEXT = {"type": "string", "maxLength": 64}
_AMOUNT = {"type": "number", "minimum": 0}

LIST_PARAMETERS: list[dict[str, Any]] = [
    _parameter("gpu_type", "canonical name or family; any of", _TEXT, repeatable=True),
    _parameter("gpu", "alias of gpu_type", _TEXT, repeatable=True),
    _parameter("provider", "any of", _TEXT, repeatable=True),
    _parameter("region", "canonical region; any of", _TEXT, repeatable=True),
    _parameter("availability", "any of", {"type": "string", "enum": list(AVAILABILITIES)}, repeatable=True),
    _parameter("compliance_tag", "all of", _TEXT, repeatable=True),
    _parameter("min_price", "USD per hour of the whole offer, inclusive", _AMOUNT),
    _parameter("max_price", "USD per hour of the whole offer, inclusive", _AMOUNT),
    _parameter("min_memory_gb", "per GPU", _AMOUNT),
    _parameter("min_gpu_count", "per offer", {"type": "integer", "minimum": 0}),
    _parameter("sort", "`-` for descending", {"type": "string", "enum": list(SORTS), "default": "price"}),
]
