"""The shared tier with its clock passed in: the pure rules in memory, or the script on a real server."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Protocol, cast
from uuid import uuid4

from redis import Redis

from reference_gateway.adapters.redis import cache_script
from reference_gateway.adapters.redis.stepped import KEEP_MS, REDIS_TIMEOUT_S
from reference_gateway.adapters.redis.words import Call, Word, number
from reference_gateway.core.cache.shared_key import Ask, SharedKey

if TYPE_CHECKING:
    from reference_gateway.core.cache.entry import Entry
    from reference_gateway.core.cache.ports import Lease, Told

DELETE_MAX = 1000
"""Keys of one command."""


class SteppedCache(Protocol):
    """L1 behind one or more instances, one word at a time."""

    def ask(self, asked: Ask, now_ms: int) -> Told:
        """As `L1Store.ask`."""

    def write(self, lease: Lease, entry: Entry, stored: bytes, now_ms: int) -> bool:
        """As `L1Store.write`."""

    def renew(self, lease: Lease, lease_ms: int, now_ms: int) -> bool:
        """As `L1Store.renew`."""

    def release(self, lease: Lease, now_ms: int) -> None:
        """As `L1Store.release`."""

    def invalidate(self, key: str, now_ms: int) -> int:
        """As `L1Store.invalidate`."""

    def floor(self, key: str, now_ms: int) -> int:
        """Return the newest epoch of the key that is marked, 0 where none is."""

    def close(self) -> None:
        """Leave nothing behind."""


class MemoryCache:
    """The pure rules."""

    def __init__(self) -> None:
        self._keys: defaultdict[str, SharedKey] = defaultdict(SharedKey)

    def ask(self, asked: Ask, now_ms: int) -> Told:
        """As `SteppedCache`."""
        self._keys[asked.key], told = self._keys[asked.key].ask(asked, now_ms)
        return told

    def write(self, lease: Lease, entry: Entry, stored: bytes, now_ms: int) -> bool:  # noqa: ARG002 - a server's words
        """As `SteppedCache`."""
        held = self._keys[lease.key].is_held_by(lease, now_ms)
        self._keys[lease.key] = self._keys[lease.key].write(lease, entry, now_ms)
        return held

    def renew(self, lease: Lease, lease_ms: int, now_ms: int) -> bool:
        """As `SteppedCache`."""
        held = self._keys[lease.key].is_held_by(lease, now_ms)
        self._keys[lease.key] = self._keys[lease.key].renew(lease, lease_ms, now_ms)
        return held

    def release(self, lease: Lease, now_ms: int) -> None:
        """As `SteppedCache`."""
        self._keys[lease.key] = self._keys[lease.key].release(lease, now_ms)

    def invalidate(self, key: str, now_ms: int) -> int:
        """As `SteppedCache`."""
        self._keys[key] = self._keys[key].invalidate(now_ms)
        return self._keys[key].floor

    def floor(self, key: str, now_ms: int) -> int:  # noqa: ARG002 - as the others
        """As `SteppedCache`."""
        return self._keys[key].floor

    def close(self) -> None:
        """As `SteppedCache`."""
        self._keys.clear()


class RedisCache:
    """The script that the gateway runs, on a real server."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(url, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S)
        self._redis.script_load(cache_script.SOURCE)
        self._prefix = f"conformance:{uuid4().hex}:"
        self._keys: set[str] = set()
        self._script = cache_script.Terms(ttl_ms=0, use_ms=KEEP_MS, lease_ms=0, channel="").script

    def ask(self, asked: Ask, now_ms: int) -> Told:
        """As `SteppedCache`."""
        words = cache_script.Terms(asked.ttl_ms, asked.use_ms, asked.lease_ms, "")
        call = cache_script.ask(words, asked.token, asked.newer_than, asked.have)
        return cache_script.told(self._run(asked.key, call, now_ms), asked.key, asked.token, now_ms)

    def write(self, lease: Lease, entry: Entry, stored: bytes, now_ms: int) -> bool:
        """As `SteppedCache`."""
        return bool(self._number(lease.key, cache_script.write(lease.token, entry, stored), now_ms))

    def renew(self, lease: Lease, lease_ms: int, now_ms: int) -> bool:
        """As `SteppedCache`."""
        words = cache_script.Terms(0, KEEP_MS, lease_ms, "")
        return bool(self._number(lease.key, cache_script.renew(words, lease.token), now_ms))

    def release(self, lease: Lease, now_ms: int) -> None:
        """As `SteppedCache`."""
        self._number(lease.key, cache_script.release(lease.token), now_ms)

    def invalidate(self, key: str, now_ms: int) -> int:
        """As `SteppedCache`."""
        return self._number(key, cache_script.INVALIDATE, now_ms)

    def floor(self, key: str, now_ms: int) -> int:
        """As `SteppedCache`."""
        return self._number(key, cache_script.FLOOR, now_ms)

    def _number(self, key: str, call: Call, now_ms: int) -> int:
        return number(self._run(key, call, now_ms))

    def _run(self, key: str, call: Call, now_ms: int) -> list[Any]:
        self._keys.add(self._prefix + key)
        words: tuple[Any, ...] = self._script.arguments(Word(self._prefix + key, call), now_ms=now_ms)
        return cast("list[Any]", self._redis.evalsha(self._script.sha, *words))

    def close(self) -> None:
        """As `SteppedCache`."""
        while self._keys:
            self._redis.delete(*[self._keys.pop() for _ in range(min(len(self._keys), DELETE_MAX))])
        self._redis.close()
