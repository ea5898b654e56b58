"""P10 - All unhealthy.

    With every provider failing that the read asks (those that its `provider` filter names, else all), it returns the
    last known offers (within `GATEWAY_STALE_S`), 200, with a warning and their age; with none known, 504 if one timed
    out, else 503 with `Retry-After`.

Two houses of providers: the one that fails is read alone and together with the one that is well, its twin. A read that
names no provider asks all that the gateway has, among them other stories': it is judged nowhere here.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from gatespec.checkers.ages import find_wrong_ages
from gatespec.checkers.answers import reads_of
from gatespec.checkers.calls import OK, Times, ledgers
from gatespec.checkers.fields import says_when_to_come_back
from gatespec.checkers.findings import Breach, Findings
from gatespec.checkers.shown import FAILED, TIMED_OUT, judge_shown
from gatespec.engine.chapter import Chapter, Needs
from gatespec.engine.crowd import in_process
from gatespec.engine.reading import FAILING, INSTANCES, UNHINDERED, Mood, ReadMachine
from gatespec.engine.story import opens, told

if TYPE_CHECKING:
    from gatespec.checkers.answers import Read
    from gatespec.engine.tally import Story
    from gatespec.history import Example

PROVIDERS = 3
ALL = tuple(range(PROVIDERS))
WHO = st.integers(0, PROVIDERS - 1)
WHOM = st.lists(WHO, min_size=1, max_size=PROVIDERS, unique=True)
FAILS: st.SearchStrategy[Mood] = st.sampled_from(FAILING)
HOW: st.SearchStrategy[Mood] = st.sampled_from((*FAILING, "quick"))
AGES = st.sampled_from((1200, 0, 2500))
"""Of the newest offers, in thousandths of a TTL."""


class AllUnhealthyMachine(ReadMachine):
    """Providers fail one by one or all at once, some of them known, and come back.

    Feature: provider-api-gateway, Property 10
    """

    @opens(known=st.lists(WHO, max_size=PROVIDERS, unique=True))
    def providers_arrive(self, known: list[int]) -> None:
        """Some of them are read while they are well."""
        self.arrive(PROVIDERS)
        if known:
            self.ask(self.read(self.named(known)))

    @told(how=FAILS)
    def all_fail(self, how: Mood) -> None:
        """Each call fails from now on."""
        for name in self.providers:
            self.become(name, how)

    @told(who=WHO, how=HOW)
    def a_provider_becomes(self, who: int, how: Mood) -> None:
        """One alone fails from now on, or is well again."""
        self.become(self.named([who])[0], how)

    @told(whom=WHOM, instance=INSTANCES, age_permille=AGES)
    def reads(self, whom: list[int], instance: int, age_permille: int) -> None:
        """Read some of them when the newest offers are so old."""
        self.let_age(age_permille)
        self.ask(self.read(self.named(whom), instance))

    @in_process
    @told()
    def all_grow_too_old(self) -> None:
        """Wait until nothing may be shown any more: drawn where time is the judge's, for it takes the longest."""
        self.let_age(1000, of_ms=self.times.stale_ms + 1)


def check(example: Example, since: int) -> Findings:
    """The one rule; the age beside what is stale; and when to come back."""
    findings = judge_shown(example, since)
    findings.breaches += find_wrong_ages(example, since)
    for read in reads_of(example, since):
        if read.exchange.status == FAILED and not says_when_to_come_back(read.exchange):
            found = read.exchange.headers.get("retry-after")
            what = f"answered 503 with Retry-After {found!r}, neither a date nor whole seconds of at least 1"
            findings.breaches.append(Breach(what, read.place))
    return findings


def witness(example: Example) -> Counter[str]:
    """Reads all of whose providers failed meanwhile."""
    marks: Counter[str] = Counter()
    by_name, times = ledgers(example), Times.of(example.context.settings)
    reads = list(reads_of(example))
    for read in reads:
        if not all(_failed(read, name, example) for name in read.asked):
            continue
        told = [by_name[name].surely_known(read.sent_ms) for name in read.asked]
        marks["last-known-served"] += all(read.of(name).is_stale for name in read.asked)
        marks["none-known-504"] += read.exchange.status == TIMED_OUT and not any(told)
        marks["none-known-503"] += read.exchange.status == FAILED and not any(told)
        marks["too-old"] += read.nothing_known and any(
            not known.perhaps_younger(times.stale_ms, read.sent_ms) for known in chain(*told)
        )
        marks["filter-narrowed"] += any(_is_twin(read, other) for other in reads)
    return marks


def _failed(read: Read, name: str, example: Example) -> bool:
    calls = [c for c in example.calls if c.provider == name and read.sent_ms <= c.began_ms <= read.heard_ms]
    return bool(calls) and all(call.outcome != OK for call in calls)


def _is_twin(failed: Read, other: Read) -> bool:
    """Whether it named the failing ones and a healthy one beside, and was shown that one."""
    more = set(other.asked) - set(failed.asked)
    return set(failed.asked) < set(other.asked) and any(other.of(name).is_fresh for name in more)


TOLD_FIRST: tuple[Story, ...] = (
    (
        ("providers_arrive", {"known": [0, 1, 2]}),
        ("a_provider_becomes", {"who": 0, "how": "fails"}),
        ("a_provider_becomes", {"who": 1, "how": "hangs"}),
        ("reads", {"whom": [0, 1], "instance": 1, "age_permille": 1200}),
        ("reads", {"whom": [0, 1, 2], "instance": 1, "age_permille": 0}),
        ("all_fail", {"how": "resets"}),
        ("all_grow_too_old", {}),
        ("reads", {"whom": [0, 1, 2], "instance": 0, "age_permille": 0}),
    ),
    (
        ("providers_arrive", {"known": []}),
        ("a_provider_becomes", {"who": 0, "how": "babbles"}),
        ("a_provider_becomes", {"who": 1, "how": "hangs"}),
        ("reads", {"whom": [0], "instance": 0, "age_permille": 0}),
        ("reads", {"whom": [0, 1], "instance": 1, "age_permille": 0}),
        ("reads", {"whom": [1, 0], "instance": 0, "age_permille": 0}),
        ("reads", {"whom": [0, 1, 2], "instance": 0, "age_permille": 0}),
    ),
)
SHORT = {
    "GATEWAY_DEADLINE_S": "0.8",
    "GATEWAY_UPSTREAM_TIMEOUT_S": "0.4",
    "GATEWAY_LEASE_S": "1",
    "GATEWAY_TTL_PRICING_S": "0.5",
    "GATEWAY_STALE_S": "3",
    **UNHINDERED,
}

CHAPTER = Chapter(
    "P10",
    AllUnhealthyMachine,
    check,
    witness,
    settings={"component": UNHINDERED, "wire": SHORT, "real-time": {"GATEWAY_STALE_S": "180", **UNHINDERED}},
    examples={"component": 100, "wire": 12},
    steps=8,
    told_first=TOLD_FIRST,
    needs=Needs(),
)
