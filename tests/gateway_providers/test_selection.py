"""Selection against an oracle that reads nothing but the query string, the contract's table and the offers as shown."""

from __future__ import annotations

import json
import tomllib
from decimal import Decimal
from itertools import pairwise, product
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from reference_gateway.core.filters import parse_query, select
from reference_gateway.core.offer import Offer, offer_id
from tests.gateway_providers.listed import listed

GPUS = tomllib.loads((Path(__file__).parents[2] / "spec/gpus.toml").read_text())["gpu"]
SOME_GPUS = [gpu for gpu in GPUS if gpu["family"] in {"H100", "A100", "A10"}]
PROVIDERS = ("lambda", "lambda-07")
REGIONS = ("us-west", "us-east", "eu-north")
AVAILABILITIES = ("available", "limited", "unavailable")
TAGS = ("gdpr", "hipaa", "soc2")
PRICES = ("0.5", "1", "1.0000005", "1.0000015", "1.000002", "2", "31.84")
"""Two are halves of a millionth: shown they are equal to their neighbours, known they are not."""

Pair = tuple[str, str]


Columns = tuple[dict[str, Any], str, str, str, int, str]


def offer(number: int, columns: Columns) -> Offer:
    gpu, provider, region, availability, tags, price = columns
    count = number % 8 + 1
    return Offer(
        id=offer_id(provider, str(number), "r", "on_demand"),
        provider=provider,
        provider_offer_id=str(number),
        name="",
        gpu_type=gpu["name"],
        gpu_family=gpu["family"],
        gpu_count=count,
        gpu_memory_gb=Decimal(gpu["memory_gb"]),
        vcpus=1,
        ram_gb=Decimal(1),
        storage_gb=Decimal(1),
        price_per_hour=Decimal(price),
        spot_price=None,
        currency="USD",
        market="on_demand",
        availability=availability,
        region=region,
        provider_region="r",
        country="US",
        compliance_tags=tuple(tag for place, tag in enumerate(TAGS) if tags >> place & 1),
        performance=count * Decimal(gpu["fp16_tflops"]),
        last_updated_ms=0,
    )


def market() -> list[Offer]:
    """Every 61st of all combinations: each value, and each two of them together, stand in it many times."""
    every = product(SOME_GPUS, PROVIDERS, REGIONS, AVAILABILITIES, range(8), PRICES)
    return [offer(number, values) for number, values in enumerate(every) if number % 61 == 0]


MARKET = market()


def offers() -> st.SearchStrategy[list[Offer]]:
    return st.lists(st.sampled_from(MARKET), unique=True, max_size=8)


def pairs() -> st.SearchStrategy[list[Pair]]:
    words = {
        "gpu_type": [gpu["name"] for gpu in SOME_GPUS] + ["H100", "A100"],
        "gpu": ["A10", "H100"],
        "provider": [*PROVIDERS, "nobody"],
        "region": [*REGIONS, "sa-east"],
        "availability": AVAILABILITIES,
        "compliance_tag": TAGS,
    }
    numbers = {
        "min_price": PRICES,
        "max_price": PRICES,
        "min_memory_gb": ("0", "40", "80", "80.5"),
        "min_gpu_count": ("0", "1", "4", "9"),
        "sort": ("price", "-price", "performance", "-performance", "score", "-score"),
    }
    repeatable = [st.tuples(st.just(name), st.sampled_from(values)) for name, values in words.items()]
    single = {name: st.sampled_from(values) for name, values in numbers.items()}
    return st.builds(
        lambda several, once: [*several, *once.items()],
        st.lists(st.one_of(repeatable), max_size=4),
        st.fixed_dictionaries({}, optional=single),
    )


def gpus_meant(word: str) -> set[str]:
    """A family's members where the word is one, else the model of that name."""
    return {gpu["name"] for gpu in GPUS if gpu["family"] == word} or {word}


def satisfies(item: dict[str, Any], asked: list[Pair]) -> bool:
    """One filter after the other, on the offer as its reader sees it."""

    def values(*names: str) -> list[str]:
        return [value for name, value in asked if name in names]

    gpus = values("gpu", "gpu_type")
    if gpus and not any(item["gpu_type"] in gpus_meant(word) for word in gpus):
        return False
    for name in ("provider", "region", "availability"):
        if values(name) and item[name] not in values(name):
            return False
    return (
        all(tag in item["compliance_tags"] for tag in values("compliance_tag"))
        and all(item["price_per_hour"] >= Decimal(value) for value in values("min_price"))
        and all(item["price_per_hour"] <= Decimal(value) for value in values("max_price"))
        and all(item["gpu_memory_gb"] >= Decimal(value) for value in values("min_memory_gb"))
        and all(item["gpu_count"] >= Decimal(value) for value in values("min_gpu_count"))
    )


def in_order(items: list[dict[str, Any]], asked: list[Pair]) -> bool:
    """Each pair of neighbours, by the shown values: the key goes up or down, equal keys go by id."""
    sort = dict(asked).get("sort", "price")
    field = {"price": "price_per_hour"}.get(sort.lstrip("-"), sort.lstrip("-"))
    for one, next_ in pairwise(items):
        first, second = (next_, one) if sort.startswith("-") else (one, next_)
        if first[field] > second[field] or (first[field] == second[field] and one["id"] >= next_["id"]):
            return False
    return True


def shown(snapshot: list[Offer], asked: list[Pair]) -> list[dict[str, Any]]:
    answer = json.loads(listed(snapshot, parse_query(asked), 0), parse_float=Decimal)
    assert answer["total"] == len(answer["items"])
    items: list[dict[str, Any]] = answer["items"]
    return items


@given(pairs())
def test_every_returned_offer_satisfies_and_every_satisfying_one_is_returned(asked: list[Pair]) -> None:
    expected = {item["id"]: item for item in shown(MARKET, []) if satisfies(item, asked)}
    assert {item["id"]: item for item in shown(MARKET, asked)} == expected


@given(pairs())
def test_the_order_is_total(asked: list[Pair]) -> None:
    assert in_order(shown(MARKET, asked), asked)


@given(offers(), pairs(), st.randoms(use_true_random=False))
def test_the_answer_does_not_depend_on_the_order_of_offers_or_parameters(
    snapshot: list[Offer],
    asked: list[Pair],
    dice: Any,  # noqa: ANN401 - Hypothesis' Random
) -> None:
    shuffled, asked_otherwise = list(snapshot), list(asked)
    dice.shuffle(shuffled)
    dice.shuffle(asked_otherwise)
    first, second = parse_query(asked), parse_query(asked_otherwise)
    assert listed(snapshot, first, 7) == listed(shuffled, second, 7)
    assert first.cache_key() == second.cache_key()


@given(offers(), pairs(), pairs())
@example([], [("sort", "score")], [])
def test_questions_with_one_key_have_one_answer(snapshot: list[Offer], one: list[Pair], other: list[Pair]) -> None:
    first, second = parse_query(one), parse_query(other)
    if first.cache_key() == second.cache_key():
        assert select(snapshot, first) == select(snapshot, second)
    else:
        assert first != second


@given(offers())
def test_contradictory_bounds_are_empty(snapshot: list[Offer]) -> None:
    assert shown(snapshot, [("min_price", "2"), ("max_price", "1")]) == []


@given(offers())
def test_bounds_are_inclusive(snapshot: list[Offer]) -> None:
    for item in shown(snapshot, []):
        price = str(item["price_per_hour"])
        assert item in shown(snapshot, [("min_price", price), ("max_price", price)])
