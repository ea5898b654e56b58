"""The read path in process: instances whose memory, time and surroundings are the judge's to command."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast
from urllib.parse import parse_qsl, urlsplit

from reference_gateway.adapters.redis.stepped_cache import MemoryCache, RedisCache
from reference_gateway.conformance.limits import problem_of
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
from reference_gateway.core.cache.entry import Lifetimes
from reference_gateway.core.cache.invalidation import accepted, missing_scope
from reference_gateway.core.cache.l2 import L2InMemoryCache
from reference_gateway.core.cache.reading import nothing_known, status_of, warnings_of
from reference_gateway.core.cache.refreshes import Outside
from reference_gateway.core.cache.tiers import MultiTierCache, Pending
from reference_gateway.core.filters import parse_query
from reference_gateway.core.limiter import Ask, Policy, StoreAway
from reference_gateway.core.pages import Page, ProviderList, moment_of, page_body, snapshot_of, version_of
from reference_gateway.core.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reference_gateway.adapters.redis.stepped_cache import SteppedCache
    from reference_gateway.conformance.limits import LimitedGateway
    from reference_gateway.conformance.turns import MovingClock
    from reference_gateway.conformance.world import StoreState, Upstream
    from reference_gateway.core.answers import Answer
    from reference_gateway.core.cache.entry import Entry
    from reference_gateway.core.cache.shown import Shown
    from reference_gateway.core.query import Query

INVALIDATE_PATH = "/internal/v1/cache/invalidate"
OPERATE = "operate"
MARGIN = 20
"""A twentieth of the deadline is left for the answer's way out."""

Life = Literal["running", "paused", "killed"]


class Asked(Protocol):
    """A request: by attribute, as the judge's own has them."""

    @property
    def ticket(self) -> int:
        """The judge's number for it."""

    @property
    def instance(self) -> int:
        """Who is asked."""

    @property
    def method(self) -> str:
        """As HTTP has it."""

    @property
    def path(self) -> str:
        """With its query."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""

    @property
    def credential(self) -> Mapping[str, Any]:
        """A proven `{kind, name, plan, scope}`."""


@dataclass(frozen=True)
class Answered:
    """The answer to what was submitted."""

    ticket: int
    heard_ms: int
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Times:
    """What the instances go by, in ms."""

    lifetimes: Lifetimes
    lease_ms: int
    budget_ms: int
    deadline_ms: int
    timeout_ms: int


def times_of(settings: Mapping[str, str]) -> Times:
    """Read the settings; what is missing has the contract's default."""

    def ms(name: str, default: str) -> int:
        return int(Decimal(settings.get(f"GATEWAY_{name}_S", default)) * 1000)

    beta = float(settings.get("GATEWAY_XFETCH_BETA", "1.0"))
    return Times(
        Lifetimes(ms("TTL_PRICING", "60"), ms("STALE", "86400"), beta),
        lease_ms=ms("LEASE", "6"),
        budget_ms=ms("REDIS_BUDGET", "0.05"),
        deadline_ms=ms("DEADLINE", "5"),
        timeout_ms=ms("UPSTREAM_TIMEOUT", "4"),
    )


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
        l1 = SteppedL1(line, runtime, times.lifetimes, times.lease_ms, name)
        provider = SteppedProvider(lambda provider: self.call(number, provider), runtime, times.timeout_ms)
        return Outside(l1, provider, runtime, NobodyCounts())

    def open_cache(self, outside: Outside) -> MultiTierCache:
        """Make an instance's tiers."""
        lifetimes = self.times.lifetimes
        return MultiTierCache(L2InMemoryCache(lifetimes.keep_ms), outside, lifetimes, self.times.lease_ms)

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
        """Answer the list of offers: what Cache-Status says, and the body or the problem that there is none."""
        if problem := problem_of(asked.method, asked.path):
            return "", problem
        query = parse_query(parse_qsl(urlsplit(asked.path).query, keep_blank_values=True))
        shown = await self.find(instance, sorted(filter(self.providers, query.providers)), until_ms)
        return status_of(shown), nothing_known(shown) or self.render(query, shown)

    async def find(self, instance: Instance, names: Sequence[str], until_ms: int) -> list[Shown]:
        """Begin all, then wait for each; the flights go on side by side."""
        begun = [instance.cache.begin(name) for name in names]
        return [await instance.cache.wait(b, until_ms) if isinstance(b, Pending) else b for b in begun]

    def render(self, query: Query, shown: Sequence[Shown]) -> bytes:
        """Write the first page of the list; further ones are for HTTP."""
        lists = [_list_of(each.provider, each.entry) for each in shown if each.entry is not None]
        snapshot = snapshot_of(moment_of(lists, warnings_of(shown), self.turns.clock.now_ms()))
        return page_body(Page(snapshot, snapshot.select(query), 0, query.limit), None)

    async def invalidate(self, instance: Instance, asked: Asked, trace_id: str) -> Answer:
        """Mark a provider's key, for who may."""
        provider = dict(parse_qsl(urlsplit(asked.path).query)).get("provider", "")
        scopes = str(asked.credential.get("scope", "")).split()
        if asked.credential["kind"] != "service" or OPERATE not in scopes:
            return answers.failed(missing_scope(OPERATE), trace_id)
        if not self.providers(provider):
            return answers.failed(Problem("not-found", "there is no such provider"), trace_id)
        everywhere = await instance.cache.invalidate(provider)
        return accepted(provider, everywhere=everywhere)


def _list_of(provider: str, entry: Entry) -> ProviderList:
    return ProviderList(provider, version_of(entry.as_of_ms, entry.offers), entry.as_of_ms, entry.offers)
