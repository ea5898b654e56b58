"""Money, scores and the answer's body."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_gateway.core.filters import Query
from reference_gateway.core.offer import Offer, as_json, json_text, money, offer_id, timestamp
from reference_gateway.core.offers import AnswerWarning, merge
from reference_gateway.core.pages import ProviderList, moment_of, snapshot_id, version_of
from reference_gateway.core.ranking import scores_of
from tests.gateway_providers.listed import listed, listing

OFFER = Offer(
    id="a5d64f2de679a88a",
    provider="lambda",
    provider_offer_id="gpu_1x_a10",
    name='1x "A10" \N{EURO SIGN}',
    gpu_type="A10",
    gpu_family="A10",
    gpu_count=3,
    gpu_memory_gb=Decimal(24),
    vcpus=29,
    ram_gb=Decimal("201.50"),
    storage_gb=Decimal(1397),
    price_per_hour=Decimal("10.00"),
    spot_price=Decimal("0.1"),
    currency="USD",
    market="on_demand",
    availability="available",
    region="us-west",
    provider_region="us-west-1",
    country="US",
    compliance_tags=("gdpr",),
    performance=Decimal("464.4"),
    last_updated_ms=1_764_000_000_123,
)


def offer(name: str, price: str, performance: str, *, updated_ms: int = 0) -> Offer:
    return replace(
        OFFER, id=name, price_per_hour=Decimal(price), performance=Decimal(performance), last_updated_ms=updated_ms
    )


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("2.0003125", "2.000312"),
        ("2.0009375", "2.000938"),
        ("0.0000005", "0"),
        ("0.0000015", "0.000002"),
        ("0.00000050000000000000000000000000000000001", "0.000001"),
        ("31.84", "31.84"),
        ("10.00", "10"),
        ("1E+3", "1000"),
        ("123456789012345678.0000005", "123456789012345678"),
        ("123456789012345678901234567890.0000015", "123456789012345678901234567890.000002"),
    ],
)
def test_money_is_rounded_half_even_to_millionths(amount: str, shown: str) -> None:
    assert json_text(money(Decimal(amount))) == shown


def test_a_float_would_not_do() -> None:
    """As a float 1.0000015 lies below the tie that it is, and 9007199254740993 is another number."""
    assert json_text(money(Decimal("1.0000015"))) == "1.000002"
    assert json_text(money(Fraction(20_000_030_000_000_000, 10**16))) == "2.000003"
    assert json_text(money(Fraction(3 * 10**30 + 1, 3))) == "1" + "0" * 30 + ".333333"
    assert json_text(Decimal(9007199254740993)) == "9007199254740993"


@given(st.integers(1, 10**12), st.integers(1, 10**6))
def test_a_shared_price_is_rounded_once(cents: int, gpus: int) -> None:
    """The nearest millionth of the exact quotient; of two equally near ones the even."""
    exact = Fraction(cents, 100 * gpus)
    millionths = int(money(exact) * 10**6)
    off = abs(exact * 10**6 - millionths)
    assert off <= Fraction(1, 2)
    assert off < Fraction(1, 2) or millionths % 2 == 0


def test_an_offer_is_shown_field_by_field() -> None:
    assert json_text(as_json(OFFER)) == (
        '{"id":"a5d64f2de679a88a","provider":"lambda","provider_offer_id":"gpu_1x_a10",'
        '"name":"1x \\"A10\\" \N{EURO SIGN}",'
        '"gpu_type":"A10","gpu_family":"A10","gpu_count":3,"gpu_memory_gb":24,"vcpus":29,"ram_gb":201.5,"storage_gb":1397,'
        '"price_per_hour":10,"price_per_gpu_hour":3.333333,"spot_price":0.1,"currency":"USD","market":"on_demand",'
        '"availability":"available","region":"us-west","provider_region":"us-west-1","country":"US",'
        '"compliance_tags":["gdpr"],"performance":464.4,"last_updated":"2025-11-24T16:00:00.123Z"}'
    )


def test_an_id_is_that_of_the_contract() -> None:
    assert offer_id("lambda", "gpu_1x_a10", "us-west-1", "on_demand") == "a5d64f2de679a88a"


def test_a_moment_is_utc_to_the_millisecond() -> None:
    assert timestamp(0) == "1970-01-01T00:00:00.000Z"


def test_the_list_has_every_member() -> None:
    warning = AnswerWarning("stale", "lambda-07", "no answer for 90 s", 1000)
    answer = json.loads(listed([OFFER], Query(), 2000, [warning, AnswerWarning("timeout", "vast", "none in 4 s")]))
    assert list(answer) == ["items", "total", "next_cursor", "snapshot_id", "as_of", "warnings"]
    assert answer["total"] == 1
    assert answer["next_cursor"] is None
    assert answer["as_of"] == "1970-01-01T00:00:02.000Z"
    assert answer["warnings"] == [
        {"code": "stale", "provider": "lambda-07", "detail": "no answer for 90 s", "as_of": "1970-01-01T00:00:01.000Z"},
        {"code": "timeout", "provider": "vast", "detail": "none in 4 s", "as_of": None},
    ]
    assert set(answer["items"][0]) == {*as_json(OFFER), "score"}


def test_an_empty_list_is_a_list() -> None:
    answer = json.loads(listed([], Query(), 0))
    assert (answer["items"], answer["total"]) == ([], 0)


def test_of_one_id_the_newest_wins_and_of_equally_new_ones_the_later() -> None:
    new, old, same = (offer("a", price, "1", updated_ms=ms) for price, ms in (("2", 5), ("1", 4), ("3", 5)))
    assert merge([new, old]) == [new]
    assert merge([old, new, old]) == [new]
    assert merge([new, same]) == [same]
    assert json.loads(listed([old, new], Query(), 0))["total"] == 1


def test_a_list_is_named_by_what_it_holds() -> None:
    one, two = offer("a", "1", "1"), offer("b", "2", "1")
    gone = replace(one, availability="unavailable")
    names = {
        version_of(0, [one, two]),
        version_of(0, [two, one]),
        version_of(1, [one, two]),
        version_of(0, [one]),
        version_of(0, [one, offer("b", "3", "1")]),
        version_of(0, [gone, two]),
        version_of(0, [one, offer("b", "2", "1", updated_ms=1)]),
    }
    assert len(names) == 6


def test_a_snapshot_is_named_by_its_lists_and_by_what_is_said_of_them() -> None:
    first, second = listing([offer("a", "1", "1")], 5, "lambda"), listing([offer("b", "1", "1")], 7, "vast")
    stale, gone = AnswerWarning("stale", "lambda", "x", 5), AnswerWarning("timeout", "vast", "x")
    moments = [
        moment_of([first, second], [], 9),
        moment_of([second, first], [], 10),
        moment_of([first], [], 9),
        moment_of([first], [gone], 9),
        moment_of([first, second], [stale], 9),
        moment_of([ProviderList("lambda", "other", 5, first.offers), second], [], 9),
        moment_of([], [], 9),
        moment_of([], [], 10),
    ]
    assert [moment.as_of_ms for moment in moments] == [5, 5, 5, 5, 5, 5, 9, 10]
    names = [snapshot_id(moment) for moment in moments]
    assert (names[0] == names[1], len(set(names))) == (True, 7)


def test_scores_are_those_of_the_worked_example() -> None:
    """Prices 3, 4, 12 (norm 13) and TFLOPS 100, 200, 200 (norm 300), each column halved:

    a (1.5/13, 1/6), b (2/13, 1/3), c (6/13, 1/3); best (1.5/13, 1/3), worst (6/13, 1/6).
    a: to best 1/6, to worst 4.5/13; c: to best 4.5/13, to worst 1/6.
    b: to best 0.5/13, to worst sqrt((4/13)^2 + (1/6)^2).
    """
    three = [offer("a", "3", "100"), offer("b", "4", "200"), offer("c", "12", "200")]
    assert scores_of(three) == {"a": Decimal("0.675000"), "b": Decimal("0.900973"), "c": Decimal("0.325000")}


@pytest.mark.parametrize(
    "alike",
    [[("1", "1")], [("1", "1")] * 3, [("1", "0")] * 2, [("0", "0")] * 2],
    ids=["one", "all alike", "no performance", "nothing at all"],
)
def test_where_nothing_tells_offers_apart_each_is_the_best(alike: list[tuple[str, str]]) -> None:
    offers = [offer(str(number), *column) for number, column in enumerate(alike)]
    assert set(scores_of(offers).values()) == {Decimal(1)}


def test_no_offers_have_no_scores() -> None:
    assert scores_of([]) == {}


def test_filters_do_not_move_scores() -> None:
    offers = [offer("a", "3", "100"), offer("b", "4", "200"), offer("c", "12", "200")]
    answer = json.loads(listed(offers, Query(max_price=Decimal(3)), 0))
    assert [item["score"] for item in answer["items"]] == [0.675]


@given(st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, 10**9)), min_size=2, max_size=6))
def test_a_score_is_a_share_and_dominance_shows(columns: list[tuple[int, int]]) -> None:
    offers = [offer(str(number), str(price), str(speed)) for number, (price, speed) in enumerate(columns)]
    scores = scores_of(offers)
    assert all(0 <= score <= 1 for score in scores.values())
    for one in offers:
        for other in offers:
            if one.price_per_hour <= other.price_per_hour and one.performance >= other.performance:
                assert scores[one.id] >= scores[other.id]
