"""What users hold of their own in this process, and whom it may push out."""

from __future__ import annotations

from reference_gateway.core.cache import l2 as tier
from reference_gateway.core.cache.entry import Held, key_of
from reference_gateway.core.cache.l2 import L2InMemoryCache, OwnShelves
from reference_gateway.core.credentials.manager import owner_of
from tests.gateway_reads.lists import entry

KEEP_MS = 1000
HOUSES = key_of("p")


def cache(entries_max: int = 6, bytes_max: int = 100) -> L2InMemoryCache:
    l2 = L2InMemoryCache(KEEP_MS, entries_max=2, bytes_max=50, own=OwnShelves(entries_max, bytes_max))
    l2.put(HOUSES, Held(entry(size=40)))
    return l2


def own(user: str, provider: str = "p") -> str:
    return key_of(provider, owner_of(user))


def test_however_many_users_there_are_the_houses_lists_stay() -> None:
    l2 = cache()
    for number in range(1000):
        assert l2.put(own(f"u{number}"), Held(entry(size=30)))
    assert l2.get(HOUSES, 0) is not None
    assert (len(l2), l2.bytes) == (1 + 3, 40 + 90)


def test_the_houses_lists_push_nobody_elses_out() -> None:
    l2 = cache()
    l2.put(own("ann"), Held(entry(size=30)))
    for name in "qrs":
        l2.put(key_of(name), Held(entry(size=40)))
    assert l2.keys == (key_of("s"), own("ann"))


def test_who_read_his_own_last_longest_ago_loses_all_of_it_first() -> None:
    l2 = cache(entries_max=4)
    for user, provider in (("ann", "p"), ("ann", "q"), ("bob", "p"), ("cid", "p")):
        l2.put(own(user, provider), Held(entry(size=1)))
    l2.get(own("ann"), 0)
    l2.put(own("dan"), Held(entry(size=1)))
    assert l2.keys == (HOUSES, own("cid"), own("ann", "q"), own("ann"), own("dan"))
    l2.put(own("eve"), Held(entry(size=1)))
    assert l2.keys == (HOUSES, own("ann", "q"), own("ann"), own("dan"), own("eve"))


def test_one_user_has_no_more_than_his_share() -> None:
    l2 = L2InMemoryCache(KEEP_MS)
    l2.put(own("ann"), Held(entry(size=10)))
    size = tier.USER_BYTES_MAX // 3
    for number in range(10):
        l2.put(own("bob", f"p{number}"), Held(entry(size=size)))
    assert l2.keys == (own("ann"), *(own("bob", f"p{number}") for number in (7, 8, 9)))
    assert not l2.put(own("bob", "huge"), Held(entry(size=tier.USER_BYTES_MAX + 1)))


def test_what_is_dropped_is_counted_no_more() -> None:
    l2 = cache()
    l2.put(own("ann"), Held(entry(size=30)))
    assert l2.get(own("ann"), KEEP_MS) is None
    assert (l2.keys, l2.bytes) == ((HOUSES,), 40)
    for _ in range(3):
        l2.put(own("bob"), Held(entry(size=90)))
    assert (l2.keys, l2.bytes) == ((HOUSES, own("bob")), 130)


def test_an_older_list_of_his_does_not_replace_a_newer_one() -> None:
    l2 = cache()
    newer = Held(entry(taken_ms=50))
    l2.put(own("ann"), newer)
    assert not l2.put(own("ann"), Held(entry(taken_ms=49)))
    assert l2.get(own("ann"), 60) == newer


def test_a_mark_is_of_one_owners_key() -> None:
    l2 = cache()
    l2.put(own("ann"), Held(entry(epoch=7)))
    assert l2.mark(own("ann"), 7)
    assert not l2.mark(own("bob"), 7)
    assert l2.get(own("ann"), 0) == Held(entry(epoch=7), outdated=True)
    held = l2.get(HOUSES, 0)
    assert held is not None
    assert not held.outdated
