"""What a drill looked like second by second: throughput, latency, errors and staleness against the fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec.checkers.answers import reads_of
from gatespec.checkers.calls import ledgers
from gatespec.drills.phases import touches, windows_of
from gatespec.verdict import Second, Timeline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatespec.checkers.answers import Read
    from gatespec.checkers.calls import Ledger
    from gatespec.history import Example
    from gatespec.ports import Exchange

SECOND_MS = 1_000
ERROR_MIN, LIMITED = 500, 429


def timeline_of(example: Example) -> Timeline:
    """One row a second, from the first request on; the windows in ms after that."""
    if not example.exchanges:
        return Timeline((), ())
    windows, by_name = windows_of(example), ledgers(example)
    start = min(e.span.sent_ms for e in example.exchanges)
    ends = max(e.span.sent_ms for e in example.exchanges)
    reads = list(reads_of(example))
    seconds = []
    for at in range(start, ends + 1, SECOND_MS):
        mine = [e for e in example.exchanges if at <= e.span.sent_ms < at + SECOND_MS]
        shown = [read for read in reads if at <= read.sent_ms < at + SECOND_MS]
        faulty = touches(windows, at, at + SECOND_MS - 1)
        seconds.append(_second((at - start) // SECOND_MS, mine, shown, by_name, faulty=faulty))
    return Timeline(tuple((w.how, w.from_ms - start, w.healed_ms - start) for w in windows), tuple(seconds))


def _second(
    number: int, exchanges: Sequence[Exchange], reads: Sequence[Read], by_name: Mapping[str, Ledger], *, faulty: bool
) -> Second:
    took = sorted(e.span.heard_ms - e.span.sent_ms for e in exchanges)
    return Second(
        at_s=number,
        faulty=faulty,
        answered=sum(e.status is not None for e in exchanges),
        limited=sum(e.status == LIMITED for e in exchanges),
        errors=sum(e.status is None or e.status >= ERROR_MIN for e in exchanges),
        median_ms=took[len(took) // 2] if took else 0,
        worst_ms=took[-1] if took else 0,
        oldest_ms=max((_age_ms(read, by_name) for read in reads), default=0),
    )


def _age_ms(read: Read, by_name: Mapping[str, Ledger]) -> int:
    """Of the oldest price that it shows."""
    known = (by_name[name].get(read.of(name).serial or 0) for name in read.asked)
    return max((max(0, read.sent_ms - k.ended_ms) for k in known if k), default=0)
