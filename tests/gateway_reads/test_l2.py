"""The tier in this process: bounded, and never younger than what filled it."""

from __future__ import annotations

from reference_gateway.core.cache.entry import Held, key_of
from reference_gateway.core.cache.l2 import L2InMemoryCache
from tests.gateway_reads.lists import entry

KEEP_MS = 1000
A, B, C, D = (key_of(name) for name in "abcd")


def cache(entries_max: int = 3, bytes_max: int = 100) -> L2InMemoryCache:
    return L2InMemoryCache(KEEP_MS, entries_max=entries_max, bytes_max=bytes_max)


def test_the_longest_unused_goes_first() -> None:
    l2 = cache()
    for key in (A, B, C):
        l2.put(key, Held(entry()))
    l2.get(A, 0)
    l2.put(D, Held(entry()))
    assert (l2.keys, len(l2), l2.bytes) == ((C, A, D), 3, 30)


def test_bytes_are_bounded_as_well_as_entries() -> None:
    l2 = cache()
    l2.put(A, Held(entry(size=60)))
    l2.put(B, Held(entry(size=50)))
    assert (l2.keys, l2.bytes) == ((B,), 50)
    assert not l2.put(C, Held(entry(size=101)))
    assert (l2.keys, l2.bytes) == ((B,), 50)


def test_what_replaces_an_entry_takes_its_place() -> None:
    l2 = cache()
    l2.put(A, Held(entry(size=60)))
    l2.put(A, Held(entry(1, size=70)))
    assert (len(l2), l2.bytes) == (1, 70)


def test_an_older_list_does_not_replace_a_newer_one() -> None:
    l2 = cache()
    newer = entry(taken_ms=50)
    l2.put(A, Held(newer))
    assert not l2.put(A, Held(entry(taken_ms=49)))
    assert l2.get(A, 60) == Held(newer)


def test_what_nobody_may_be_shown_any_more_is_dropped() -> None:
    l2 = cache()
    l2.put(A, Held(entry()))
    assert l2.get(A, KEEP_MS - 1) is not None
    assert l2.get(A, KEEP_MS) is None
    assert (len(l2), l2.bytes) == (0, 0)


def test_what_was_fetched_up_to_the_floor_is_outdated() -> None:
    l2 = cache()
    l2.put(A, Held(entry(epoch=7)))
    assert not l2.mark(A, 6)
    assert not l2.mark(B, 7)
    assert l2.mark(A, 7)
    assert not l2.mark(A, 8), "it is already"
    assert l2.get(A, 0) == Held(entry(epoch=7), outdated=True)


def test_without_the_store_whatever_is_held_is_outdated() -> None:
    l2 = cache()
    l2.put(A, Held(entry(epoch=7)))
    assert l2.mark(A, None)
