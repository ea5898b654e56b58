"""The instances of a driver: how each is made, what it meets, and how news reach it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from reference_gateway.adapters.redis.stepped_cache import MemoryCache, RedisCache
from reference_gateway.adapters.redis.stepped_upstreams import MemoryUpstreams, RedisUpstreams
from reference_gateway.conformance.pages import PageBook
from reference_gateway.conformance.times import times_of
from reference_gateway.conformance.turns import Process, Turns
from reference_gateway.conformance.upstreams import SteppedStore, caller_of, terms_of
from reference_gateway.conformance.vault import SteppedVault
from reference_gateway.conformance.world import Line, NobodyCounts, SteppedL1, SteppedRuntime, SteppedWire, Store
from reference_gateway.core.cache.l2 import L2InMemoryCache
from reference_gateway.core.cache.refreshes import Outside
from reference_gateway.core.cache.tiers import MultiTierCache
from reference_gateway.core.credentials.manager import Outside as VaultOutside
from reference_gateway.core.credentials.manager import VaultCredentialManager
from reference_gateway.core.limiter import StoreAway
from reference_gateway.core.upstream.calls import Calls, Surroundings
from reference_gateway.core.upstream.polls import Polls
from reference_gateway.core.upstream.probes import Probes
from reference_gateway.core.upstream.rounds import Rounds
from reference_gateway.core.upstream.watching import Witness

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference_gateway.adapters.redis.stepped_cache import SteppedCache
    from reference_gateway.adapters.redis.stepped_upstreams import SteppedUpstreams
    from reference_gateway.conformance.asked import Answered
    from reference_gateway.conformance.limits import LimitedGateway
    from reference_gateway.conformance.turns import MovingClock
    from reference_gateway.conformance.vault import AskVault
    from reference_gateway.conformance.world import Ask, Declared
    from reference_gateway.core.credentials.ports import Credentials
    from reference_gateway.core.upstream.ports import Rules, UpstreamStore


@dataclass
class Instance:
    """One process: its memory, and its way to the store."""

    number: int
    process: Process
    runtime: SteppedRuntime
    line: Line
    cache: MultiTierCache
    calls: Calls
    store: UpstreamStore
    witness: Witness
    probes: Probes
    polls: Polls
    credentials: Credentials


class Instances:
    """As many as the gateway has, over one store; each is made anew after it was killed, part by part."""

    def __init__(  # noqa: PLR0913 - all that a judge has in his hand
        self,
        gateway: LimitedGateway,
        *,
        ask: Ask,
        left: Callable[[int], None],
        dice: Callable[[], float],
        vault: AskVault,
        redis_url: str | None,
    ) -> None:
        """Open the store and as many instances as the gateway has."""
        self.gateway = gateway
        self.ask, self.left, self.dice, self.vault = ask, left, dice, vault
        self.declared: dict[str, Declared] = {}
        self.times = times_of(gateway.settings)
        self.turns = Turns(cast("MovingClock", gateway.clock))
        self.shared = Store(self.open_shared(redis_url), self.tell)
        self.upstreams = self.open_upstreams(redis_url)
        self.pages = self.open_pages()
        self.generations = 0
        self.answered: list[Answered] = []
        self.known: dict[str, None] = {}
        self.instances = [self.open_instance(number, Process()) for number in range(gateway.instances)]

    def meet(self, instance: Instance, provider: Declared) -> None:
        """Let an instance know of a provider."""
        terms = terms_of(provider, self.times.poll_ms)
        instance.calls.add(provider.name, terms)
        instance.probes.watch(provider.name, len(terms.weights))
        instance.polls.watch(provider.name, terms.poll_ms)

    def open_shared(self, redis_url: str | None) -> SteppedCache:
        """Open an empty tier that all instances share."""
        return RedisCache(redis_url) if redis_url else MemoryCache()

    def open_upstreams(self, redis_url: str | None) -> SteppedUpstreams:
        """Open what all instances know of providers, which is nothing yet."""
        return RedisUpstreams(redis_url) if redis_url else MemoryUpstreams()

    def open_pages(self) -> PageBook:
        """Open what cursors lead to."""
        return PageBook(self.times.snapshot_ms)

    def open_instance(self, number: int, process: Process) -> Instance:
        """Start an instance with an empty memory."""
        self.generations += 1
        runtime = SteppedRuntime(self.turns, process, self.dice)
        line = self.open_line(runtime, lambda: self.found_back(number))
        witness = Witness(runtime.now_ms)
        credentials = self.open_credentials(number, runtime)
        surroundings = self.open_surroundings(number, runtime, line, witness, credentials)
        calls = self.open_calls(surroundings)
        cache = self.open_cache(self.open_outside(number, runtime, line, calls))
        rounds = self.open_rounds(surroundings)
        probes, polls = self.open_probes(surroundings, rounds), self.open_polls(cache, rounds)
        instance = Instance(
            number, process, runtime, line, cache, calls, surroundings.store, witness, probes, polls, credentials
        )
        for provider in self.declared.values():
            self.meet(instance, provider)
        return instance

    def open_credentials(self, number: int, runtime: SteppedRuntime) -> VaultCredentialManager:
        """Make what an instance knows of Vault."""
        return VaultCredentialManager(self.open_vault(number, runtime), self.times.credentials)

    def open_vault(self, number: int, runtime: SteppedRuntime) -> VaultOutside:
        """Make an instance's way to Vault."""
        return VaultOutside(SteppedVault(partial(self.vault, number), runtime), runtime)

    def open_surroundings(
        self, number: int, runtime: SteppedRuntime, line: Line, witness: Witness, credentials: Credentials
    ) -> Surroundings:
        """Make what an instance's calls meet."""
        caller = caller_of(self.declared, credentials, partial(self.open_wire, number, runtime), runtime)
        return Surroundings(self.open_store(line, runtime), caller, runtime, witness)

    def open_store(self, line: Line, runtime: SteppedRuntime) -> SteppedStore:
        """Make an instance's way to what all know of providers."""
        return SteppedStore(line, runtime, self.upstreams, self.rules_of)

    def rules_of(self, provider: str) -> Rules:
        """Say what a provider's breaker and endpoints go by."""
        return terms_of(self.declared[provider], self.times.poll_ms).rules(self.times.rules)

    def open_calls(self, surroundings: Surroundings) -> Calls:
        """Make an instance's calls."""
        return Calls(surroundings, self.times.timeout_ms)

    def open_rounds(self, surroundings: Surroundings) -> Rounds:
        """Make what an instance does again and again."""
        return Rounds(surroundings.store, surroundings.runtime)

    def open_probes(self, surroundings: Surroundings, rounds: Rounds) -> Probes:
        """Make an instance's probes."""
        times = self.times
        return Probes(surroundings, rounds, every_ms=times.health_ms, timeout_ms=times.timeout_ms)

    def open_polls(self, cache: MultiTierCache, rounds: Rounds) -> Polls:
        """Make an instance's polls."""
        return Polls(cache, rounds)

    def open_line(self, runtime: SteppedRuntime, back: Callable[[], None]) -> Line:
        """Make an instance's way to the store."""
        return Line(self.shared, runtime, self.times.budget_ms, back)

    def open_outside(self, number: int, runtime: SteppedRuntime, line: Line, calls: Calls) -> Outside:
        """Make what an instance's flights meet."""
        l1 = SteppedL1(line, runtime, self.times, f"{number}.{self.generations}")
        return Outside(l1, calls, runtime, NobodyCounts())

    def open_wire(  # noqa: PLR0913, PLR0917 - whose, where to, and for how long
        self, number: int, runtime: SteppedRuntime, provider: str, endpoint: int, within_ms: int, each_ms: int
    ) -> SteppedWire:
        """Make an instance's way to one endpoint of a provider, for one call."""
        url = self.declared[provider].endpoints[endpoint][0]
        return SteppedWire(
            lambda request: self.ask(number, provider, url, request), self.left, runtime, within_ms, each_ms
        )

    def open_cache(self, outside: Outside) -> MultiTierCache:
        """Make an instance's tiers."""
        times = self.times
        return MultiTierCache(L2InMemoryCache(times.use_ms), outside, times.lifetimes, times.lease_ms)

    def tell(self, key: str, news: str, floor: int) -> None:
        """Bring every instance the news of a key, as the store's messages do."""
        for instance in self.instances:
            if not instance.line.away:
                self.turns.start(instance.process, self.hear(instance, key, news, floor))

    async def hear(self, instance: Instance, key: str, news: str, floor: int) -> None:
        """Take note of news: whoever led is through, with an entry or without, or a key was invalidated."""
        if news == "outdated":
            instance.cache.mark(key, floor)
        elif news == "filled":
            instance.cache.filled(key)
        else:
            instance.cache.refreshes.news(key)

    def found_back(self, number: int) -> None:
        """Ask what was invalidated while the instance heard nothing."""
        instance = self.instances[number]
        self.turns.start(instance.process, self._revalidate(instance))

    async def _revalidate(self, instance: Instance) -> None:
        try:
            await instance.cache.revalidate()
        except StoreAway:
            return
