"""Pages of one snapshot hold every matching offer once, whatever their limits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from reference_gateway.core import offers as texts
from reference_gateway.core.offer import as_json
from reference_gateway.core.offers import AnswerWarning
from reference_gateway.core.pages import (
    Moment,
    Page,
    life_of,
    moment_of,
    offer_body,
    page_body,
    snapshot_id,
    snapshot_of,
)
from reference_gateway.core.query import Query
from tests.gateway_pages.offers_at_hand import NOW_MS, list_of, lists, offer, queries

if TYPE_CHECKING:
    import pytest

    from reference_gateway.core.offer import Json, Offer
    from reference_gateway.core.pages import ProviderList, Snapshot

LIFE_MS = 300_000


def pages_of(snapshot: Snapshot, query: Query, limits: list[int]) -> list[dict[str, Any]]:
    """Follow to the end, with one limit after the other; the last one stays."""
    selected, offset = snapshot.select(query), 0
    pages: list[dict[str, Any]] = []
    while True:
        page = Page(snapshot, selected, offset, limits[min(len(pages), len(limits) - 1)])
        next_cursor = None if page.next_offset is None else str(page.next_offset)
        pages.append(json.loads(page_body(page, next_cursor)))
        if next_cursor is None:
            return pages
        offset = int(next_cursor)


@given(lists(), queries(), st.lists(st.integers(1, 100), min_size=1, max_size=5))
def test_following_shows_every_matching_offer_once_and_in_order(
    some: tuple[ProviderList, ...], query: Query, limits: list[int]
) -> None:
    snapshot = snapshot_of(moment_of(some, [], NOW_MS))
    pages = pages_of(snapshot, query, limits)
    shown = [item["id"] for page in pages for item in page["items"]]
    matching = {each.id for listed in some for each in listed.offers if query.satisfied_by(each)}
    assert sorted(shown) == sorted(matching)
    assert shown == [each.id for each in snapshot.select(query)]
    assert {page["total"] for page in pages} == {len(matching)}
    assert all(page["items"] for page in pages) or not matching
    assert len({(page["snapshot_id"], page["as_of"]) for page in pages}) == 1


@given(lists(), queries())
def test_scores_are_over_the_snapshot_and_not_the_page(some: tuple[ProviderList, ...], query: Query) -> None:
    snapshot = snapshot_of(moment_of(some, [], NOW_MS))
    for page in pages_of(snapshot, query, [1]):
        for item in page["items"]:
            assert item["score"] == float(snapshot.scores[item["id"]])


def test_an_offset_past_the_end_is_an_empty_last_page() -> None:
    snapshot = snapshot_of(moment_of([list_of("lambda", (offer("lambda", 1),))], [], NOW_MS))
    page = Page(snapshot, snapshot.select(Query()), 20, 20)
    assert (page.next_offset, json.loads(page_body(page, None))["items"]) == (None, [])


def test_a_page_writes_only_its_own_offers(monkeypatch: pytest.MonkeyPatch) -> None:
    """And those once: of 300 offers 20 are on the page, and the page after it does not write them again."""
    written: list[str] = []

    def counting(one: Offer) -> dict[str, Json]:
        written.append(one.id)
        return as_json(one)

    monkeypatch.setattr(texts, "as_json", counting)
    some = tuple(offer("texts", number, price=str(number + 1)) for number in range(300))
    snapshot = snapshot_of(moment_of([list_of("texts", some)], [], NOW_MS))
    selected = snapshot.select(Query())
    page_body(Page(snapshot, selected, 0, 20), "x")
    assert len(written) == 20
    page_body(Page(snapshot, selected, 0, 20), "x")
    page_body(Page(snapshot, selected, 15, 20), "x")
    assert (len(written), len(set(written))) == (35, 35)


def test_what_is_said_of_providers_stands_on_every_page() -> None:
    warning = AnswerWarning("timeout", "vast", "none in 4 s")
    some = tuple(offer("lambda", number) for number in range(3))
    snapshot = snapshot_of(moment_of([list_of("lambda", some)], [warning], NOW_MS))
    said = [page["warnings"] for page in pages_of(snapshot, Query(), [1])]
    assert said == [[{"code": "timeout", "provider": "vast", "detail": "none in 4 s", "as_of": None}]] * 3


def test_the_newest_of_one_id_is_shown_by_whoever_lists_it() -> None:
    """Two providers' ids never meet; two endpoints' lists of one provider may."""
    once = (offer("lambda", 1, price="2"),)
    twice = (offer("lambda", 1, price="3"),)
    snapshot = snapshot_of(moment_of([list_of("lambda", once), list_of("lambda-b", twice)], [], NOW_MS))
    assert [each.price_per_hour for each in snapshot.select(Query())] == [3]


def test_one_offer_has_warnings_only_where_there_are_any() -> None:
    one = offer("lambda", 1)
    snapshot = snapshot_of(moment_of([list_of("lambda", (one,))], [], NOW_MS))
    plain = json.loads(offer_body(snapshot, one, []))
    assert set(plain) == {*as_json(one), "score"}
    warned = json.loads(offer_body(snapshot, one, [AnswerWarning("stale", "lambda", "of old", NOW_MS)]))
    assert (warned["warnings"][0]["code"], {**warned, "warnings": 0}) == ("stale", {**plain, "warnings": 0})


moments = st.integers(NOW_MS - 10 * LIFE_MS, NOW_MS).map(lambda ms: Moment((list_of("lambda", (), ms),), ms, ()))


@given(moments, st.integers(1, LIFE_MS))
def test_a_cursor_lives_half_a_life_at_least_and_a_whole_one_at_most(moment: Moment, life_ms: int) -> None:
    life = life_of(moment, life_ms, NOW_MS)
    assert life_ms // 2 <= life.expires_ms - NOW_MS <= life_ms
    assert life.renewed_ms > NOW_MS
    assert life.renewed_ms <= life.expires_ms or life_ms == 1


@given(moments, st.integers(2, LIFE_MS), st.data())
def test_until_it_is_renewed_every_instance_says_the_same(moment: Moment, life_ms: int, data: st.DataObject) -> None:
    life = life_of(moment, life_ms, NOW_MS)
    later_ms = data.draw(st.integers(NOW_MS, life.renewed_ms - 1))
    assert life_of(moment, life_ms, later_ms) == life
    assert life_of(moment, life_ms, life.renewed_ms).expires_ms > life.expires_ms


def test_lists_just_read_can_be_followed_for_a_whole_life_from_the_newest() -> None:
    moment = moment_of([list_of("lambda", (), NOW_MS - 1000), list_of("vast", (), NOW_MS)], [], NOW_MS + 500)
    assert life_of(moment, LIFE_MS, NOW_MS + 500).expires_ms == NOW_MS + LIFE_MS
    assert life_of(moment, LIFE_MS, NOW_MS - 500).expires_ms == NOW_MS + LIFE_MS, "a clock that is behind"


def test_no_life_is_over_at_once() -> None:
    assert life_of(moment_of([], [], NOW_MS), 0, NOW_MS).expires_ms == NOW_MS


@given(lists())
def test_a_snapshot_is_named_alike_however_its_lists_came(some: tuple[ProviderList, ...]) -> None:
    assert snapshot_id(moment_of(some, [], 0)) == snapshot_id(moment_of(reversed(some), [], 0))
