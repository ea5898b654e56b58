"""What every drill claims: pure functions of the record, each with its own planted history that breaks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec.checkers.answers import SHOWN, reads_of
from gatespec.checkers.calls import Times, allowance_ms, ended_ms, ledgers
from gatespec.checkers.findings import Breach
from gatespec.checkers.freshness import may_be
from gatespec.checkers.limits import by_identity, limit_of, window_ms
from gatespec.checkers.periods import explained, words_of
from gatespec.checkers.secrecy import judge_secrecy
from gatespec.checkers.windows import TOO_MANY_REQUESTS, answer_of, find_overfull_windows
from gatespec.drills.claim import FOUND_BACK_MS, Gone, reads_in, said
from gatespec.drills.dependency_claims import health_tells_what_is_away, it_stays_ready
from gatespec.drills.phases import healed_ms, touches, windows_of
from gatespec.drills.room_claims import memory_is_bounded, queues_are_bounded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatespec.drills.claim import Claim
    from gatespec.history import Example

COUNTED = "/api/"
"""What counts for the limit."""
REDIS = frozenset({"store", "shard"})
"""What is done to Redis: while any of it is away, each instance may count alone."""


def every_read_is_answered(example: Example, _heals_ms: int) -> Iterator[Breach]:
    """Of providers that are known a read is answered 200, or 429 past the limit; nothing is excused by the fault.

    A process that was killed or stopped cannot answer: what its own requests met while it was so is passed over.
    """
    gone = Gone.of(example)
    for place, exchange in reads_in(example):
        if exchange.status not in {SHOWN, TOO_MANY_REQUESTS} and not gone.excuses(exchange):
            yield Breach(f"a read was {said(exchange)}, where offers were known", place)


def answers_come_in_time(example: Example, _heals_ms: int) -> Iterator[Breach]:
    """Every answer comes within the deadline."""
    bound = Times.of(example.context.settings).deadline_ms
    gone = Gone.of(example)
    for place, exchange in enumerate(example.exchanges):
        took = exchange.span.heard_ms - exchange.span.sent_ms
        if took > bound + allowance_ms(example) and not gone.excuses(exchange):
            yield Breach(f"{said(exchange)} after {took} ms: {bound} ms are the limit", place)


def nothing_old_is_shown_as_new(example: Example, _heals_ms: int) -> Iterator[Breach]:
    """A price unmarked is no older than its TTL, one marked `stale` no older than the fallback, and none is made up."""
    times, by_name = Times.of(example.context.settings), ledgers(example)
    for read in reads_of(example):
        if read.fault:
            yield Breach(read.fault, read.place)
        for name in read.asked:
            shown = read.of(name)
            if shown.serial is None:
                continue
            known = by_name[name].get(shown.serial)
            if known is None or not known.perhaps_by(read.heard_ms):
                yield Breach(f"{name} is shown with a price that no answered call had said", read.place)
            elif shown.is_fresh and not may_be(known, read, times)[0]:
                age = read.sent_ms - known.ended_ms
                yield Breach(
                    f"{name} is shown unmarked {age} ms after its call: its TTL is {times.ttl_ms} ms", read.place
                )
            elif not known.perhaps_younger(times.stale_ms, read.sent_ms):
                yield Breach(f"{name} is shown past GATEWAY_STALE_S, {times.stale_ms} ms", read.place)


def limits_hold(example: Example, _heals_ms: int) -> Iterator[Breach]:
    """Nobody gets more than his plan's admissions in a window; where Redis is away each instance may give as many."""
    settings, length = example.context.settings, window_ms(example.context.settings)
    apart = [w for w in windows_of(example) if w.what in REDIS]
    for exchanges in by_identity(example).values():
        limit = limit_of(settings, exchanges[0][1].request.identity.plan)
        admitted = [
            (place, e) for place, e in exchanges if e.request.path.startswith(COUNTED) and answer_of(e) == "admitted"
        ]
        spans = [e.span for _, e in admitted]
        for factor in (1, example.context.instances):
            for over in find_overfull_windows(spans, limit * factor, length):
                if factor > 1 or not touches(apart, over.sent_ms - length, over.heard_ms, FOUND_BACK_MS + length):
                    place = next(place for place, e in admitted if e.span.sent_ms == over.sent_ms)
                    yield Breach(f"more than {limit * factor} admissions of one identity within {length} ms", place)
                    break


def providers_are_spared(example: Example, _heals_ms: int) -> Iterator[Breach]:
    """Of one provider no more calls run at a time than there are instances, also as the service comes back."""
    most, slack = example.context.instances, allowance_ms(example)
    for name, ledger in ledgers(example).items():
        for call in ledger.calls:
            beside = [c for c in ledger.calls if c.began_ms <= call.began_ms and ended_ms(c) - slack > call.began_ms]
            if len(beside) > most:
                yield Breach(f"{len(beside)} calls at {name} ran at a time: {most} instances may make one each", 0)
                break


def it_heals(example: Example, heals_ms: int) -> Iterator[Breach]:
    """After the bound each instance shows each provider fresh again, and leaves none out; nobody restarted it."""
    windows = windows_of(example)
    if not windows:
        return
    bound = healed_ms(windows) + heals_ms
    late = [read for read in reads_of(example) if read.sent_ms >= bound and read.exchange.status != TOO_MANY_REQUESTS]
    for read in late:
        for name in read.asked:
            if read.of(name).serial is None:
                yield Breach(
                    f"{name} is still {read.of(name).words} {read.sent_ms - bound + heals_ms} ms after", read.place
                )
    for instance in range(example.context.instances):
        mine = [read for read in late if read.exchange.request.instance == instance]
        for name in sorted({name for read in mine for name in read.asked}):
            if not any(read.of(name).is_fresh for read in mine):
                last = mine[-1].place
                yield Breach(f"instance {instance} never shows {name} fresh from {heals_ms} ms after on", last)


def breakers_hold(example: Example, _heals_ms: int) -> Iterator[Breach]:
    """Calls pass as P04 says: none while a breaker is open, half-open at most its trials over all instances."""
    for told in explained(example):
        # That a read got no call is no news here: perhaps there was no credential, or no time left.
        if told.culprit and told.culprit.what != "refused":
            states = " or ".join(sorted({words_of(state, told.rules) for state in told.met}))
            yield Breach(f"call {told.culprit.serial} of {told.provider.name} began, its breaker was {states}", 0)


def secrets_stay(example: Example, _heals_ms: int) -> Iterator[Breach]:
    """Nothing that the gateway left behind holds a secret: logs, answers, metrics, Redis, PostgreSQL (P19)."""
    yield from judge_secrecy(example, 0).breaches


EVERY: tuple[Claim, ...] = (
    every_read_is_answered,
    answers_come_in_time,
    nothing_old_is_shown_as_new,
    limits_hold,
    providers_are_spared,
    breakers_hold,
    health_tells_what_is_away,
    it_stays_ready,
    memory_is_bounded,
    queues_are_bounded,
    secrets_stay,
    it_heals,
)
"""What every drill claims."""
