"""What instances share of providers, its clock passed in: the pure rules in memory, or the script on a real server."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Protocol, cast
from uuid import uuid4

from redis import Redis

from reference_gateway.adapters.redis import upstream_script
from reference_gateway.adapters.redis.stepped import REDIS_TIMEOUT_S
from reference_gateway.adapters.redis.stepped_cache import DELETE_MAX
from reference_gateway.adapters.redis.upstream_script import SCRIPT
from reference_gateway.adapters.redis.words import Call, Reply, Word, number
from reference_gateway.core.upstream.pace import is_due
from reference_gateway.core.upstream.shared import SharedUpstream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.core.upstream.ports import Admission, Attempted, Outcome, Refused, Rules, State, Upstream


class SteppedUpstreams(Protocol):
    """Providers as one or more instances know them, one word at a time."""

    def admit(self, provider: str, rules: Rules, now_ms: int) -> Admission | Refused:
        """As `UpstreamStore.admit`."""

    def still_closed(self, admission: Admission, rules: Rules, now_ms: int) -> bool:
        """As `UpstreamStore.still_closed`."""

    def finish(  # noqa: PLR0913 - a call's end, by the provider's rules, at a moment
        self,
        admission: Admission,
        outcome: Outcome,
        attempts: Sequence[Attempted],
        rules: Rules,
        now_ms: int,
        *,
        retry_after_ms: int = 0,
    ) -> State:
        """As `UpstreamStore.finish`."""

    def probed(self, provider: str, endpoint: int, rules: Rules, now_ms: int, *, well: bool) -> None:
        """As `UpstreamStore.probed`."""

    def turn(self, name: str, every_ms: int, now_ms: int) -> bool:
        """As `UpstreamStore.turn`."""

    def look(self, provider: str, rules: Rules, now_ms: int) -> Upstream:
        """As `UpstreamStore.look`."""

    def shared(self, provider: str, rules: Rules, now_ms: int) -> SharedUpstream:
        """Tell all that is known of a provider, changing nothing."""

    def close(self) -> None:
        """Leave nothing behind."""


class MemoryUpstreams:
    """The pure rules."""

    def __init__(self) -> None:
        self._providers: defaultdict[str, SharedUpstream] = defaultdict(SharedUpstream)
        self._turns: dict[str, int] = {}

    def admit(self, provider: str, rules: Rules, now_ms: int) -> Admission | Refused:
        """As `SteppedUpstreams`."""
        self._providers[provider], answer = self._providers[provider].admit(provider, rules, now_ms)
        return answer

    def still_closed(self, admission: Admission, rules: Rules, now_ms: int) -> bool:
        """As `SteppedUpstreams`."""
        return self._providers[admission.provider].still_closed(admission, rules, now_ms)

    def finish(  # noqa: PLR0913 - as the protocol
        self,
        admission: Admission,
        outcome: Outcome,
        attempts: Sequence[Attempted],
        rules: Rules,
        now_ms: int,
        *,
        retry_after_ms: int = 0,
    ) -> State:
        """As `SteppedUpstreams`."""
        self._providers[admission.provider], state = self._providers[admission.provider].finish(
            admission, outcome, attempts, rules, now_ms, retry_after_ms=retry_after_ms
        )
        return state

    def probed(self, provider: str, endpoint: int, rules: Rules, now_ms: int, *, well: bool) -> None:
        """As `SteppedUpstreams`."""
        self._providers[provider] = self._providers[provider].probed(endpoint, rules, now_ms, well=well)

    def turn(self, name: str, every_ms: int, now_ms: int) -> bool:
        """As `SteppedUpstreams`."""
        due = is_due(self._turns.get(name), every_ms, now_ms)
        if due:
            self._turns[name] = now_ms
        return due

    def look(self, provider: str, rules: Rules, now_ms: int) -> Upstream:
        """As `SteppedUpstreams`."""
        return self._providers[provider].look(rules, now_ms)

    def shared(self, provider: str, rules: Rules, now_ms: int) -> SharedUpstream:
        """As `SteppedUpstreams`."""
        return self._providers[provider].settled(rules, now_ms)

    def close(self) -> None:
        """As `SteppedUpstreams`."""
        self._providers.clear()
        self._turns.clear()


class RedisUpstreams:
    """The script that the gateway runs, on a real server."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(url, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S)
        self._redis.script_load(SCRIPT.source)
        self._prefix = f"conformance:{uuid4().hex}:"
        self._keys: set[str] = set()

    def admit(self, provider: str, rules: Rules, now_ms: int) -> Admission | Refused:
        """As `SteppedUpstreams`."""
        return upstream_script.answer(self._run(provider, upstream_script.admit(rules), now_ms), provider, rules)

    def still_closed(self, admission: Admission, rules: Rules, now_ms: int) -> bool:
        """As `SteppedUpstreams`."""
        reply = self._run(admission.provider, upstream_script.still_closed(rules, admission), now_ms)
        return upstream_script.said(reply) == "closed"

    def finish(  # noqa: PLR0913 - as the protocol
        self,
        admission: Admission,
        outcome: Outcome,
        attempts: Sequence[Attempted],
        rules: Rules,
        now_ms: int,
        *,
        retry_after_ms: int = 0,
    ) -> State:
        """As `SteppedUpstreams`."""
        call = upstream_script.finish(rules, admission, outcome, attempts, retry_after_ms)
        return upstream_script.state(self._run(admission.provider, call, now_ms))

    def probed(self, provider: str, endpoint: int, rules: Rules, now_ms: int, *, well: bool) -> None:
        """As `SteppedUpstreams`."""
        self._run(provider, upstream_script.probed(rules, endpoint, well=well), now_ms)

    def turn(self, name: str, every_ms: int, now_ms: int) -> bool:
        """As `SteppedUpstreams`."""
        return bool(number(self._run(upstream_script.TURN_PREFIX + name, upstream_script.turn(every_ms), now_ms)))

    def look(self, provider: str, rules: Rules, now_ms: int) -> Upstream:
        """As `SteppedUpstreams`."""
        return self.shared(provider, rules, now_ms).look(rules, now_ms)

    def shared(self, provider: str, rules: Rules, now_ms: int) -> SharedUpstream:
        """As `SteppedUpstreams`."""
        return upstream_script.shared(self._run(provider, upstream_script.look(rules), now_ms))

    def _run(self, name: str, call: Call, now_ms: int) -> Reply:
        key = self._prefix + name
        self._keys.add(key)
        words: tuple[Any, ...] = SCRIPT.arguments(Word(key, call), now_ms=now_ms)
        return cast("Reply", self._redis.evalsha(SCRIPT.sha, *words))

    def close(self) -> None:
        """As `SteppedUpstreams`."""
        while self._keys:
            self._redis.delete(*[self._keys.pop() for _ in range(min(len(self._keys), DELETE_MAX))])
        self._redis.close()
