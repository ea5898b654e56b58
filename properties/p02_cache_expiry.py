"""P02 - Cache expiry.

    A key is served as fresh for its TTL and never after: lists of offers 60 s, the catalogue 300 s. L2 never outlives
    the L1 entry it was filled from. The catalogue is derived from the same lists and never shown as fresh when older
    than the static TTL.

What an answer says of its own freshness proves nothing: each price names the call that it came from, and the provider's
ledger says when that was. Early refreshes are off, so that what is fresh has no reason to be asked for again. In
process the expiry is met to the millisecond; on the wire both instances are read on either side of it.

The catalogue names no call. It is judged by what no call can excuse: shown as fresh when every call of a provider is
older than the static TTL. It asks all providers, so on the wire it is read in one story, told first in every run.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from gatespec.checkers.answers import reads_of
from gatespec.checkers.calls import Times, ledgers
from gatespec.checkers.catalogue import CATALOGUE_PATH, ages, catalogues_of, judge_catalogue
from gatespec.checkers.freshness import judge_freshness
from gatespec.engine.chapter import Chapter, Needs
from gatespec.engine.crowd import in_process, is_in_process
from gatespec.engine.reading import INSTANCES, UNHINDERED, ReadMachine
from gatespec.engine.story import after_asking, opens, told
from gatespec.ports import Request

if TYPE_CHECKING:
    from gatespec.checkers.answers import Read
    from gatespec.checkers.calls import Known
    from gatespec.checkers.findings import Findings
    from gatespec.engine.tally import Story
    from gatespec.history import Example

PROVIDERS = 2
WHOM = st.sampled_from(([0], [1], [0, 1]))
AROUND = st.sampled_from((999, 1000, 1001, 500, 1100, 2100)) | st.integers(1, 2500)
"""Ages in thousandths of the TTL: at the expiry, and anywhere."""
SHORTLY_BEFORE, SHORTLY_AFTER = 900, 1150
NEAR_EXPIRY = 4 / 5
STATIC_BEFORE, STATIC_AFTER = 900, 1100
"""As above, of the catalogue; in process, too, for its lists were answered one after the other."""


class ExpiryMachine(ReadMachine):
    """Somebody reads the same providers again and again on both instances, before, at and after their expiry.

    Feature: provider-api-gateway, Property 2
    """

    @opens(latency_permille=st.sampled_from((0, 0, 20, 80)))
    def providers_arrive(self, latency_permille: int) -> None:
        """They take a part of a TTL to answer, in process at most a part of the time-out."""
        self.arrive(PROVIDERS)
        self.latency_ms = min(self.times.ttl_ms * latency_permille // 1000, self.times.timeout_ms // 2)
        for name in self.providers:
            self.gateway.provider(name, latency_ms=self.latency_ms)

    @told(whom=WHOM, instance=INSTANCES)
    def reads(self, whom: list[int], instance: int) -> None:
        """Read one provider alone, or both."""
        self.ask(self.read(self.named(whom), instance))

    @after_asking
    @told(permille=AROUND)
    def waits(self, permille: int) -> None:
        """Let the newest offers become so old."""
        self.let_age(permille)

    @told(first=INSTANCES)
    def all_are_read_around_their_expiry(self, first: int) -> None:
        """One instance fetches, the other comes shortly before the expiry, and both again shortly after.

        In process that is the last ms in which it surely is fresh, and the first in which it surely is not.
        """
        self.let_age(SHORTLY_AFTER)
        self.ask(*(request for name in self.providers for request in self._around(name, first)))

    def _around(self, name: str, first: int) -> list[Request]:
        other, ttl_ms = first + 1, self.times.ttl_ms
        before, after = (ttl_ms * permille // 1000 for permille in (SHORTLY_BEFORE, SHORTLY_AFTER))
        if is_in_process(self):
            before, after = ttl_ms - 1, self.latency_ms + ttl_ms
        return [
            self.read([name], first),
            self.read([name], other, before),
            self.read([name], first, before),
            self.read([name], other, after),
            self.read([name], first, after),
        ]

    @in_process
    @told(instance=INSTANCES)
    def the_catalogue_is_read(self, instance: int) -> None:
        """Read it at one instance."""
        self.ask(self._catalogue(instance))

    @in_process
    @told(first=INSTANCES)
    def the_catalogue_is_read_around_its_expiry(self, first: int) -> None:
        """Fetch all lists, then let the providers fail, and read the catalogue before the static TTL is over and after.

        Were they well, a gateway might read them again at any time, and nothing would ever be too old.
        """
        self.let_age(SHORTLY_AFTER)
        self.ask(self.read(self.providers, first))
        self.ask(self._catalogue(first))
        for name in self.providers:
            self.gateway.provider(name, failing="status")
        ages = (self.times.static_ms * permille // 1000 for permille in (STATIC_BEFORE, STATIC_AFTER))
        self.ask(*(self._catalogue(place, age) for age in ages for place in (first + 1, first)))
        for name in self.providers:
            self.gateway.provider(name, latency_ms=self.latency_ms)

    def _catalogue(self, instance: int, delay_ms: int = 0) -> Request:
        return Request(self.reader, instance % self.gateway.instances, "GET", CATALOGUE_PATH, delay_ms=delay_ms)


def judge(example: Example, since: int) -> Findings:
    """Every list, and every catalogue."""
    findings = judge_freshness(example, since)
    findings.add(judge_catalogue(example, since))
    return findings


def witness(example: Example) -> Counter[str]:
    """Reads on both sides of the expiry, and catalogues on both sides of theirs."""
    marks = Counter({"catalogue-expiry": _catalogues_around_expiry(example)})
    times, by_name, reads = Times.of(example.context.settings), ledgers(example), list(reads_of(example))
    for read in reads:
        for name in read.asked:
            ledger, shown = by_name[name], read.of(name)
            before = ledger.surely_known(read.sent_ms)
            called = any(read.sent_ms <= call.began_ms <= read.heard_ms for call in ledger.calls)
            if shown.is_fresh and before and not called:
                marks["fresh-before-ttl"] += 1
            if before and not any(known.perhaps_younger(times.ttl_ms, read.sent_ms) for known in before):
                marks["refetched-after-ttl"] += called or shown.is_stale
                marks["l2-near-l1-expiry"] += _was_filled_late(read, name, before[-1], reads, times)
    return marks


def _catalogues_around_expiry(example: Example) -> int:
    """Of how many providers a catalogue came while their list was surely young enough, and when surely not."""
    times, shown = Times.of(example.context.settings), list(catalogues_of(example))
    found = 0
    for ledger in ledgers(example).values():
        seen = [ages(each, ledger, times) for each in shown]
        gone = any(
            known and not any(k.perhaps_younger(times.static_ms, each.span.sent_ms) for k in known)
            for each in shown
            if (known := ledger.surely_known(each.span.sent_ms))
        )
        found += any(may_be_stale is False for _, may_be_stale in seen) and gone
    return found


def _was_filled_late(read: Read, name: str, known: Known, reads: list[Read], times: Times) -> bool:
    """Whether this instance first showed that call's price, which another fetched, when it was about to expire."""
    here = [r for r in reads if r.exchange.request.instance == read.exchange.request.instance and name in r.asked]
    first = next((r for r in here if r.of(name).serial == known.serial), None)
    return first is not None and first.sent_ms - known.ended_ms > NEAR_EXPIRY * times.ttl_ms


TOLD_FIRST: tuple[Story, ...] = (
    (
        ("providers_arrive", {"latency_permille": 0}),
        ("all_are_read_around_their_expiry", {"first": 0}),
        ("all_are_read_around_their_expiry", {"first": 1}),
    ),
    (
        ("providers_arrive", {"latency_permille": 0}),
        ("the_catalogue_is_read_around_its_expiry", {"first": 0}),
    ),
)
SHORT = {"GATEWAY_TTL_PRICING_S": "1", "GATEWAY_TTL_STATIC_S": "3", **UNHINDERED}
POOL = 60
"""Few, for the catalogue asks them all; a new pool comes after it."""

CHAPTER = Chapter(
    "P02",
    ExpiryMachine,
    judge,
    witness,
    settings={"component": UNHINDERED, "wire": SHORT, "real-time": UNHINDERED},
    examples={"component": 100, "wire": 8},
    steps=10,
    told_first=TOLD_FIRST,
    needs=Needs(providers=POOL),
)
