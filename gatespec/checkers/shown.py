"""The one rule of P20 for what is shown: fresh offers, else the last known marked stale, else left out with a warning.

It yields wherever the contract does: somebody who came while another waited may be shown the new or, marked, the old; a
gateway may stop waiting a little before its deadline; and where spans hide what came first, both are permitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatespec.checkers.answers import LEFT_OUT, SHOWN, Read, Shown, reads_of
from gatespec.checkers.calls import CLIENT_LEFT, IN_FLIGHT, OK, Ledger, Times, ended_ms, ledgers
from gatespec.checkers.findings import Breach, Findings

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from gatespec.history import Example
    from gatespec.read_ports import UpstreamCall

FAILED, TIMED_OUT = 503, 504


@dataclass(frozen=True)
class Permitted:
    """What may be said of one provider: serials of its calls that may stand there unmarked, or marked, or nothing."""

    fresh: frozenset[int] = frozenset()
    stale: frozenset[int] = frozenset()
    left_out: bool = False
    statuses: frozenset[int] = frozenset()
    """Of an answer that says that nothing is known, as far as this provider has a say."""
    in_a_crowd: bool = False
    """Others read it meanwhile: who of them is shown the new and who the old, marked, is P06's to say."""

    def permits(self, shown: Shown) -> bool:
        """Whether this may be said."""
        if shown.serial is None:
            return self.left_out and shown.warning in LEFT_OUT
        return shown.serial in (self.fresh if shown.is_fresh else self.stale if shown.is_stale else ())

    @property
    def is_single(self) -> bool:
        """Whether only one thing may be said; in a crowd, whether to show it or to leave it out."""
        if self.in_a_crowd:
            return bool(self.fresh or self.stale) != self.left_out
        return len(self.fresh) + len(self.stale) + self.left_out == 1

    @property
    def words(self) -> str:
        """As a breach names it."""
        told = [f"fresh, of its call {serial}" for serial in sorted(self.fresh)]
        told += [f"stale, of its call {serial}" for serial in sorted(self.stale)]
        return " or ".join([*told, *(["left out with a warning"] if self.left_out else [])]) or "nothing"


@dataclass(frozen=True)
class Asking:
    """One provider as one read met it."""

    read: Read
    ledger: Ledger
    times: Times
    alone: bool
    """Nobody else read the provider meanwhile."""

    @property
    def calls(self) -> list[UpstreamCall]:
        """Those that perhaps were under way while the read was."""
        return self.ledger.during(self.read.sent_ms, self.read.heard_ms)

    @property
    def leads(self) -> bool:
        """Whether a call that began meanwhile surely is this read's own: then it waits for it."""
        sent = self.read.sent_ms
        return self.alone and not any(c.began_ms < sent < self.ledger.over_ms(c) for c in self.calls)

    @property
    def patience_ms(self) -> int:
        """Until when the read surely waits for what it lacks."""
        return self.read.sent_ms + self.times.patience_ms

    @property
    def in_time(self) -> bool:
        """Whether a call that it surely waited for was answered while it did: its own, or the only one there was."""
        latest, slack = min(self.patience_ms, self.read.heard_ms), self.ledger.slack_ms
        if not self.leads and any(_may_have_failed(call, self.read, slack) for call in self.calls):
            return False
        own = (c for c in self.calls if c.outcome == OK and c.began_ms >= self.read.sent_ms)
        return any(ended_ms(call) + slack <= latest for call in own)

    @property
    def is_excused(self) -> bool:
        """Whether there was nothing more to wait for: it waited its time, or a call failed, or none was made."""
        if self.read.heard_ms >= self.patience_ms - self.ledger.slack_ms or not self.calls:
            return True
        return any(_may_have_failed(call, self.read, self.ledger.slack_ms) for call in self.calls)

    def permitted(self) -> Permitted:
        """What the one rule leaves open."""
        sent, heard, times, slack = self.read.sent_ms, self.read.heard_ms, self.times, self.ledger.slack_ms
        told = [k for k in self.ledger.known if k.perhaps_by(heard)]
        sure = self.ledger.surely_known(sent)
        newest = max((k.serial for k in sure), default=0)
        fresh = {k.serial for k in told if k.perhaps_younger(times.ttl_ms, sent) or k.ended_ms + slack >= sent}
        stale = {
            k.serial
            for k in told
            if k.serial >= newest
            and k.perhaps_younger(times.stale_ms, sent)
            and not k.surely_younger(times.ttl_ms, heard)
        }
        must_be_fresh = any(k.surely_younger(times.ttl_ms, heard) for k in sure) or (self.leads and self.in_time)
        must_be_shown = must_be_fresh or any(k.surely_younger(times.stale_ms, heard) for k in sure) or self.in_time
        may_be_stale = not must_be_fresh and (self.is_excused or not self.leads)
        return Permitted(
            frozenset(fresh),
            frozenset(stale if may_be_stale else ()),
            left_out=self.is_excused and not must_be_shown,
            statuses=self.statuses(),
            in_a_crowd=not self.alone,
        )

    def statuses(self) -> frozenset[int]:
        """504 where a call was pending or timed out, 503 where it failed; both where that cannot be told.

        Another read's call decides nothing: it may have been given up with that read, or have begun after this one's.
        """
        read, slack = self.read, self.ledger.slack_ms
        if self.alone and any(_surely_late(c, read, slack) for c in self.calls if c.began_ms >= read.sent_ms):
            return frozenset({TIMED_OUT})
        if self.calls and not any(_perhaps_late(c, read, slack, self.times) for c in self.calls):
            return frozenset({FAILED})
        return frozenset({FAILED, TIMED_OUT})


def _may_have_failed(call: UpstreamCall, read: Read, slack_ms: int) -> bool:
    return call.outcome not in {OK, IN_FLIGHT} and ended_ms(call) - slack_ms <= read.heard_ms


def _surely_late(call: UpstreamCall, read: Read, slack_ms: int) -> bool:
    return call.outcome == CLIENT_LEFT or ended_ms(call) > read.heard_ms + slack_ms


def _perhaps_late(call: UpstreamCall, read: Read, slack_ms: int, times: Times) -> bool:
    took_ms = ended_ms(call) - call.began_ms
    late = took_ms >= times.timeout_ms - slack_ms or ended_ms(call) > read.heard_ms - slack_ms
    return late or call.outcome in {CLIENT_LEFT, IN_FLIGHT}


def judge_shown(example: Example, since: int, but_not: Collection[str] = ()) -> Findings:
    """Hold what each read was answered against the one rule; Redis and all instances are taken to be well.

    Reads that ask for one of `but_not` are passed over: whose list is shown of them the record does not tell.
    """
    findings, times, by_name = Findings(), Times.of(example.context.settings), ledgers(example)
    reads = list(reads_of(example))
    for read in (read for read in reads if read.place >= since and not set(read.asked).intersection(but_not)):
        found = {
            name: Asking(read, by_name[name], times, read.is_alone(name, reads)).permitted() for name in read.asked
        }
        findings.answers += len(found)
        findings.sharp += sum(one.is_single for one in found.values())
        if fault := fault_in(read, found):
            findings.breaches.append(Breach(fault, read.place))
    return findings


def fault_in(read: Read, permitted: Mapping[str, Permitted]) -> str | None:
    """What is wrong with an answer, in one sentence; None where all that it says is permitted."""
    if read.fault:
        return read.fault
    if read.nothing_known:
        return _fault_in_refusal(read, permitted)
    if read.exchange.status != SHOWN:
        return f"answered {read.exchange.status}, which is neither offers nor that none are known"
    for name, one in permitted.items():
        if not one.permits(read.of(name)):
            return f"{name} is {read.of(name).words}, where only this was permitted: {one.words}"
    if all(read.of(name).serial is None for name in read.asked):
        return "answered 200 although nothing is known of any provider asked"
    return None


def _fault_in_refusal(read: Read, permitted: Mapping[str, Permitted]) -> str | None:
    status = read.exchange.status
    for name, one in permitted.items():
        if not one.left_out:
            return f"answered {status}, as if nothing were known, where of {name} this was due: {one.words}"
    late = any(TIMED_OUT in one.statuses for one in permitted.values())
    if status == TIMED_OUT and not late:
        return "answered 504 although every call had failed by then, and none was pending or timed out"
    if status == FAILED and not all(FAILED in one.statuses for one in permitted.values()):
        return "answered 503 although a call was pending or timed out: 504 was due"
    return None
