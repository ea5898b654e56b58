"""A cursor over somebody's own list leads on for him alone; one over the house's lists for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.gateway_owners.conftest import Pair
    from tests.gateway_owners.room import Clouds, Instance, Shown

FIRST = "limit=2"
NOBODY = ""


async def first(instance: Instance, user: str, query: str = FIRST) -> str:
    return str((await instance.read(query, user)).body["next_cursor"])


async def further(instance: Instance, cursor: str, user: str, query: str = FIRST) -> Shown:
    return await instance.read(f"{query}&cursor={cursor}", user)


@pytest.fixture
def own(pair: Pair, clouds: Clouds) -> Pair:
    """Ann has a credential of her own for `p`."""
    clouds.prices["user:ann"] = "0.5"
    for instance in pair:
        instance.credentials.give("ann", "p")
    return pair


async def test_her_own_pages_are_followed_by_her_on_every_instance(own: Pair) -> None:
    cursor = await first(own[0], "ann")
    second = await further(own[1], cursor, "ann")
    third = await further(own[0], str(second.body["next_cursor"]), "ann")
    items = second.body["items"] + third.body["items"]
    assert [(item["provider"], item["price_per_hour"]) for item in items] == [("p", 0.5), *[("q", 1)] * 3]
    assert third.body["next_cursor"] is None
    assert second.body["snapshot_id"] == third.body["snapshot_id"]


@pytest.mark.parametrize("other", ["bob", "an", "ann2", "house", NOBODY])
async def test_nobody_else_follows_them_on_any_page(own: Pair, other: str) -> None:
    cursor = await first(own[0], "ann")
    second = str((await further(own[0], cursor, "ann")).body["next_cursor"])
    for instance in own:
        assert [(await further(instance, each, other)).code for each in (cursor, second)] == ["cursor-mismatch"] * 2


async def test_the_houses_pages_are_followed_by_everybody(own: Pair) -> None:
    cursor = await first(own[0], NOBODY)
    for reader in ("ann", "bob", NOBODY):
        assert (await further(own[1], cursor, reader)).prices["p"] == 1


async def test_what_she_reads_with_the_house_is_everybodys(own: Pair) -> None:
    cursor = await first(own[0], "ann", "limit=2&provider=q")
    assert (await further(own[1], cursor, "bob", "limit=2&provider=q")).prices == {"q": 1}


async def test_her_pages_stay_bound_to_their_filters(own: Pair) -> None:
    cursor = await first(own[0], "ann")
    assert (await further(own[0], cursor, "ann", "limit=2&sort=-price")).code == "cursor-mismatch"


async def test_her_pages_go_on_after_her_credential_is_gone(own: Pair) -> None:
    cursor = await first(own[0], "ann")
    for instance in own:
        await instance.credentials.withdraw("ann", "p")
    assert (await further(own[0], cursor, "ann")).code == ""


async def test_a_page_that_only_says_what_she_could_not_read_is_hers_too(own: Pair, clouds: Clouds) -> None:
    clouds.failing.add("user:ann/p")
    cursor = await first(own[0], "ann")
    assert (await further(own[0], cursor, "bob")).code == "cursor-mismatch"
    assert (await further(own[0], cursor, "ann")).warnings == [("p", "unavailable")]
