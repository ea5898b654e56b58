"""The read path in process: instances whose memory, time and surroundings are the judge's to command."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast
from urllib.parse import parse_qsl, urlsplit

from reference_gateway.adapters.redis.stepped_cache import MemoryCache, RedisCache
from reference_gateway.conformance.asked import Answered
from reference_gateway.conformance.limits import problem_of
from reference_gateway.conformance.times import times_of
from reference_gateway.conformance.turns import Process, Turns
from reference_gateway.conformance.world import (
    Line,
    NobodyCounts,
    SteppedL1,
    SteppedProvider,
    SteppedRuntime,
    Store,
)
from reference_gateway.core import answers
from reference_gateway.core.cache.invalidation import accepted, missing_scope
from reference_gateway.core.cache.l2 import L2InMemoryCache
from reference_gateway.core.cache.reading import nothing_known, status_of, warnings_of
from reference_gateway.core.cache.refreshes import Outside
from reference_gateway.core.cache.tiers import MultiTierCache, Pending
from reference_gateway.core.catalog import catalog_body
from reference_gateway.core.filters import parse_query
from reference_gateway.core.limiter import Ask, Policy, StoreAway
from reference_gateway.core.pages import (
    Page,
    ProviderList,
    moment_of,
    offer_body,
    page_body,
    snapshot_of,
    version_of,
)
from reference_gateway.core.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reference_gateway.adapters.redis.stepped_cache import SteppedCache
    from reference_gateway.conformance.asked import Asked
    from reference_gateway.conformance.limits import LimitedGateway
    from reference_gateway.conformance.turns import MovingClock
    from reference_gateway.conformance.world import StoreState, Upstream
    from reference_gateway.core.answers import Answer
    from reference_gateway.core.cache.entry import Entry
    from reference_gateway.core.cache.shown import Shown
    from reference_gateway.core.pages import Moment
    from reference_gateway.core.query import Query

CATALOG_PATH = "/api/v2/providers/catalog"
INVALIDATE_PATH = "/internal/v1/cache/invalidate"
OPERATE = "operate"
MARGIN = 20
"""A twentieth of the deadline is left for the answer's way out."""

_OFFER_PATH = re.compile(r"/api/v2/providers/([0-9a-f]{16})")
Life = Literal["running", "paused", "killed"]


@dataclass
class Instance:
    """One process: its memory, and its way to the store."""

    number: int
    process: Process
    runtime: SteppedRuntime
    line: Line
    cache: MultiTierCache


class Reads:
    """The driver: requests go in, time passes when it is told to, answers come out."""

    def __init__(
        self,
        gateway: LimitedGateway,
        *,
        call: Callable[[int, str], Upstream],
        dice: Callable[[], float],
        providers: Callable[[str], bool],
        redis_url: str | None,
    ) -> None:
        """Open the store and as many instances as the gateway has."""
        self.gateway = gateway
        self.call, self.dice, self.providers = call, dice, providers
        self.times = times_of(gateway.settings)
        self.turns = Turns(cast("MovingClock", gateway.clock))
        self.shared = Store(self.open_shared(redis_url), self.tell)
        self.generations = 0
        self.known: dict[str, None] = {}
        self.instances = [self.open_instance(number, Process()) for number in range(gateway.instances)]
        self._answers: list[Answered] = []

    # What a judge does.

    def submit(self, asked: Asked) -> None:
        """Hand a request to its instance now; its answer comes from a later `run`."""
        instance = self.instances[asked.instance]
        self.turns.start(instance.process, self._serve(instance, asked))

    def run(self, until_ms: int) -> list[Answered]:
        """Do all that falls due up to and including `until_ms`, advancing the clock to exactly that moment."""
        self.turns.run(until_ms)
        answered, self._answers = self._answers, []
        return answered

    def store(self, state: StoreState) -> None:
        """Set how the shared store is."""
        self.shared.state = state

    def life(self, instance: int, life: Life) -> None:
        """Set how an instance is; a killed one that runs again has an empty memory."""
        known = self.instances[instance]
        if life == "paused":
            self.turns.pause(known.process)
        elif life == "running":
            self.turns.resume(known.process)
        else:
            known.line.dead = True
            self.turns.kill(known.process)
            self.instances[instance] = self.open_instance(instance, known.process)
            self.turns.pause(known.process)

    def close(self) -> None:
        """Give back what was opened, and leave nothing of this driver in Redis."""
        for instance in self.instances:
            instance.line.dead = True
            self.turns.kill(instance.process)
        self.shared.cache.close()

    # How an instance is made.

    def open_shared(self, redis_url: str | None) -> SteppedCache:
        """Open an empty tier that all instances share."""
        return RedisCache(redis_url) if redis_url else MemoryCache()

    def open_instance(self, number: int, process: Process) -> Instance:
        """Start an instance with an empty memory."""
        self.generations += 1
        runtime = SteppedRuntime(self.turns, process, self.dice)
        line = self.open_line(runtime, lambda: self.found_back(number))
        cache = self.open_cache(self.open_outside(number, runtime, line))
        return Instance(number, process, runtime, line, cache)

    def open_line(self, runtime: SteppedRuntime, back: Callable[[], None]) -> Line:
        """Make an instance's way to the store."""
        return Line(self.shared, runtime, self.times.budget_ms, back)

    def open_outside(self, number: int, runtime: SteppedRuntime, line: Line) -> Outside:
        """Make what an instance's flights meet."""
        times, name = self.times, f"{number}.{self.generations}"
        l1 = SteppedL1(line, runtime, times, name)
        provider = SteppedProvider(lambda provider: self.call(number, provider), runtime, times.timeout_ms)
        return Outside(l1, provider, runtime, NobodyCounts())

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

    # How a request is answered.

    async def _serve(self, instance: Instance, asked: Asked) -> None:
        answer = await self.answer(instance, asked)
        now_ms = self.turns.clock.now_ms()
        self._answers.append(Answered(asked.ticket, now_ms, int(answer.status), dict(answer.headers), answer.body))

    async def answer(self, instance: Instance, asked: Asked) -> Answer:
        """Answer by the path: what the limit counts is limited first."""
        trace_id, path = self.gateway.new_trace_id(), urlsplit(asked.path).path
        if path == INVALIDATE_PATH:
            return await self.invalidate(instance, asked, trace_id)
        if not path.startswith("/api/"):
            return answers.failed(Problem("not-found", "this driver serves no such path"), trace_id)
        return await self.limited(instance, asked, trace_id)

    async def limited(self, instance: Instance, asked: Asked, trace_id: str) -> Answer:
        """Refuse, or answer whoever is admitted."""
        gateway, until_ms = self.gateway, self.deadline_ms()
        identity = gateway.identify(asked.credential, asked.headers)
        policy = Policy(identity.plan, gateway.limit_for(identity.plan), gateway.limits.window_us)
        await self.reach_limiter(instance)
        decision = gateway.decide(instance.number, Ask(gateway.window_key(identity), policy.limit, policy.window_us))
        if not decision.admitted:
            return answers.refused(identity, policy, decision, trace_id)
        status, found = await self.read(instance, asked, until_ms)
        extra = (("cache-status", status),) if status else ()
        if isinstance(found, Problem):
            return answers.failed(found, trace_id, (*answers.limited(policy, decision, trace_id), *extra))
        known = asked.headers.get("if-none-match")
        return answers.admitted(answers.entry(found), known, policy, decision, trace_id, extra=extra)

    def deadline_ms(self) -> int:
        """Say until when a request that comes now waits."""
        return self.turns.clock.now_ms() + self.times.deadline_ms - self.times.deadline_ms // MARGIN

    async def reach_limiter(self, instance: Instance) -> None:
        """Let the limiter be the first that meets a store that hangs, as it is in every request."""
        try:
            await instance.line.reach()
        except StoreAway:
            return

    async def read(self, instance: Instance, asked: Asked, until_ms: int) -> tuple[str, bytes | Problem]:
        """Answer a read by its path: what Cache-Status says, and the body or the problem that there is none."""
        if asked.method == "GET" and asked.path == CATALOG_PATH:
            return await self.read_catalog(instance, until_ms)
        if asked.method == "GET" and (offer := _OFFER_PATH.fullmatch(asked.path)):
            return await self.read_offer(instance, offer[1], until_ms)
        if problem := problem_of(asked.method, asked.path):
            return "", problem
        query = parse_query(parse_qsl(urlsplit(asked.path).query, keep_blank_values=True))
        shown = await self.find(instance, self.asked_of(query), until_ms)
        return status_of(shown), self.nothing_known(shown) or self.render(query, shown)

    async def read_catalog(self, instance: Instance, until_ms: int) -> tuple[str, bytes | Problem]:
        """Answer the catalogue, of lists that are no older than the static TTL."""
        shown = await self.find(instance, tuple(self.known), until_ms, self.static_ttl_ms())
        return status_of(shown), self.nothing_known(shown) or catalog_body(tuple(self.known), self.moment(shown))

    async def read_offer(self, instance: Instance, offer_id: str, until_ms: int) -> tuple[str, bytes | Problem]:
        """Answer one offer, as fresh as its own provider's list."""
        shown = await self.find(instance, tuple(self.known), until_ms)
        snapshot = snapshot_of(self.moment(shown))
        if (offer := snapshot.offers.get(offer_id)) is None:
            unknown = [each for each in shown if each.entry is None]
            return status_of(shown), self.nothing_known(unknown) or Problem("not-found", "no provider has this offer")
        own = [each for each in shown if each.provider == offer.provider]
        return status_of(own), offer_body(snapshot, offer, warnings_of(own))

    def asked_of(self, query: Query) -> Sequence[str]:
        """Name the providers of a query; without a filter those that were ever named, for there is no list of all."""
        named = sorted(filter(self.providers, query.providers))
        self.known.update(dict.fromkeys(named))
        return named if query.providers else tuple(self.known)

    async def find(
        self, instance: Instance, names: Sequence[str], until_ms: int, ttl_ms: int | None = None
    ) -> list[Shown]:
        """Begin all, then wait for each; the flights go on side by side."""
        begun = [instance.cache.begin(name, ttl_ms=ttl_ms) for name in names]
        return [await instance.cache.wait(b, until_ms) if isinstance(b, Pending) else b for b in begun]

    def static_ttl_ms(self) -> int:
        """Say how old a list may be for the catalogue."""
        return self.times.static_ttl_ms

    def nothing_known(self, shown: Sequence[Shown]) -> Problem | None:
        """Return the problem of an answer that has nothing to show."""
        return nothing_known(shown)

    def render(self, query: Query, shown: Sequence[Shown]) -> bytes:
        """Write the first page of the list; further ones are for HTTP."""
        snapshot = snapshot_of(self.moment(shown))
        return page_body(Page(snapshot, snapshot.select(query), 0, query.limit), None)

    def moment(self, shown: Sequence[Shown]) -> Moment:
        """Put together what is shown."""
        lists = [_list_of(each.provider, each.entry) for each in shown if each.entry is not None]
        return moment_of(lists, warnings_of(shown), self.turns.clock.now_ms())

    async def invalidate(self, instance: Instance, asked: Asked, trace_id: str) -> Answer:
        """Mark a provider's key, for who may."""
        provider = json.loads(asked.body)["provider"]
        scopes = str(asked.credential.get("scope", "")).split()
        if asked.credential["kind"] != "service" or OPERATE not in scopes:
            return answers.failed(missing_scope(OPERATE), trace_id)
        if not self.providers(provider):
            return answers.failed(Problem("not-found", "there is no such provider"), trace_id)
        everywhere = await instance.cache.invalidate(provider)
        return accepted(provider, everywhere=everywhere)


def _list_of(provider: str, entry: Entry) -> ProviderList:
    return ProviderList(provider, version_of(entry.as_of_ms, entry.offers), entry.as_of_ms, entry.offers)
