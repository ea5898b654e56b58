"""P05 - No calls while open.

    While a breaker is open its provider receives no call (calls in flight when it opened may finish); its last known
    offers are served (when expired: `stale`), or it is left out with `breaker-open`. In half-open it receives at most 3
    calls over all instances. Polls count as calls; probes go to a path other than the list, named per adapter in
    `spec/` (lambda: `/images`), never enter the window, and stop while open.

When it is open is told by P04's rules from what the provider saw; so whoever breaks those is often convicted here too.
One of the providers is well and read beside the others, so that what is said of those is told with offers.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from gatespec.checkers.answers import SHOWN
from gatespec.checkers.periods import explained, is_open
from gatespec.checkers.withheld import OPEN, judge_withheld, reads_in, stretches_of
from gatespec.engine.chapter import Chapter, Needs
from gatespec.engine.crowd import in_process, is_in_process
from gatespec.engine.reading import INSTANCES, UNHINDERED, ReadMachine
from gatespec.engine.story import after_asking, opens, told
from gatespec.ports import Untestable
from gatespec.read_ports import Act, Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatespec.checkers.periods import Told
    from gatespec.checkers.withheld import Stretch
    from gatespec.engine.tally import Story
    from gatespec.history import Example
    from gatespec.ports import Identity, Request
    from gatespec.read_ports import Failing, UpstreamCall

POLL_S = 0.4
POLLED = Shape(poll_s=POLL_S)
POLL_MS = round(POLL_S * 1000)
WINDOW = 10
FAILING, WELL, THIRD = 0, 1, 2
"""Providers by their part; the third is polled, or plain as they are."""
WHO = st.sampled_from((FAILING, THIRD))
WHOM = st.sampled_from(([FAILING, WELL], [FAILING], [FAILING, WELL, THIRD], [THIRD, WELL], [THIRD]))
HOW: st.SearchStrategy[Failing] = st.sampled_from(("status", "", "reset", "undecodable", "unauthorized"))
PASSES = st.sampled_from((500, 1001, 950, 1300))
"""Of the open time, in thousandths."""
READERS = st.integers(2, 6)
ROUNDS = st.integers(1, 12)
BEATS = 3
"""So many polls or probes tell how often they are sent."""
SLOW = 2
"""A slow call takes such a part of its time-out."""


class NoCallsMachine(ReadMachine):
    """Breakers open by reads or by polls, while the readers, polls and probes go on.

    Feature: provider-api-gateway, Property 5
    """

    probes_matter = True

    @opens(polled=st.sampled_from((False, True, False)))
    def providers_arrive(self, polled: bool) -> None:  # noqa: FBT001 - a word of the story
        """The third may be polled; on a wire it was before, at prices of that time, which have to expire."""
        self.arrive(2)
        self.arrive(1, *([POLLED] if polled else []))
        self.slow_ms = self.times.timeout_ms // SLOW
        if polled:
            self.gateway.wait(POLL_MS + 1 if is_in_process(self) else self.times.ttl_ms + POLL_MS)

    @told(who=WHO, known=st.booleans())
    def it_opens(self, who: int, known: bool) -> None:  # noqa: FBT001 - a word of the story
        """Whatever is known has expired, and ten reads in a row fail; before, its offers may be fetched once more."""
        (name,) = self.named([who])
        if known:
            self.gateway.provider(name)
            self.ask(self.read([name]))
        self.gateway.wait(self.times.ttl_ms + 1)
        self.gateway.provider(name, failing="status")
        for place in range(WINDOW):
            self.ask(self.read([name], place))

    @told(whom=WHOM, instance=INSTANCES)
    def reads(self, whom: list[int], instance: int) -> None:
        """Read some of them."""
        self.ask(self.read(self.named(whom), instance))

    @told(who=WHO, how=HOW)
    def a_provider_becomes(self, who: int, how: Failing) -> None:
        """Let its calls end so from now on."""
        self.gateway.provider(self.named([who])[0], failing=how)

    @after_asking
    @told(permille=PASSES)
    def time_passes(self, permille: int) -> None:
        """Measured in open times, from now on: probes and polls are sent, or are not."""
        self.gateway.wait(self.open_ms * permille // 1000)

    @property
    def open_ms(self) -> int:
        """How long a breaker stays open."""
        return int(float(self.example.context.settings["GATEWAY_BREAKER_OPEN_S"]) * 1000)

    @told(rounds=ROUNDS)
    def polls_go_on(self, rounds: int) -> None:
        """Wait for so many."""
        self.gateway.wait(rounds * POLL_MS)

    @told(who=WHO, rounds=ROUNDS)
    def probes_fail(self, who: int, rounds: int) -> None:
        """Wait for so many; they say nothing of the list."""
        (name,) = self.named([who])
        every_ms = int(float(self.example.context.settings["GATEWAY_HEALTH_INTERVAL_S"]) * 1000)
        self.gateway.probes(name, 0, failing="status")
        self.gateway.wait(rounds * every_ms)
        self.gateway.probes(name, 0)

    @after_asking
    @told(who=WHO, readers=READERS, how=HOW)
    def a_crowd_reads(self, who: int, readers: int, how: Failing) -> None:
        """All at once, each under a key of his own where the door lends him one, and calls take their time."""
        names = self.named([who])
        self.gateway.provider(names[0], latency_ms=self.slow_ms, failing=how)
        self.ask(*self._crowd(names, readers))
        self.gateway.provider(names[0], failing=how)

    def _crowd(self, names: Sequence[str], readers: int, delay_ms: int = 0) -> list[Request]:
        return [replace(self.read(names, n, delay_ms + n), identity=self._reader(names)) for n in range(readers)]

    def _reader(self, names: Sequence[str]) -> Identity:
        somebody = self.gateway.fresh("user", "enterprise")
        with suppress(Untestable):
            self.gateway.own_credential(somebody, names)
            return somebody
        return self.reader

    @in_process
    @told(who=WHO)
    def it_opens_while_calls_are_under_way(self, who: int) -> None:
        """Slow ones begin, then many that fail at once: the slow ones may end as they will."""
        names = self.named([who])
        self.gateway.provider(names[0], latency_ms=self.slow_ms)
        fails = Act(WINDOW, lambda: self.gateway.provider(names[0], failing="status"))
        crowd = self._crowd(names, 3) + self._crowd(names, 2 * WINDOW, WINDOW + 1)
        self.example.exchanges += self.gateway.during(crowd, fails)


def witness(example: Example) -> Counter[str]:
    """What happened while a breaker surely was open, and at half-open."""
    marks: Counter[str] = Counter()
    for breaker in explained(example):
        marks["half-open-calls"] += _tried(breaker)
        for stretch in stretches_of(breaker):
            read = list(reads_in(stretch))
            marks["open-without-calls"] += bool(read)
            marks["served-last-known"] += sum(r.of(stretch.name).is_stale for r in read)
            marks["left-out"] += sum(r.of(stretch.name).warning == OPEN for r in read if r.exchange.status == SHOWN)
            marks["poll-withheld"] += _fell_due(stretch, _polls(breaker), example)
            marks["probe-stopped"] += _fell_due(stretch, _of(example.probes, stretch.name), example)
    return marks


def _tried(breaker: Told) -> int:
    """How often it surely was opened to trials."""
    return sum(
        is_open(step.before) and any(event.what == "admitted" for event in step.events) for step in breaker.steps
    )


def _polls(breaker: Told) -> list[UpstreamCall]:
    """Calls that no read can have made."""
    return [call for call in breaker.provider.ledger.calls if not breaker.provider.askers[call.serial]]


def _of(probes: Sequence[UpstreamCall], name: str) -> list[UpstreamCall]:
    return [probe for probe in probes if probe.provider == name]


def _fell_due(stretch: Stretch, sent: Sequence[UpstreamCall], example: Example) -> bool:
    """Whether one was sent each so often before, and a longer time than that passed without."""
    before = [call.began_ms for call in sent if call.began_ms <= stretch.from_ms][-BEATS:]
    if len(before) < BEATS or not example.exchanges or example.exchanges[-1].span.sent_ms < stretch.to_ms:
        return False
    every_ms = max(late - early for early, late in pairwise(before))
    return before[-1] + every_ms + every_ms // 2 < stretch.to_ms


TOLD_FIRST: tuple[Story, ...] = (
    (
        ("providers_arrive", {"polled": False}),
        ("it_opens", {"who": FAILING, "known": True}),
        ("time_passes", {"permille": 500}),
        ("reads", {"whom": [FAILING, WELL], "instance": 0}),
        ("reads", {"whom": [FAILING], "instance": 1}),
        ("a_provider_becomes", {"who": FAILING, "how": ""}),
        ("time_passes", {"permille": 1001}),
        ("a_crowd_reads", {"who": FAILING, "readers": 6, "how": ""}),
        ("reads", {"whom": [FAILING, WELL], "instance": 1}),
    ),
    (
        ("providers_arrive", {"polled": False}),
        ("it_opens", {"who": FAILING, "known": False}),
        ("time_passes", {"permille": 300}),
        ("reads", {"whom": [FAILING, WELL], "instance": 0}),
        ("reads", {"whom": [FAILING], "instance": 1}),
        ("time_passes", {"permille": 1001}),
        ("a_crowd_reads", {"who": FAILING, "readers": 2, "how": "unauthorized"}),
        ("reads", {"whom": [FAILING, WELL], "instance": 1}),
        ("time_passes", {"permille": 1001}),
        ("time_passes", {"permille": 1001}),
        ("reads", {"whom": [FAILING], "instance": 0}),
    ),
    (
        ("providers_arrive", {"polled": True}),
        ("reads", {"whom": [THIRD, WELL], "instance": 0}),
        ("a_provider_becomes", {"who": THIRD, "how": "status"}),
        ("polls_go_on", {"rounds": 3}),
        ("reads", {"whom": [THIRD], "instance": 1}),
        ("time_passes", {"permille": 1300}),
        ("a_provider_becomes", {"who": THIRD, "how": ""}),
        ("time_passes", {"permille": 1300}),
        ("reads", {"whom": [THIRD], "instance": 1}),
    ),
    (
        ("providers_arrive", {"polled": False}),
        ("probes_fail", {"who": FAILING, "rounds": 12}),
        ("reads", {"whom": [FAILING], "instance": 0}),
        ("it_opens_while_calls_are_under_way", {"who": THIRD}),
        ("reads", {"whom": [THIRD, WELL], "instance": 1}),
    ),
)
WATCHED = {**UNHINDERED, "GATEWAY_BREAKER_WINDOW": str(WINDOW), "GATEWAY_HEALTH_INTERVAL_S": "10"}
SHORT = {
    **WATCHED,
    "GATEWAY_HEALTH_INTERVAL_S": "0.4",
    "GATEWAY_BREAKER_OPEN_S": "1.2",
    "GATEWAY_BREAKER_TRIAL_S": "0.9",
    "GATEWAY_DEADLINE_S": "3",
    "GATEWAY_UPSTREAM_TIMEOUT_S": "0.8",
    "GATEWAY_TTL_PRICING_S": "0.5",
    "GATEWAY_LEASE_S": "1",
    # Redis must not look away on a starved machine, or each instance rightly goes by its own breaker.
    "GATEWAY_REDIS_BUDGET_S": "1",
}

CHAPTER = Chapter(
    "P05",
    NoCallsMachine,
    judge_withheld,
    witness,
    settings={"component": WATCHED, "wire": SHORT, "real-time": WATCHED},
    examples={"component": 60, "wire": 8},
    steps=8,
    told_first=TOLD_FIRST,
    # Few, for each of them is probed all the time; a polled one is called all the time as well.
    needs=Needs(providers=20, shapes=((POLLED, 8),)),
)
