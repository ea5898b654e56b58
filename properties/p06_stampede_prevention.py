"""P06 - Stampede prevention.

    However many concurrent reads meet a missing or expired key, at most one call per key runs at a time across all
    instances, while Redis is reachable and no leader has been silent for longer than `GATEWAY_LEASE_S`; on expiry the
    leader waits and the others get the stale entry, marked, if it expired less than one TTL ago, else they wait.
    Before expiry one reader refreshes early (XFetch). An invalidated key is refreshed in the background while readers
    get the old entry at once, marked stale.

Everything is decided by the providers' ledgers. A leader is stopped in the midst of the refresh that an invalidation
began, for that one nobody waits for: paused, it comes back with an answer that has been replaced; killed, it does not
come back. Early refreshes are a matter of dice: a story that reads shortly before an expiry twice does so often enough
that a gateway which draws as XFetch does passes all of it by with a chance of less than 1e-9. That is the chance of
convicting it; one that never refreshes early is convicted by the first story of every run.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from gatespec.checkers.calls import OK, ended_ms
from gatespec.checkers.findings import Breach
from gatespec.checkers.flights import INVALIDATED_MS, Key, asks_within_ms, is_refreshed_early, judge_flights, keys_of
from gatespec.engine.chapter import Chapter, Needs
from gatespec.engine.reading import SEEDS, UNHINDERED, ReadMachine
from gatespec.engine.story import after_asking, opens, told
from gatespec.read_ports import Act

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatespec.checkers.answers import Read
    from gatespec.checkers.findings import Findings
    from gatespec.engine.tally import Story
    from gatespec.history import Example
    from gatespec.ports import Request
    from gatespec.read_ports import Failing, Life, UpstreamCall

PROVIDERS = 2
WHO = st.integers(0, PROVIDERS - 1)
EACH = st.integers(1, 4)
SHARE = 300
"""A call takes so many thousandths of a TTL, and at most half its time-out."""
TRICKLE = (0, 250, 500, 750, 1300)
"""When readers come, in thousandths of a call: first, while it runs, and after it."""
LEFT = (900, 700, 500, 350, 250, 150, 100, 50, 25, 10, 5, 2, 1)
"""How much is left until the expiry when readers come, in thousandths of a call."""
CROWD = 2
STOPS = st.sampled_from(("paused", "killed"))
FAILS: st.SearchStrategy[Failing] = st.sampled_from(("status", "reset", ""))
AGES = st.sampled_from((1500, 0, 1500, 2600))
"""Of the newest offers, in thousandths of a TTL: expired less than one ago, fresh, expired longer ago."""
ACCEPTED = range(200, 300)


class StampedeMachine(ReadMachine):
    """Crowds read on all instances, while keys are missing, expire, are invalidated, and leaders stop.

    Feature: provider-api-gateway, Property 6
    """

    @opens(seed=SEEDS)
    def providers_arrive(self, seed: int) -> None:
        """They take their time to answer; the dice for early refreshes are thrown anew, where they can be."""
        self.gateway.dice(seed)
        self.arrive(PROVIDERS)
        self.call_ms = min(self.times.ttl_ms * SHARE // 1000, self.times.timeout_ms // 2)
        for name in self.providers:
            self.gateway.provider(name, latency_ms=self.call_ms)

    def settle(self) -> None:
        """Whoever was served what is old has somebody asking for him a moment later."""
        self.gateway.wait(asks_within_ms(self.example))

    @told(who=WHO, each=EACH, age_permille=AGES)
    def a_crowd_reads(self, who: int, each: int, age_permille: int) -> None:
        """So many on every instance, all at once, when the newest offers are so old."""
        self.let_age(age_permille)
        self.read_everywhere(self.named([who]), each)

    @told(who=WHO, first=st.integers(0, 3), age_permille=AGES)
    def readers_trickle_in(self, who: int, first: int, age_permille: int) -> None:
        """One after another on all instances in turn, while a call is under way."""
        self.let_age(age_permille)
        self.ask(*self._trickle(self.named([who]), first))

    @after_asking
    @told()
    def readers_come_shortly_before_the_expiry(self) -> None:
        """All is fetched anew, and then read again and again until it is about to expire."""
        self.let_age(1500)
        self.ask(self.read(self.providers))
        age_ms = self.times.ttl_ms - self.call_ms - self.gateway.clock.now_ms() + self._newest_ms()
        self.gateway.wait(max(0, age_ms))
        begins = self.gateway.clock.now_ms()
        left = [self._newest_ms() + self.times.ttl_ms - self.call_ms * permille // 1000 - begins for permille in LEFT]
        come = [(name, n, delay) for delay in left if delay >= 0 for n in range(CROWD) for name in self.providers]
        self.ask(*(self.read([name], n, delay) for name, n, delay in come))

    def _newest_ms(self) -> int:
        called = (call.began_ms for call in self.gateway.calls(self.providers))
        return max(called, default=self.gateway.clock.now_ms())

    @after_asking
    @told(who=WHO, instance=st.integers(0, 3), readers=st.sampled_from(("many", "none")))
    def a_key_is_invalidated(self, who: int, instance: int, readers: str) -> None:
        """Readers come at once, or nobody; and when all must have heard of it."""
        self.invalidate(who, instance)
        if readers == "many":
            self.ask(*self._trickle(self.named([who]), instance))
        self.gateway.wait(INVALIDATED_MS + self.call_ms)
        self.read_everywhere(self.named([who]), 1)

    @after_asking
    @told(who=WHO, life=STOPS)
    def a_leader_stops(self, who: int, life: Life) -> None:
        """In the midst of a refresh; others go on reading past its lease, and then it comes back."""
        names, rest = self.named([who]), range(1, self.gateway.instances)
        self.ask(*(self.read(names, instance) for instance in range(self.gateway.instances)))
        self.invalidate(who, 0)
        self.gateway.wait(self.call_ms // 4)
        self.gateway.life(0, life)
        self.ask(*(self.read(names, instance) for instance in rest))
        self.gateway.wait(self.times.lease_ms + self.call_ms // 4)
        self.ask(*(self.read(names, instance) for instance in rest))
        self.gateway.wait(2 * self.call_ms)
        self.ask(*(self.read(names, instance) for instance in rest))
        self.gateway.life(0, "running")
        self.gateway.wait(2 * INVALIDATED_MS)
        self.read_everywhere(names, 1)

    @after_asking
    @told(who=WHO)
    def a_leader_dies_while_all_wait(self, who: int) -> None:
        """What expired long ago is not shown: whoever waits for the dead one's call is answered by another's."""
        names, rest = self.named([who]), range(1, self.gateway.instances)
        self.let_age(2600)
        waiting = [self.read(names, instance, self.call_ms // 8) for instance in rest]
        dies = Act(self.call_ms // 4, lambda: self.gateway.life(0, "killed"))
        exchanges = self.gateway.during([self.read(names, 0), *waiting], dies)
        self.example.exchanges += sorted(exchanges, key=lambda e: e.span.sent_ms)
        self.gateway.wait(self.times.lease_ms)
        self.ask(*(self.read(names, instance) for instance in rest))
        self.gateway.life(0, "running")

    @told(who=WHO, failing=FAILS)
    def a_provider_changes(self, who: int, failing: Failing) -> None:
        """Let its calls fail, or succeed again; a failure takes as long."""
        self.gateway.provider(self.named([who])[0], latency_ms=self.call_ms, failing=failing)

    def invalidate(self, who: int, instance: int) -> None:
        """Invalidate a key, and keep what was answered."""
        said = self.gateway.invalidate(self.named([who])[0], instance % self.gateway.instances)
        self.example.exchanges.append(said)

    def _trickle(self, names: Sequence[str], first: int) -> list[Request]:
        return [
            self.read(names, first + place, self.call_ms * permille // 1000) for place, permille in enumerate(TRICKLE)
        ]


def check(example: Example, since: int) -> Findings:
    """One call at a time; nobody waits in vain; and invalidations are accepted."""
    findings = judge_flights(example, since)
    for place, exchange in enumerate(example.exchanges[since:], since):
        if exchange.request.method == "POST" and exchange.status not in ACCEPTED:
            findings.breaches.append(Breach(f"an invalidation was answered {exchange.status}", place))
    return findings


def witness(example: Example) -> Counter[str]:
    """What happened to each key."""
    marks: Counter[str] = Counter()
    for key in keys_of(example):
        marks["early-refresh"] += sum(is_refreshed_early(key, known) for known in key.ledger.known)
        for call in key.ledger.calls:
            marks += _marks_of_call(key, call)
        for read in key.reads:
            marks["waited-when-older"] += _waited_when_older(key, read)
    return marks


def _marks_of_call(key: Key, call: UpstreamCall) -> Counter[str]:
    met = [r for r in key.reads if r.sent_ms < ended_ms(call) and r.heard_ms > call.began_ms]
    instances = {read.exchange.request.instance for read in met}
    known = key.ledger.surely_known(call.began_ms)
    led = any(read.of(key.name).serial == call.serial for read in met)
    stale = any(read.of(key.name).is_stale for read in met)
    invalidated = [d for d in key.invalidations if d.began_ms <= call.began_ms <= d.done_ms + INVALIDATED_MS]
    stopped = [s for s in key.stops if any(_is_cut(c, s.began_ms) for c in key.ledger.calls[: call.serial - 1])]
    return Counter(
        {
            "stampede": int(len(instances) > 1 and not known and call.outcome == OK),
            "stale-while-leading": int(led and stale and not invalidated),
            "invalidated": int(bool(invalidated) and stale and _is_shown_later(key, call)),
            "leader-lost": int(any(s.done_ms < call.began_ms for s in stopped) and _is_shown_later(key, call)),
        }
    )


def _is_cut(call: UpstreamCall, moment_ms: int) -> bool:
    return call.began_ms <= moment_ms <= ended_ms(call)


def _is_shown_later(key: Key, call: UpstreamCall) -> bool:
    return any(r.of(key.name).serial == call.serial and r.of(key.name).is_fresh for r in key.reads)


def _waited_when_older(key: Key, read: Read) -> bool:
    known = key.ledger.surely_known(read.sent_ms)
    old = bool(known) and not any(k.perhaps_younger(2 * key.times.ttl_ms, read.sent_ms) for k in known)
    return old and read in key.waiters.get(read.of(key.name).serial or 0, [])


TOLD_FIRST: tuple[Story, ...] = (
    (
        ("providers_arrive", {"seed": 1}),
        ("a_crowd_reads", {"who": 0, "each": 3, "age_permille": 0}),
        ("readers_trickle_in", {"who": 0, "first": 0, "age_permille": 1500}),
        ("a_crowd_reads", {"who": 0, "each": 2, "age_permille": 2600}),
        ("a_key_is_invalidated", {"who": 0, "instance": 1, "readers": "many"}),
        ("a_key_is_invalidated", {"who": 0, "instance": 0, "readers": "none"}),
        ("readers_come_shortly_before_the_expiry", {}),
        # Once would leave a chance of 6e-9 to a right gateway that is unlucky, with the reads of two instances.
        ("readers_come_shortly_before_the_expiry", {}),
    ),
    (
        ("providers_arrive", {"seed": 4}),
        ("a_provider_changes", {"who": 0, "failing": "status"}),
        ("a_crowd_reads", {"who": 0, "each": 1, "age_permille": 0}),
        ("a_provider_changes", {"who": 0, "failing": ""}),
        ("a_crowd_reads", {"who": 0, "each": 1, "age_permille": 0}),
    ),
    (
        ("providers_arrive", {"seed": 2}),
        ("a_crowd_reads", {"who": 0, "each": 1, "age_permille": 0}),
        ("a_leader_stops", {"who": 0, "life": "paused"}),
    ),
    (
        ("providers_arrive", {"seed": 3}),
        ("a_crowd_reads", {"who": 0, "each": 1, "age_permille": 0}),
        ("a_leader_stops", {"who": 0, "life": "killed"}),
        ("a_provider_changes", {"who": 0, "failing": "status"}),
        ("a_key_is_invalidated", {"who": 0, "instance": 1, "readers": "none"}),
    ),
)
EAGER = {**UNHINDERED, "GATEWAY_XFETCH_BETA": "1"}
SHORT = {
    "GATEWAY_TTL_PRICING_S": "1",
    "GATEWAY_UPSTREAM_TIMEOUT_S": "0.8",
    "GATEWAY_LEASE_S": "1",
    **EAGER,
}

CHAPTER = Chapter(
    "P06",
    StampedeMachine,
    check,
    witness,
    settings={"component": EAGER, "wire": SHORT, "real-time": EAGER},
    examples={"component": 100, "wire": 8},
    steps=8,
    told_first=TOLD_FIRST,
    needs=Needs(instances=4),
    on_cluster=26,
)
