"""The script on a real Redis, held against the rules without one; and what it does on a clock of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from redis import Redis

from gatespec.clock import until
from reference_gateway.adapters.redis import cache_script
from reference_gateway.adapters.redis.cache_script import Terms
from reference_gateway.adapters.redis.stepped_cache import MemoryCache, RedisCache
from reference_gateway.adapters.redis.stored_offers import decode, encode
from reference_gateway.adapters.redis.words import Call, TooLate, Word, number
from reference_gateway.core.cache.ports import Lease
from reference_gateway.core.cache.shared_key import Ask
from tests.gateway_reads.lists import entry, offer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference_gateway.adapters.redis.stepped_cache import SteppedCache
    from reference_gateway.core.cache.ports import Told

BEGIN_MS = 1_700_000_000_000
TTL_MS, USE_MS, LEASE_MS = 60, 500, 20
STORED = encode((offer(),))
TERMS = Terms(TTL_MS * 1000, USE_MS * 1000, LEASE_MS * 1000, "")


def asked(token: str, newer_than: int = 0, have: int = 0) -> Ask:
    return Ask("house/p", token, newer_than, have, TTL_MS, USE_MS, LEASE_MS)


def written(lease: Lease) -> Any:  # noqa: ANN401 - both stores take it
    return entry(took_ms=7, epoch=lease.epoch, size=len(STORED))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "ask", "write", "renew", "release", "invalidate"]),
        st.integers(0, 3),
        st.sampled_from([0, 1, 7, 19, 20, 21, 59, 60, 61, 499, 500]),
        st.sampled_from(["none", "newest", "other"]),
    ),
    max_size=20,
)


class Twin:
    """Does the same to a store, and remembers the leases that it gave."""

    def __init__(self, store: SteppedCache) -> None:
        self.store = store
        self.leases = [Lease("house/p", "nobody", 1)]
        self.newest = 0
        self.now_ms = BEGIN_MS

    def step(self, number: int, verb: str, which: int, wait_ms: int, have: str) -> object:
        self.now_ms += wait_ms
        lease = self.leases[-1 - which % len(self.leases)]
        if verb == "ask":
            newer_than = self.newest if have == "newest" and which == 0 else 0
            told = self.store.ask(
                asked(f"t{number}", newer_than, {"none": 0, "newest": self.newest, "other": 5}[have]), self.now_ms
            )
            return self._told(told)
        if verb == "write":
            self.newest = max(self.newest, lease.epoch)
            return self.store.write(lease, written(lease), STORED, self.now_ms)
        if verb == "renew":
            return self.store.renew(lease, LEASE_MS, self.now_ms)
        if verb == "release":
            self.store.release(lease, self.now_ms)
            return None
        return self.store.invalidate("house/p", self.now_ms)

    def _told(self, told: Told) -> Told:
        if told.lease is not None:
            self.leases.append(told.lease)
        return told


@pytest.fixture(scope="module")
def real(redis_url: str) -> Iterator[RedisCache]:
    store = RedisCache(redis_url)
    yield store
    store.close()


OUTDATED = [(verb, 0, 1, "none") for verb in ("ask", "write", "ask", "invalidate", "ask", "write", "ask")]
"""An entry that is fresh, then invalidated, then fetched anew."""


@settings(deadline=None, max_examples=200)
@given(steps=STEPS)
@example(steps=OUTDATED)
def test_the_script_follows_the_rules(redis_url: str, steps: list[tuple[str, int, int, str]]) -> None:
    real = RedisCache(redis_url)
    pure, other = Twin(MemoryCache()), Twin(real)
    try:
        for number, step in enumerate(steps):
            assert pure.step(number, *step) == other.step(number, *step), step
        assert pure.store.floor("house/p", pure.now_ms) == real.floor("house/p", pure.now_ms)
    finally:
        real.close()


def test_nothing_is_left_behind(clean_redis_url: str) -> None:
    store = RedisCache(clean_redis_url)
    store.ask(asked("a"), BEGIN_MS)
    with Redis.from_url(clean_redis_url) as client:
        assert client.dbsize() == 1
        store.close()
        assert client.dbsize() == 0


class Direct:
    """The script as the gateway sends it: by the server's own clock, under the gateway's own keys."""

    def __init__(self, client: Redis, terms: Terms = TERMS) -> None:
        self.client = client
        self.terms = terms

    def say(self, call: Call, **how: int) -> list[Any]:
        words: tuple[Any, ...] = self.terms.script.arguments(Word(f"{cache_script.PREFIX}house/p", call), **how)
        return list(self.client.eval(cache_script.SOURCE, *words))

    def ask(self, token: str) -> Told:
        return cache_script.told(self.say(cache_script.ask(self.terms, token, 0, 0)), "house/p", token, 1_000)


@pytest.fixture
def direct(clean_redis_url: str) -> Iterator[Direct]:
    with Redis.from_url(clean_redis_url) as client:
        yield Direct(client)


def test_an_entry_is_put_on_the_readers_clock_and_never_too_young(direct: Direct) -> None:
    lease = direct.ask("a").lease
    assert lease is not None
    direct.say(cache_script.write("a", written(lease), STORED))
    held = direct.ask("b").held
    assert held is not None
    assert held.entry.taken_ms <= 1_000
    assert held.entry.taken_ms > 1_000 - TTL_MS * 1000
    assert (held.entry.offers, held.entry.took_ms, held.entry.epoch) == ((offer(),), 7, lease.epoch)


def test_what_comes_too_late_does_nothing(direct: Direct) -> None:
    with pytest.raises(TooLate):
        number(direct.say(cache_script.ask(TERMS, "a", 0, 0), last_ms=1))
    assert direct.client.dbsize() == 0
    assert direct.ask("b").lease is not None


def test_epochs_rise_over_the_loss_of_everything(direct: Direct) -> None:
    first = direct.ask("a").lease
    direct.client.flushdb()
    begun = direct.client.time()
    assert until(lambda: direct.client.time()[1] // 1000 != begun[1] // 1000, at_most_ms=1_000), "it takes a moment"
    second = direct.ask("b").lease
    assert first is not None
    assert second is not None
    assert second.epoch > first.epoch


def test_a_key_does_not_stay_for_ever(direct: Direct) -> None:
    direct.ask("a")
    assert 0 < direct.client.pttl(f"{cache_script.PREFIX}house/p") <= direct.terms.keep_ms


def test_whoever_listens_is_told(redis_url: str) -> None:
    with Redis.from_url(redis_url) as client, client.pubsub(ignore_subscribe_messages=True) as line:
        direct = Direct(client, Terms(60_000, 60_000, 6_000, "cache:test"))
        line.subscribe("cache:test")
        line.get_message(timeout=1)
        lease = direct.ask("a").lease
        assert lease is not None
        direct.say(cache_script.release("a"))
        (_, floor) = direct.say(cache_script.INVALIDATE)
        told = [line.get_message(timeout=5) for _ in range(2)]
        client.delete(f"{cache_script.PREFIX}house/p")
    name = f"{cache_script.PREFIX}house/p"
    assert [each and each["data"].decode() for each in told] == [f"free {name}", f"outdated {floor} {name}"]
    assert int(floor) >= lease.epoch


def test_offers_are_read_back_as_they_were() -> None:
    offers = (offer(), offer(12_345, spot_price=offer().price_per_hour, compliance_tags=()))
    assert decode(encode(offers)) == offers


@pytest.mark.parametrize("stored", [b"", b"{}", b"[[]]", b"[1]", b'[["x"]]', b"null"])
def test_what_is_no_list_is_said_to_be_none(stored: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(stored)
