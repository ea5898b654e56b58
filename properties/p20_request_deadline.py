"""P20 - Request deadline.

    Every request is answered within 5 s (a stream: its first byte): per provider its fresh offers; else its last known
    within `GATEWAY_STALE_S` with warning `stale`; else left out with a warning. If nothing at all is known of the
    providers asked: 504 if any was pending or timed out, else 503. Provisioning, `warm` and `probe` that take longer
    answer 202.

The upstream time-out is longer than the deadline here, so that the deadline alone ends the waiting. Slow providers
stand beside fast ones: who waits for the slowest, and who throws away what the fast ones said, are found by the same
story. A gateway may stop waiting in the deadline's last quarter, so latencies lie well before it, or well after.
Streams, provisioning, `warm` and `probe` are judged where they are specified further: nothing here asks for them.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from gatespec.checkers.answers import reads_of
from gatespec.checkers.calls import Times, allowance_ms, ended_ms, ledgers
from gatespec.checkers.findings import Breach, Findings
from gatespec.checkers.shown import FAILED, TIMED_OUT, judge_shown
from gatespec.engine.chapter import Chapter, Needs
from gatespec.engine.reading import INSTANCES, MOODS, UNHINDERED, Mood, ReadMachine
from gatespec.engine.story import opens, told

if TYPE_CHECKING:
    from gatespec.checkers.answers import Read
    from gatespec.engine.tally import Story
    from gatespec.history import Example

PROVIDERS = 4
WHO = st.integers(0, PROVIDERS - 1)
WHOM = st.lists(WHO, min_size=1, max_size=PROVIDERS, unique=True)
AGES = st.sampled_from((0, 1300, 0, 2500))
"""Of the newest offers, in thousandths of a TTL."""
MOOD: st.SearchStrategy[Mood] = st.sampled_from(tuple(MOODS))


class DeadlineMachine(ReadMachine):
    """Somebody reads providers of every mood, known ones and unknown ones, together and apart.

    Feature: provider-api-gateway, Property 20
    """

    @opens(moods=st.lists(MOOD, min_size=PROVIDERS, max_size=PROVIDERS))
    def providers_arrive(self, moods: list[Mood]) -> None:
        """Each in its own mood."""
        self.arrive(PROVIDERS)
        for name, mood in zip(self.providers, moods, strict=True):
            self.become(name, mood)

    @told(whom=WHOM, instance=INSTANCES, age_permille=AGES)
    def reads(self, whom: list[int], instance: int, age_permille: int) -> None:
        """Read some of them when the newest offers are so old."""
        self.let_age(age_permille)
        self.ask(self.read(self.named(whom), instance))

    @told(whom=WHOM)
    def all_instances_read(self, whom: list[int]) -> None:
        """Read some of them everywhere at once."""
        self.read_everywhere(self.named(whom), 1)

    @told(who=WHO, mood=MOOD)
    def a_provider_becomes(self, who: int, mood: Mood) -> None:
        """Let its mood change."""
        self.become(self.named([who])[0], mood)


def check(example: Example, since: int) -> Findings:
    """In time; and what is shown by the one rule."""
    findings, deadline_ms = judge_shown(example, since), Times.of(example.context.settings).deadline_ms
    for place, exchange in enumerate(example.exchanges[since:], since):
        took_ms = exchange.span.heard_ms - exchange.span.sent_ms
        if took_ms > deadline_ms + allowance_ms(example):
            answered = "answered" if exchange.status else "not answered"
            findings.breaches.insert(0, Breach(f"{answered} after {took_ms} ms: {deadline_ms} ms are the limit", place))
    return findings


def witness(example: Example) -> Counter[str]:
    """Slow providers beside fast ones, known and unknown."""
    marks: Counter[str] = Counter()
    by_name = ledgers(example)
    for read in reads_of(example):
        slow = [n for n in read.asked if _is_slow(read, n, example)]
        marks["slow-provider"] += bool(slow) and any(read.of(name).is_fresh for name in set(read.asked) - set(slow))
        marks["stale-shown"] += any(read.of(name).is_stale for name in slow)
        unknown = [n for n in read.asked if not by_name[n].surely_known(read.sent_ms)]
        marks["left-out"] += not read.nothing_known and any(read.of(name).serial is None for name in unknown)
        marks["nothing-known-504"] += read.exchange.status == TIMED_OUT
        marks["nothing-known-503"] += read.exchange.status == FAILED
    return marks


def _is_slow(read: Read, name: str, example: Example) -> bool:
    return any(
        c.provider == name and c.began_ms <= read.heard_ms and ended_ms(c) > read.heard_ms for c in example.calls
    )


TOLD_FIRST: tuple[Story, ...] = (
    (
        ("providers_arrive", {"moods": ["quick", "hangs", "slow", "fails"]}),
        ("reads", {"whom": [0, 1, 2, 3], "instance": 0, "age_permille": 0}),
        ("reads", {"whom": [1], "instance": 0, "age_permille": 0}),
        ("reads", {"whom": [3], "instance": 1, "age_permille": 0}),
        ("a_provider_becomes", {"who": 0, "mood": "slow"}),
        ("a_provider_becomes", {"who": 3, "mood": "quick"}),
        ("reads", {"whom": [0, 3], "instance": 1, "age_permille": 1300}),
        ("all_instances_read", {"whom": [1, 3]}),
    ),
    (
        # Whom nobody asked before: what is pending is this read's own call, so only one status says so.
        ("providers_arrive", {"moods": ["hangs", "fails", "slow", "quick"]}),
        ("reads", {"whom": [0], "instance": 0, "age_permille": 0}),
        ("reads", {"whom": [2], "instance": 1, "age_permille": 0}),
    ),
)
PATIENT = {"GATEWAY_UPSTREAM_TIMEOUT_S": "8", "GATEWAY_LEASE_S": "10", **UNHINDERED}
SHORT = {
    "GATEWAY_DEADLINE_S": "0.8",
    "GATEWAY_UPSTREAM_TIMEOUT_S": "2",
    "GATEWAY_LEASE_S": "3",
    "GATEWAY_TTL_PRICING_S": "1.5",
    **UNHINDERED,
}

CHAPTER = Chapter(
    "P20",
    DeadlineMachine,
    check,
    witness,
    settings={"component": PATIENT, "wire": SHORT, "real-time": PATIENT},
    examples={"component": 100, "wire": 12},
    steps=8,
    told_first=TOLD_FIRST,
    needs=Needs(),
)
