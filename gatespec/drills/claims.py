"""What drills claim: pure functions of the record, each with its own planted history that breaks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from gatespec.checkers.answers import READ_PATH, SHOWN, reads_of
from gatespec.checkers.calls import Times, allowance_ms, ended_ms, ledgers
from gatespec.checkers.findings import Breach
from gatespec.checkers.freshness import may_be
from gatespec.checkers.limits import by_identity, limit_of, window_ms
from gatespec.checkers.secrecy import judge_secrecy
from gatespec.checkers.vault import VaultTimes
from gatespec.checkers.windows import TOO_MANY_REQUESTS, answer_of, find_overfull_windows
from gatespec.drills.phases import healed_ms, touches, windows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatespec.checkers.answers import Read
    from gatespec.drills.phases import Window
    from gatespec.history import Example
    from gatespec.ports import Exchange

AWAY, CREATED = 503, 201
FOUND_BACK_MS = 5_000
"""How long a gateway may take to find a service again: the contract names no bound."""
Claim: TypeAlias = "Callable[[Example, int], Iterator[Breach]]"
"""Given the record and within how many ms the drill must have healed."""


def every_read_is_answered(example: Example, _heals_ms: int) -> Iterator[Breach]:
    """Of providers that are known a read is answered 200, or 429 past the limit; nothing is excused by the fault.

    A process that was killed or stopped cannot answer: what its own requests met while it was so is passed over.
    """
    gone = [w for w in windows_of(example) if w.how in {"killed", "paused"}]
    for place, exchange in _reads(example):
        mine = [w for w in gone if w.whom == str(exchange.request.instance)]
        if touches(mine, exchange.span.sent_ms, exchange.span.heard_ms):
            continue
        if exchange.status not in {SHOWN, TOO_MANY_REQUESTS}:
            yield Breach(f"a read was {_said(exchange)}, where offers were known", place)


def answers_come_in_time(example: Example, _heals_ms: int) -> Iterator[Breach]:
    """Every answer comes within the deadline."""
    bound = Times.of(example.context.settings).deadline_ms
    gone = [w for w in windows_of(example) if w.how in {"killed", "paused"}]
    for place, exchange in enumerate(example.exchanges):
        mine = [w for w in gone if w.whom == str(exchange.request.instance)]
        took = exchange.span.heard_ms - exchange.span.sent_ms
        if took > bound + allowance_ms(example) and not touches(mine, exchange.span.sent_ms, exchange.span.heard_ms):
            yield Breach(f"{_said(exchange)} after {took} ms: {bound} ms are the limit", place)


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
    apart = [w for w in windows_of(example) if w.what == "store"]
    for exchanges in by_identity(example).values():
        limit = limit_of(settings, exchanges[0][1].request.identity.plan)
        admitted = [(place, e) for place, e in exchanges if _counts(e) and answer_of(e) == "admitted"]
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


def credentials_end(example: Example, _heals_ms: int) -> Iterator[Breach]:
    """Past the life of what was last read from Vault a provider gets no call until Vault is back."""
    keep_ms, slack = VaultTimes.of(example).keep_ms, allowance_ms(example)
    for window in windows_of(example):
        over = window.sure_ms + keep_ms + slack
        for call in example.calls:
            if over < call.began_ms < window.healing_ms - slack:
                after = call.began_ms - window.sure_ms
                yield Breach(f"{call.provider} was called {after} ms after Vault had gone: {keep_ms} ms are allowed", 0)
                return


def credentials_serve_meanwhile(example: Example, _heals_ms: int) -> Iterator[Breach]:
    """Until then the last read ones serve: every provider asked is called."""
    keep_ms, refresh = VaultTimes.of(example).keep_ms, VaultTimes.of(example).refresh_ms
    ttl = Times.of(example.context.settings).ttl_ms
    for window in windows_of(example):
        end = min(window.healing_ms, window.sure_ms + keep_ms - refresh)
        if end - window.sure_ms < 2 * ttl:
            continue
        if not any(window.sure_ms < call.began_ms < end for call in example.calls):
            yield Breach("no provider was called while the last read credentials had to serve", 0)


def new_integrations_wait(example: Example, _heals_ms: int) -> Iterator[Breach]:
    """With Vault away a new integration is refused with 503 and `Retry-After`; with Vault well it is accepted."""
    windows = windows_of(example)
    for place, exchange in enumerate(example.exchanges):
        if exchange.request.method != "POST":
            continue
        sent, heard = exchange.span.sent_ms, exchange.span.heard_ms
        away = any(w.sure_ms <= sent and heard < w.healing_ms for w in windows)
        if away and (exchange.status != AWAY or "retry-after" not in exchange.headers):
            yield Breach(f"a new integration was {_said(exchange)} with Vault away: 503 with Retry-After is due", place)
        elif not touches(windows, sent, heard, FOUND_BACK_MS) and exchange.status != CREATED:
            yield Breach(f"a new integration was {_said(exchange)} with Vault well", place)


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


@dataclass(frozen=True)
class Evidence:
    """What the record shows of the drill itself; without all of it nothing is concluded."""

    marks: dict[str, int]

    @property
    def missing(self) -> list[str]:
        """What was never seen."""
        return [mark for mark, seen in self.marks.items() if not seen]


def evidence_of(example: Example, heals_ms: int) -> Evidence:
    """All was well before, the fault was made and bit, and it was watched past the time that it had to heal."""
    windows, reads = windows_of(example), list(reads_of(example))
    first = min((w.from_ms for w in windows), default=0)
    return Evidence(
        {
            "steady-before": sum(_all_fresh(read) for read in reads if read.heard_ms < first),
            "fault-made": len(windows),
            "fault-bit": sum(_bit(window) for window in windows),
            "read-meanwhile": sum(w.sure_ms < read.sent_ms < w.healing_ms for w in windows for read in reads),
            "limited": sum(e.status == TOO_MANY_REQUESTS for _, e in _reads(example)),
            "watched-after": sum(read.sent_ms > healed_ms(windows) + heals_ms for read in reads) if windows else 0,
        }
    )


def _bit(window: Window) -> bool:
    """What the fault itself counted; where nobody counts, the driver looked from outside as it made it."""
    return window.bit is None or window.bit > 0


def _all_fresh(read: Read) -> bool:
    return all(read.of(name).is_fresh for name in read.asked)


def _reads(example: Example) -> Iterator[tuple[int, Exchange]]:
    for place, exchange in enumerate(example.exchanges):
        if exchange.request.path.startswith(READ_PATH) and exchange.request.method == "GET":
            yield place, exchange


def _counts(exchange: Exchange) -> bool:
    return exchange.request.path.startswith("/api/")


def _said(exchange: Exchange) -> str:
    return "not answered" if exchange.status is None else f"answered {exchange.status}"


def secrets_stay(example: Example, _heals_ms: int) -> Iterator[Breach]:
    """Nothing that the gateway left behind holds a secret: logs, answers, metrics, Redis, PostgreSQL (P19)."""
    yield from judge_secrecy(example, 0).breaches


EVERY: tuple[Claim, ...] = (
    every_read_is_answered,
    answers_come_in_time,
    nothing_old_is_shown_as_new,
    limits_hold,
    providers_are_spared,
    secrets_stay,
    it_heals,
)
"""What every drill claims."""
