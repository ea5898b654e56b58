"""Who may be served as fresh: what came from a call no longer ago than the TTL, and who waited for the call itself.

A key's age may be counted from its call's beginning or from its answer: between the two, fresh and stale are permitted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec.checkers.answers import SHOWN, Read, Shown, reads_of
from gatespec.checkers.calls import Known, Times, ledgers
from gatespec.checkers.findings import Breach, Findings
from gatespec.checkers.tiers import NoCacheStatus, tiers_of

if TYPE_CHECKING:
    from gatespec.checkers.calls import Ledger
    from gatespec.history import Example

MS = 1000


def judge_freshness(example: Example, since: int) -> Findings:
    """Hold every provider that a read shows against its ledger; nothing was invalidated."""
    findings, times, by_name = Findings(), Times.of(example.context.settings), ledgers(example)
    for read in reads_of(example, since):
        faults = [read.fault] if read.fault else []
        for name in read.asked:
            findings.add(_judge_provider(read, name, by_name[name], times, faults))
        faults += _overstated(read, by_name, times)
        findings.breaches += [Breach(fault, read.place) for fault in faults]
    return findings


def _judge_provider(read: Read, name: str, ledger: Ledger, times: Times, faults: list[str]) -> Findings:
    shown = read.of(name)
    if shown.serial is None:
        faults += _left_out(read, name, shown, ledger, times)
        return Findings()
    known = ledger.get(shown.serial)
    if known is None or not known.perhaps_by(read.heard_ms):
        faults.append(f"{name} is shown with the price of its call {shown.serial}, which was not answered by then")
        return Findings(answers=1, sharp=1)
    may_be_fresh, may_be_stale = may_be(known, read, times)
    if shown.is_fresh and not may_be_fresh:
        faults.append(f"{name} is served as fresh {_age(known, read)}: its TTL is {times.ttl_ms} ms")
    if shown.is_stale and not may_be_stale:
        faults.append(f"{name} is marked stale {_age(known, read)}: its TTL is {times.ttl_ms} ms")
    return Findings(answers=1, sharp=int(may_be_fresh != may_be_stale))


def may_be(known: Known, read: Read, times: Times) -> tuple[bool, bool]:
    """Whether what came from this call may be served as fresh, and whether it may be marked stale."""
    waited_for = known.ended_ms + known.slack_ms >= read.sent_ms
    return waited_for or known.perhaps_younger(times.ttl_ms, read.sent_ms), not known.surely_younger(
        times.ttl_ms, read.heard_ms
    )


def _age(known: Known, read: Read) -> str:
    return f"{read.sent_ms - known.ended_ms} ms after its call {known.serial} was answered"


def _left_out(read: Read, name: str, shown: Shown, ledger: Ledger, times: Times) -> list[str]:
    fresh = [k for k in ledger.surely_known(read.sent_ms) if k.surely_younger(times.ttl_ms, read.heard_ms)]
    if not fresh:
        return []
    return [f"{name} is {shown.words} {_age(fresh[-1], read)}"]


def _overstated(read: Read, by_name: dict[str, Ledger], times: Times) -> list[str]:
    """A tier that says that its entry is fresh for longer than it is; judged on reads of one provider."""
    if len(read.asked) != 1 or read.exchange.status != SHOWN:
        return []
    shown = read.of(read.asked[0])
    known = by_name[read.asked[0]].get(shown.serial or 0)
    try:
        tiers = tiers_of(read.exchange).values()
    except NoCacheStatus as missing:
        return [str(missing)]
    if known is None:
        return []
    left_s = -(-(known.ended_ms + known.slack_ms + times.ttl_ms - read.sent_ms) // MS)
    wrong = [tier for tier in tiers if tier.hit and tier.ttl_s is not None and tier.ttl_s > max(0, left_s)]
    return [f"{tier.name} says ttl={tier.ttl_s} where {left_s} s at most were left" for tier in wrong]
