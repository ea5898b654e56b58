"""A table's rule of prices means the same offers as its rows, and reaches most of its items."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction

import pytest

from gatespec.hand_tables import HandTable, hand_tables, money

PRICED = [pytest.param(table, id=name) for name, table in hand_tables().items() if table.price]
REACHED_MIN = 5


@pytest.mark.parametrize("table", PRICED)
def test_a_drawn_price_is_the_only_thing_that_changes(table: HandTable) -> None:
    assert table.price is not None
    drawn = table.price.of(12_345_674)
    reached = [(item, changed) for item in table.items if (changed := table.repriced(item, drawn)) is not item]
    assert len(reached) >= REACHED_MIN
    for item, changed in reached:
        json.loads(changed.wire)
        assert changed.wire.replace(drawn, "") != item.wire
        for before, after in zip(item.means, changed.means, strict=True):
            kept = {name for name in before.fields if before.fields[name] == after.fields[name]}
            assert kept >= set(before.fields) - {"price_per_hour", "price_per_gpu_hour"}


@pytest.mark.parametrize("table", PRICED)
def test_what_is_no_price_leaves_the_item_out(table: HandTable) -> None:
    assert table.price is not None
    item = next(item for item in table.items if table.repriced(item, table.price.of(7)) is not item)
    for wrong in table.price.no_price:
        left = table.repriced(item, wrong)
        json.loads(left.wire)
        assert (left.means, left.left_out) == ((), 1), wrong


def test_money_is_rounded_once_half_even() -> None:
    assert money(Fraction(20003125, 10_000_000)) == Decimal("2.000312")
    assert money(Fraction(20009375, 10_000_000)) == Decimal("2.000938")
    assert money(Fraction(10, 3)) == Decimal("3.333333")
