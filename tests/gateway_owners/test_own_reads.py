"""Who has a credential of his own is shown what it shows, and nobody else is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from reference_gateway.core.cache.entry import HOUSE
from tests.gateway_limiter.crowd import until
from tests.gateway_owners.room import key
from tests.gateway_pages.offers_at_hand import offer

if TYPE_CHECKING:
    from tests.gateway_owners.conftest import Pair
    from tests.gateway_owners.room import Clouds, Instance

SOON_S = 10.0
ALL = "limit=100"
NOBODY = ""


def own(clouds: Clouds, *pair: Instance, **users: str) -> None:
    """Give each user a credential for `p`, which shows his own price."""
    for user, price in users.items():
        clouds.prices[f"user:{user}"] = price
        for instance in pair:
            instance.credentials.give(user, "p")


async def test_two_users_and_nobody_at_once_see_each_his_own(pair: Pair, clouds: Clouds) -> None:
    own(clouds, *pair, ann="2", bob="3")
    clouds.open.clear()
    readers = ["ann", "bob", NOBODY, "carl"] * 3
    reading = [asyncio.ensure_future(pair[n // 4 % 2].read(ALL, user)) for n, user in enumerate(readers)]
    await until(lambda: len(clouds.calls) >= 4, at_most_s=SOON_S)
    clouds.open.set()
    shown = await asyncio.gather(*reading)
    prices = {"ann": 2, "bob": 3, NOBODY: 1, "carl": 1}
    assert [each.prices for each in shown] == [{"p": prices[user], "q": 1} for user in readers]
    assert sorted(clouds.calls) == ["house/p", "house/q", "user:ann/p", "user:bob/p"], "one call a key, over both"


async def test_ready_bytes_of_the_house_are_for_who_reads_all_of_it_with_the_house(
    one: Instance, clouds: Clouds
) -> None:
    own(clouds, one, ann="2")
    await one.read(ALL, NOBODY)
    await one.read("provider=q", NOBODY)
    for user in ("ann", "carl"):
        assert one.ready(ALL, user) is None, "nobody knows yet what he has"
    await one.credentials.owners("ann", ["p"])
    await one.credentials.owners("carl", ["p"])
    assert one.ready(ALL, "ann") is None
    assert [one.ready(ALL, user) is None for user in ("carl", NOBODY)] == [False, False]
    assert one.ready("provider=q", "ann") is not None, "there he reads with the house's too"


async def test_a_query_that_is_only_spelt_otherwise_shows_him_his_own(one: Instance, clouds: Clouds) -> None:
    own(clouds, one, ann="2")
    await one.read(ALL, NOBODY)
    assert (await one.read("per_page=100", "ann")).prices["p"] == 2
    assert (await one.read("per_page=100", "carl")).cache.startswith("l2; hit")


async def test_what_is_his_own_never_lies_ready(one: Instance, clouds: Clouds) -> None:
    own(clouds, one, ann="2")
    offer_id = offer("p", 0).id
    shown = [await one.read(ALL, "ann"), await one.read(ALL, "ann")]
    await one.reads.read_offer(offer_id, "ann")
    await one.reads.read_catalog("ann")
    for user in ("ann", "bob", NOBODY):
        assert (one.ready(ALL, user), one.ready_offer(offer_id, user), one.ready_catalog(user)) == (None, False, False)
    assert shown[1].cache.startswith("l2; hit"), "his own list is cached all the same"
    assert clouds.calls.count(key("ann")) == 1


async def test_offers_and_the_catalogue_lie_ready_for_those_without_any_of_their_own(
    one: Instance, clouds: Clouds
) -> None:
    own(clouds, one, ann="2")
    for user in ("ann", "carl"):
        await one.credentials.owners(user, ["p"])
    theirs = offer("q", 0).id
    await one.reads.read_offer(theirs, NOBODY)
    await one.reads.read_catalog(NOBODY)
    readers = ("ann", "carl", NOBODY)
    assert [one.ready_offer(theirs, user) for user in readers] == [False, True, True], "his score is among other offers"
    assert [one.ready_catalog(user) for user in readers] == [False, True, True]


async def test_an_offer_of_his_own_is_found_by_him_alone(one: Instance, clouds: Clouds) -> None:
    own(clouds, one, ann="2")
    clouds.failing.add("house/p")
    mine = offer("p", 0).id
    assert (await one.reads.read_offer(mine, "ann")).problem is None
    for other in ("bob", NOBODY):
        problem = (await one.reads.read_offer(mine, other)).problem
        assert problem is not None
        assert problem.code == "providers-unavailable"


async def test_equal_lists_of_different_owners_are_different_snapshots(one: Instance, clouds: Clouds) -> None:
    own(clouds, one, ann="1")
    shown = [await one.read(ALL, user) for user in ("ann", NOBODY)]
    assert shown[0].prices == shown[1].prices
    assert len({each.etag for each in shown} | {each.body["snapshot_id"] for each in shown}) == 4


async def test_his_failing_credential_is_his_own_affair(one: Instance, clouds: Clouds) -> None:
    own(clouds, one, ann="2")
    clouds.failing.add(key("ann"))
    assert (await one.read(ALL, "ann")).warnings == [("p", "unavailable")]
    assert (await one.read(ALL, "ann")).prices == {"q": 1}, "the house's list does not stand in"
    assert (await one.read(ALL, NOBODY)).warnings == []


async def test_as_long_as_vault_has_never_spoken_of_him_he_reads_with_the_house_and_is_told(
    one: Instance, clouds: Clouds
) -> None:
    own(clouds, one, ann="2")
    one.credentials.away = True
    shown = await one.read(ALL, "ann")
    assert shown.prices == {"p": 1, "q": 1}
    assert shown.warnings == [("p", "no-credential"), ("q", "no-credential")]
    assert {each["as_of"] for each in shown.body["warnings"]} >= {shown.body["as_of"]}
    assert one.ready(ALL, NOBODY) is None, "such bytes are for nobody"
    assert (await one.read(ALL, NOBODY)).warnings == []
    assert one.ready(ALL, "ann") is None
    one.credentials.away = False
    assert (await one.read(ALL, "ann")).prices["p"] == 2


async def test_a_list_may_be_stale_and_perhaps_not_his_own(one: Instance, clouds: Clouds) -> None:
    one.credentials.away = True
    clouds.failing.add("house/p")
    assert (await one.read(ALL, "ann")).warnings == [
        ("p", "unavailable"),
        ("p", "no-credential"),
        ("q", "no-credential"),
    ]


async def test_a_withdrawn_credential_leads_back_to_the_house(one: Instance, clouds: Clouds) -> None:
    own(clouds, one, ann="2")
    assert (await one.read(ALL, "ann")).prices["p"] == 2
    assert await one.credentials.withdraw("ann", "p")
    assert (await one.read(ALL, "ann")).prices["p"] == 1
    assert one.ready(ALL, "ann") is not None, "from now on his answers are everybody's"


async def test_who_has_no_user_behind_him_never_makes_vault_be_asked(one: Instance) -> None:
    await one.read(ALL, NOBODY)
    assert one.ready(ALL, NOBODY) is not None
    assert one.credentials.asked == 0


@pytest.mark.parametrize("user", ["ann", "a b", "{a}b", "ü/..\n%20", "house", "x" * 255])
async def test_an_invalidation_of_his_key_reaches_all_instances_whatever_he_is_called(
    pair: Pair, clouds: Clouds, user: str
) -> None:
    own(clouds, *pair, **{user: "2"})
    for instance in pair:
        assert (await instance.read("provider=p", user)).prices == {"p": 2}
        assert (await instance.read("provider=p", NOBODY)).prices == {"p": 1}
    clouds.prices[f"user:{user}"] = "5"
    clouds.prices[HOUSE] = "6"
    assert await pair[0].cache.invalidate("p", owner=f"user:{user}")
    await until(lambda: clouds.calls.count(key(user)) == 2, at_most_s=SOON_S)
    for instance in pair:
        await until(lambda instance=instance: _newest(instance, user) == 5, at_most_s=SOON_S)  # type: ignore[misc] # bound
        assert (await instance.read("provider=p", user)).prices == {"p": 5}
        assert (await instance.read("provider=p", NOBODY)).prices == {"p": 1}, "the house's key was not meant"


def _newest(instance: Instance, user: str) -> float:
    entry = instance.cache.newest(key(user))
    return 0 if entry is None else float(entry.offers[0].price_per_hour)
