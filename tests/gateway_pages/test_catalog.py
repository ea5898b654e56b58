"""The catalogue says of what there are offers, and how many: no more than a recount finds, and no price."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import given
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from reference_gateway.core.catalog import catalog_body
from reference_gateway.core.offers import AnswerWarning
from reference_gateway.core.pages import moment_of
from tests.gateway_pages.offers_at_hand import NOW_MS, PLACES, list_of, lists, offer

if TYPE_CHECKING:
    from reference_gateway.core.pages import ProviderList

SCHEMAS = Path(__file__).parents[2] / "spec" / "schemas"
NAMES = ("lambda-2", "lambda-0", "lambda-1")


def schema(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    return read


REGISTRY: Registry[Any] = Registry().with_resources([("warning.json", Resource.from_contents(schema("warning.json")))])
CATALOG = Draft202012Validator(schema("catalog.json"), registry=REGISTRY)


def catalogue(*some: ProviderList, names: tuple[str, ...] = NAMES, warnings: tuple[AnswerWarning, ...] = ()) -> Any:  # noqa: ANN401 - JSON
    read = json.loads(catalog_body(names, moment_of(some, warnings, NOW_MS)))
    assert [error.message for error in CATALOG.iter_errors(read)] == []
    return read


@given(lists())
def test_its_totals_are_a_recount(some: tuple[ProviderList, ...]) -> None:
    read, shown = catalogue(*some), [each for listed in some for each in listed.offers]
    for member, field in (("providers", "provider"), ("regions", "region"), ("gpu_models", "gpu_type")):
        totals = {row["name"]: row["total"] for row in read[member] if row["total"]}
        assert totals == Counter(getattr(each, field) for each in shown), member
        assert [row["name"] for row in read[member]] == sorted(row["name"] for row in read[member])
    assert read["total"] == len(shown)
    assert {row["name"]: row["family"] for row in read["gpu_models"]} == {o.gpu_type: o.gpu_family for o in shown}


@given(lists())
def test_it_holds_no_price(some: tuple[ProviderList, ...]) -> None:
    text = json.dumps(catalogue(*some))
    assert "price" not in text
    assert "availability" not in text


def test_of_what_is_not_known_it_says_so() -> None:
    empty = list_of("lambda-0", (), NOW_MS - 60_000)
    read = catalogue(empty, warnings=(AnswerWarning("timeout", "lambda-1", "none in 4 s"),))
    assert read["providers"] == [
        {"name": "lambda-0", "total": 0, "as_of": "2025-11-24T15:59:00.000Z"},
        {"name": "lambda-1", "total": None, "as_of": None},
        {"name": "lambda-2", "total": None, "as_of": None},
    ]
    assert (read["as_of"], read["warnings"][0]["provider"]) == ("2025-11-24T15:59:00.000Z", "lambda-1")


def test_a_region_names_its_countries() -> None:
    some = tuple(offer("lambda-0", number, place=place) for number, place in enumerate(PLACES))
    assert catalogue(list_of("lambda-0", some))["regions"] == [
        {"name": "eu-west", "countries": ["FR", "IE"], "total": 2},
        {"name": "us-west", "countries": ["US"], "total": 1},
    ]
