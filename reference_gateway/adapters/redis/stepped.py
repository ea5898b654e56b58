"""Windows whose clock is passed in with each request: the core alone in memory, or the script on a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast
from uuid import uuid4

from redis import Redis

from reference_gateway.adapters.redis import script
from reference_gateway.core.window import Window

if TYPE_CHECKING:
    from reference_gateway.core.limiter import Ask
    from reference_gateway.core.window import Decision

REDIS_TIMEOUT_S = 5.0
"""A judge's Redis that takes longer is broken; a driver must not hang."""
KEEP_MS = 600_000
"""Keys expire by real time, windows by the judge's: a story takes seconds, so ten minutes outlast it."""
UNLIMITED = 10**9


class Store(Protocol):
    """Windows behind one or more instances, one request at a time."""

    def decide(self, ask: Ask, now_us: int) -> Decision:
        """Decide on one request at `now_us`, and count it if it is admitted."""

    def add(self, ask: Ask, now_us: int) -> None:
        """Count one request more, whatever the limit says."""

    def remove(self, ask: Ask) -> None:
        """Count the newest request no longer."""

    def close(self) -> None:
        """Leave nothing behind."""


class MemoryStore:
    """The pure core: a window per key."""

    def __init__(self) -> None:
        self._windows: dict[str, Window] = {}

    def decide(self, ask: Ask, now_us: int) -> Decision:
        """As `Store`."""
        return self._windows.setdefault(ask.key, Window()).admit(now_us, ask.limit, ask.window_us)

    def add(self, ask: Ask, now_us: int) -> None:
        """As `Store`."""
        self._windows.setdefault(ask.key, Window()).admitted_us.append(now_us)

    def remove(self, ask: Ask) -> None:
        """As `Store`."""
        self._windows[ask.key].admitted_us.pop()

    def close(self) -> None:
        """As `Store`."""
        self._windows.clear()


class RedisStore:
    """The script that the gateway runs, on a real server, with the clock passed in."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(url, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S)
        self._redis.script_load(script.SOURCE)
        self._prefix = f"conformance:{uuid4().hex}:"
        self._keys: set[str] = set()

    def decide(self, ask: Ask, now_us: int) -> Decision:
        """As `Store`."""
        mine = self._mine(ask)
        call: tuple[Any, ...] = script.arguments({mine: 1}, now_us=now_us, keep_ms=KEEP_MS)
        reply = cast("bytes", self._redis.evalsha(script.SHA, *call))
        return next(script.decisions(reply, {mine: 1})[1][mine])

    def add(self, ask: Ask, now_us: int) -> None:
        """As `Store`: a window without limit takes it."""
        self.decide(ask._replace(limit=UNLIMITED), now_us)

    def remove(self, ask: Ask) -> None:
        """As `Store`."""
        self._redis.zpopmax(self._mine(ask).key)

    def _mine(self, ask: Ask) -> Ask:
        key = self._prefix + ask.key
        self._keys.add(key)
        return ask._replace(key=key)

    def close(self) -> None:
        """As `Store`."""
        while self._keys:
            self._redis.delete(*[self._keys.pop() for _ in range(min(len(self._keys), script.ASKS_MAX))])
        self._redis.close()
