"""P11 - Parallel fetch.

    A fetch over several providers begins all its calls before the first is answered: its time is the slowest
    provider's, not the sum.

The providers' own ledgers say when each call began and ended. Their latencies lie far apart from nothing and from each
other's sum, so that on the wire no tolerance decides: what is judged there is whether a whole call more was waited for.
Only a read that nobody else read beside is judged, for only its calls are surely all its own.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from gatespec.checkers.answers import Read, reads_of
from gatespec.checkers.calls import allowance_ms, ended_ms
from gatespec.checkers.findings import Breach, Findings
from gatespec.engine.chapter import Chapter, Needs
from gatespec.engine.reading import INSTANCES, UNHINDERED, ReadMachine
from gatespec.engine.story import after_asking, opens, told

if TYPE_CHECKING:
    from gatespec.engine.tally import Story
    from gatespec.history import Example
    from gatespec.read_ports import Failing, UpstreamCall

PROVIDERS_MAX = 12
LATENCY = st.integers(150, 300)
"""Long beside a request, short beside the deadline."""
MANY, FAR_APART = 3, 2
SLOW_MS = 100


class ParallelFetchMachine(ReadMachine):
    """Somebody reads several slow providers at once, none of whom is known or fresh.

    Feature: provider-api-gateway, Property 11
    """

    @opens(latencies=st.lists(LATENCY, min_size=2, max_size=PROVIDERS_MAX))
    def providers_arrive(self, latencies: list[int]) -> None:
        """Each is slow in its own way."""
        self.arrive(len(latencies))
        for name, latency_ms in zip(self.providers, latencies, strict=True):
            self.gateway.provider(name, latency_ms=latency_ms)

    @told(first=st.integers(0, PROVIDERS_MAX), count=st.integers(1, PROVIDERS_MAX), instance=INSTANCES)
    def reads(self, first: int, count: int, instance: int) -> None:
        """Read some of them; those that are fresh by now need no call."""
        self.ask(self.read(self.named(range(first, first + count)), instance))

    @told(who=st.integers(0, PROVIDERS_MAX), latency_ms=LATENCY, failing=st.sampled_from(("", "status")))
    def a_provider_changes(self, who: int, latency_ms: int, failing: Failing) -> None:
        """Let it be slower or faster; a failure takes its time as well."""
        self.gateway.provider(self.named([who])[0], latency_ms=latency_ms, failing=failing)

    @after_asking
    @told()
    def all_expire(self) -> None:
        """Wait until nothing is fresh any more."""
        self.let_age(1500)


def check(example: Example, since: int) -> Findings:
    """Hold every lone read against the ledgers of the providers that it asked."""
    findings = Findings()
    for read in reads_of(example, since):
        calls = own_calls(example, read)
        if len(calls) > 1:
            findings.answers += 1
            findings.sharp += 1
            if fault := _fault(read, calls, example):
                findings.breaches.append(Breach(fault, read.place))
    return findings


def own_calls(example: Example, read: Read) -> list[UpstreamCall]:
    """The calls that the read surely made itself: begun while it was under way, and nobody else read beside it."""
    reads = list(reads_of(example))
    if not all(read.is_alone(name, reads) for name in read.asked):
        return []
    return [c for c in example.calls if c.provider in read.asked and read.sent_ms <= c.began_ms <= read.heard_ms]


def _fault(read: Read, calls: list[UpstreamCall], example: Example) -> str | None:
    first_ended, last_ended = min(map(ended_ms, calls)), max(map(ended_ms, calls))
    last_began = max(calls, key=lambda call: call.began_ms)
    if last_began.began_ms > first_ended + allowance_ms(example):
        late_ms = last_began.began_ms - first_ended
        return f"the call to {last_began.provider} began {late_ms} ms after the first of {len(calls)} had been answered"
    whole_call_ms = min(ended_ms(call) - call.began_ms for call in calls)
    tolerated_ms = 0 if example.context.tier == "component" else whole_call_ms
    if read.heard_ms > last_ended + tolerated_ms:
        return f"answered {read.heard_ms - last_ended} ms after the slowest of {len(calls)} providers"
    return None


def witness(example: Example) -> Counter[str]:
    """Reads of several slow providers whose times, one after the other, would have been far longer."""
    marks: Counter[str] = Counter()
    for read in reads_of(example):
        took_ms = [ended_ms(call) - call.began_ms for call in own_calls(example, read)]
        if len(took_ms) >= MANY and min(took_ms) >= SLOW_MS:
            marks["all-begun-first"] += 1
            marks["slowest-bounds"] += sum(took_ms) >= FAR_APART * read.took_ms
    return marks


TOLD_FIRST: tuple[Story, ...] = (
    (
        ("providers_arrive", {"latencies": [300, 150, 200, 250, 180, 160, 220, 240]}),
        ("reads", {"first": 0, "count": 8, "instance": 0}),
        ("all_expire", {}),
        ("a_provider_changes", {"who": 3, "latency_ms": 150, "failing": "status"}),
        ("reads", {"first": 0, "count": 8, "instance": 1}),
    ),
)
SHORT_LIVED = {"GATEWAY_TTL_PRICING_S": "0.5", **UNHINDERED}

CHAPTER = Chapter(
    "P11",
    ParallelFetchMachine,
    check,
    witness,
    settings={"component": UNHINDERED, "wire": SHORT_LIVED, "real-time": UNHINDERED},
    examples={"component": 100, "wire": 15},
    steps=8,
    told_first=TOLD_FIRST,
    needs=Needs(),
)
