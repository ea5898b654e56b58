"""The reference gateway with one of its parts replaced by a wrong one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reference_gateway.adapters.redis.stepped_cache import MemoryCache
from reference_gateway.adapters.redis.stepped_upstreams import MemoryUpstreams
from reference_gateway.conformance import Reference
from reference_gateway.conformance.reads import Reads
from reference_gateway.conformance.upstreams import SteppedStore
from reference_gateway.conformance.world import Line, SteppedL1
from reference_gateway.core.cache.l2 import L2InMemoryCache
from reference_gateway.core.cache.refreshes import Outside, Refreshes
from reference_gateway.core.cache.tiers import MultiTierCache
from reference_gateway.core.credentials.manager import VaultCredentialManager
from reference_gateway.core.credentials.said import Said
from reference_gateway.core.upstream.balancer import Balancer
from reference_gateway.core.upstream.calls import Calls
from reference_gateway.core.upstream.places import Places
from reference_gateway.core.upstream.polls import Polls
from reference_gateway.core.upstream.probes import Probes
from reference_gateway.core.upstream.rounds import Rounds

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference_gateway.adapters.redis.stepped_cache import SteppedCache
    from reference_gateway.adapters.redis.stepped_upstreams import SteppedUpstreams
    from reference_gateway.conformance.world import SteppedRuntime
    from reference_gateway.core.upstream.calls import Surroundings

FOR_EVER_MS = 10**13


class Assembled(Reads):
    """Opens each part as the right one does, but for those of `wrong`, each in the place of its own kind."""

    wrong: tuple[type, ...] = ()

    def kind(self, right: type[Any]) -> type[Any]:
        return next((part for part in self.wrong if issubclass(part, right)), right)

    def open_shared(self, redis_url: str | None) -> SteppedCache:
        shared: SteppedCache = self.kind(MemoryCache)() if redis_url is None else super().open_shared(redis_url)
        return shared

    def open_line(self, runtime: SteppedRuntime, back: Callable[[], None]) -> Line:
        line: Line = self.kind(Line)(self.shared, runtime, self.times.budget_ms, back)
        return line

    def open_outside(self, number: int, runtime: SteppedRuntime, line: Line, calls: Calls) -> Outside:
        outside, name = super().open_outside(number, runtime, line, calls), f"{number}.{self.generations}"
        return outside._replace(l1=self.kind(SteppedL1)(line, runtime, self.times, name))

    def open_upstreams(self, redis_url: str | None) -> SteppedUpstreams:
        pure: SteppedUpstreams = self.kind(MemoryUpstreams)()
        return pure if redis_url is None else super().open_upstreams(redis_url)

    def open_store(self, line: Line, runtime: SteppedRuntime) -> SteppedStore:
        store: SteppedStore = self.kind(SteppedStore)(line, runtime, self.upstreams, self.rules_of)
        return store

    def open_credentials(self, number: int, runtime: SteppedRuntime) -> VaultCredentialManager:
        right: type[Any] = self.kind(VaultCredentialManager)
        manager: type[Any] = type(right.__name__, (right,), {"said_kind": self.kind(Said)})
        made: VaultCredentialManager = manager(self.open_vault(number, runtime), self.times.credentials)
        return made

    def open_calls(self, surroundings: Surroundings) -> Calls:
        right: type[Any] = self.kind(Calls)
        parts = {"places_kind": self.kind(Places), "balancer_kind": self.kind(Balancer)}
        calls: Calls = type(right.__name__, (right,), parts)(surroundings, self.times.timeout_ms)
        return calls

    def open_rounds(self, surroundings: Surroundings) -> Rounds:
        rounds: Rounds = self.kind(Rounds)(surroundings.store, surroundings.runtime)
        return rounds

    def open_probes(self, surroundings: Surroundings, rounds: Rounds) -> Probes:
        times, kind = self.times, self.kind(Probes)
        probes: Probes = kind(surroundings, rounds, every_ms=times.health_ms, timeout_ms=times.timeout_ms)
        return probes

    def open_polls(self, cache: MultiTierCache, rounds: Rounds) -> Polls:
        polls: Polls = self.kind(Polls)(cache, rounds)
        return polls

    def open_cache(self, outside: Outside) -> MultiTierCache:
        right: type[Any] = self.kind(MultiTierCache)
        tiers: Any = type(right.__name__, (right,), {"refreshes_kind": self.kind(Refreshes)})
        times, l2 = self.times, self.kind(L2InMemoryCache)(self.times.use_ms)
        cache: MultiTierCache = tiers(l2, outside, times.lifetimes, times.lease_ms)
        return cache


def reference_with(*wrong: type[Any]) -> type[Reference]:
    """Return the gateway of these parts; a whole driver is taken as it is."""
    reads = next((part for part in wrong if issubclass(part, Reads)), None)
    reads = reads or type("Reads", (Assembled,), {"wrong": wrong})
    return type(wrong[0].__name__, (Reference,), {"reads_kind": reads})
