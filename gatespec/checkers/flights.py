"""Who asks the provider, and who waits for it: one at a time, and nobody else where something good enough is at hand.

Decided on the finished story by the ledgers: two calls of one provider that overlap in its own record are certain, and
a reader who was shown the price of a call that had begun before it and ended after it was sent has waited for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import exp
from typing import TYPE_CHECKING

from gatespec.checkers.answers import SHOWN, Read, reads_of
from gatespec.checkers.calls import OK, Known, Ledger, Times, ended_ms, ledgers
from gatespec.checkers.findings import Breach, Findings
from gatespec.checkers.shown import Asking

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatespec.history import Example
    from gatespec.read_ports import Disturbance, UpstreamCall

INVALIDATED_MS = 1_000
"""How soon every instance has heard of an invalidation, and the refresh has begun."""
ASKS = 2
"""Words that a leader has with Redis before he calls, each at most a budget away: the lease and the breaker."""
QUEUES = 2
"""How much longer than the slowest read that had nothing to wait for another may have stood in a busy gateway."""
NEVER = 1e-9
"""A chance below which what did not happen was not meant to: the error rate of `refreshes early`."""
RUNNING, KILLED = "running", "killed"


@dataclass(frozen=True)
class Stop:
    """An instance that stood still or was gone: from when it surely was, until it was told to run again."""

    instance: int
    began_ms: int
    done_ms: int
    resumed: Disturbance | None
    killed: bool = False
    """Gone, with all that it had under way."""


@dataclass(frozen=True)
class Key:
    """One provider's calls and reads in one story."""

    name: str
    ledger: Ledger
    reads: Sequence[Read]
    times: Times
    stops: Sequence[Stop]
    invalidations: Sequence[Disturbance]
    asks_ms: int = 0
    """How soon after an old answer somebody has begun to ask for a newer one."""

    @property
    def slack_ms(self) -> int:
        """What the machine may be late by."""
        return self.ledger.slack_ms

    def taken_up_ms(self, read: Read) -> int:
        """When a read surely was taken up, also by a busy gateway, of which an echo beside the story knows nothing.

        Measured by others of that time that waited for no call: they were shown what was known before they were sent,
        and no call failed meanwhile.
        """
        beside = (o for o in self.reads if o.sent_ms <= read.heard_ms and read.sent_ms <= o.heard_ms)
        took = (other.heard_ms - other.sent_ms for other in beside if self._has_not_waited(other))
        return read.sent_ms + self.slack_ms + QUEUES * max(took, default=0)

    def _has_not_waited(self, read: Read) -> bool:
        known = self.ledger.get(read.of(self.name).serial or 0)
        met = self.ledger.during(read.sent_ms, read.heard_ms)
        return known is not None and known.ended_ms <= read.sent_ms and all(call.outcome == OK for call in met)

    def is_excused(self, moment_ms: int) -> bool:
        """Whether a leader may have been silent at that moment, so that its lease ran, or had run out."""
        return any(stop.began_ms - self.slack_ms <= moment_ms for stop in self.stops)

    def is_led_by_the_silent(self, moment_ms: int) -> bool:
        """Whether a leader that stopped may hold its lease still."""
        lease_ms = self.times.lease_ms + self.slack_ms
        return any(stop.began_ms - self.slack_ms <= moment_ms <= stop.done_ms + lease_ms for stop in self.stops)

    def at_hand(self, read: Read) -> Known | None:
        """What surely was good enough to be shown at once: fresh, or expired less than one TTL ago."""
        known = self.ledger.surely_known(read.sent_ms)
        good = [k for k in known if k.surely_younger(2 * self.times.ttl_ms, read.sent_ms)]
        return good[-1] if good else None

    def invalidated(self, moment_ms: int, instance: int) -> list[Disturbance]:
        """Invalidations of which that instance surely had heard by then."""
        late = {True: 0, False: INVALIDATED_MS}
        told = ((done, late[done.how == str(instance)]) for done in self.invalidations)
        return [done for done, late_ms in told if done.done_ms + late_ms + self.slack_ms <= moment_ms]

    @cached_property
    def waiters(self) -> dict[int, list[Read]]:
        """Those who surely waited for each call, by its serial; who asked for others too may have waited for those."""
        waited: dict[int, list[Read]] = {}
        for read in (read for read in self.reads if len(read.asked) == 1):
            call = self.ledger.get(read.of(self.name).serial or 0)
            if call and read.of(self.name).is_fresh and self.taken_up_ms(read) < call.ended_ms:
                waited.setdefault(call.serial, []).append(read)
        return waited


def keys_of(example: Example) -> Iterator[Key]:
    """Every provider that the story read."""
    times, by_name, reads = Times.of(example.context.settings), ledgers(example), list(reads_of(example))
    stops = stops_of(example.disturbances)
    for name in dict.fromkeys(name for read in reads for name in read.asked):
        told = [done for done in example.disturbances if done.what == "invalidate" and done.whom == name]
        asks_ms = asks_within_ms(example)
        yield Key(name, by_name[name], [r for r in reads if name in r.asked], times, stops, told, asks_ms)


def asks_within_ms(example: Example) -> int:
    """How soon somebody who is to ask has begun his call; in process the same moment."""
    return 0 if example.context.tier == "component" else ASKS * Times.of(example.context.settings).budget_ms


def stops_of(disturbances: Sequence[Disturbance]) -> list[Stop]:
    """Every time that an instance stood still or was gone, in the order of what was done."""
    lives = [done for done in disturbances if done.what == "life"]
    return [
        Stop(
            int(stopped.whom),
            stopped.began_ms,
            stopped.done_ms,
            next((d for d in lives[place:] if d.whom == stopped.whom and d.how == RUNNING), None),
            stopped.how == KILLED,
        )
        for place, stopped in enumerate(lives)
        if stopped.how != RUNNING
    ]


def judge_flights(example: Example, since: int) -> Findings:
    """Hold a story's calls and waits against the statement; Redis is well in it."""
    findings, last = Findings(), len(example.exchanges) - 1
    for key in keys_of(example):
        if overlap := find_overlap(key):
            findings.breaches.append(Breach(overlap, last))
        for read in key.reads:
            if read.place >= since:
                findings.answers += 1
                findings.sharp += 1
                fault = read.fault or _fault_in_read(key, read)
                findings.breaches += [Breach(fault, read.place)] if fault else []
    if chance := find_never_early(example):
        findings.breaches.append(Breach(chance, last))
    return findings


def find_overlap(key: Key) -> str | None:
    """Two calls under way at one moment; or made one after the other by readers who had waited for the first."""
    for place, early in enumerate(key.ledger.calls):
        for late in key.ledger.calls[place + 1 :]:
            if key.is_excused(late.began_ms):
                continue
            if late.began_ms + key.slack_ms < ended_ms(early):
                return (
                    f"{key.name} had calls {early.serial} and {late.serial} under way at once, "
                    f"for {min(ended_ms(early), ended_ms(late)) - late.began_ms:.0f} ms"
                )
            if _was_queued(key, early, late):
                return f"{key.name} was asked again, by somebody who had waited for its call {early.serial}"
    return None


def _was_queued(key: Key, early: UpstreamCall, late: UpstreamCall) -> bool:
    """Whether only readers who came before the first call was answered can have made the second."""
    known = key.ledger.get(early.serial)
    if known is None or not known.surely_younger(key.times.ttl_ms, late.began_ms):
        return False
    if any(known.began_ms <= done.done_ms and done.began_ms <= late.began_ms for done in key.invalidations):
        return False
    present = [read for read in key.reads if read.sent_ms <= late.began_ms <= read.heard_ms]
    return bool(present) and all(key.taken_up_ms(read) < known.ended_ms for read in present)


def _fault_in_read(key: Key, read: Read) -> str | None:
    return (
        _fault_in_wait(key, read)
        or _fault_in_haste(key, read)
        or _fault_in_silence(key, read)
        or _fault_in_invalidation(key, read)
        or _fault_in_late_write(key, read)
    )


def _fault_in_wait(key: Key, read: Read) -> str | None:
    """Of those who waited for one call one led it; none had to where the key was invalidated."""
    serial = read.of(key.name).serial
    waited = key.waiters.get(serial or 0, [])
    known = key.at_hand(read)
    if serial is None or read not in waited or known is None:
        return None
    if key.invalidated(read.sent_ms, read.exchange.request.instance) and known.ended_ms <= _last(key, read).began_ms:
        return f"waited for call {serial} of {key.name}, which was invalidated: the old entry was due at once"
    others = [other for other in waited if other.place < read.place and key.at_hand(other)]
    if not others:
        return None
    return f"waited for call {serial} of {key.name}, though somebody else led it and call {known.serial} was at hand"


def _last(key: Key, read: Read) -> Disturbance:
    return key.invalidated(read.sent_ms, read.exchange.request.instance)[-1]


def _fault_in_haste(key: Key, read: Read) -> str | None:
    """What expired more than one TTL ago is worth waiting for."""
    shown = read.of(key.name)
    known = key.ledger.get(shown.serial or 0)
    if known is None or not shown.is_stale or known.perhaps_younger(2 * key.times.ttl_ms, read.sent_ms):
        return None
    if Asking(read, key.ledger, key.times, read.is_alone(key.name, key.reads)).is_excused:
        return None
    return f"{key.name} was shown stale, of call {known.serial}, which expired more than one TTL ago: it was to wait"


def _led_until_ms(key: Key, read: Read) -> int:
    """Until when somebody else waited who was under way, too: who leads asks the breaker before he makes his call."""
    beside = (other for other in key.reads if other is not read and key.name in other.asked)
    return max((o.heard_ms for o in beside if o.sent_ms <= read.heard_ms <= o.heard_ms), default=read.heard_ms)


def _fault_in_silence(key: Key, read: Read) -> str | None:
    """Whatever is missing or not fresh any more has somebody asking for it; failures are never cached."""
    shown = read.of(key.name)
    if shown.is_fresh or (read.exchange.status != SHOWN and not read.nothing_known):
        return None
    until_ms = max(read.heard_ms, _led_until_ms(key, read)) + key.asks_ms + key.slack_ms
    if key.ledger.during(read.sent_ms, until_ms) or key.is_led_by_the_silent(read.heard_ms):
        return None
    newer = [k for k in key.ledger.surely_known(read.sent_ms) if k.surely_younger(key.times.ttl_ms, read.heard_ms)]
    if newer and newer[-1].serial > (shown.serial or 0):
        ago_ms = read.sent_ms - newer[-1].ended_ms
        return f"{key.name} was {shown.words}, though its call {newer[-1].serial} had been answered {ago_ms} ms before"
    return f"{key.name} was {shown.words}, and nobody was asking for it"


def _fault_in_invalidation(key: Key, read: Read) -> str | None:
    """After an invalidation what was known before is not fresh any more, and somebody fetches the new."""
    heard_of = key.invalidated(read.sent_ms, read.exchange.request.instance)
    if not heard_of or not key.ledger.surely_known(heard_of[-1].began_ms):
        return None
    last, known = heard_of[-1], key.ledger.get(read.of(key.name).serial or 0)
    if known and read.of(key.name).is_fresh and known.ended_ms + key.slack_ms < last.began_ms:
        return f"{key.name} is served as fresh, of its call {known.serial}, which was invalidated"
    late_ms = last.done_ms + INVALIDATED_MS + key.slack_ms
    if read.sent_ms <= late_ms or key.is_led_by_the_silent(late_ms):
        return None
    meant = (call for call in key.ledger.calls if ended_ms(call) + key.slack_ms >= last.began_ms)
    refreshed = any(call.began_ms <= late_ms for call in meant)
    return None if refreshed else f"{key.name} was invalidated, and not refreshed within {INVALIDATED_MS} ms"


def _fault_in_late_write(key: Key, read: Read) -> str | None:
    """What a leader that stood still brought home after another had taken over is not shown any more."""
    shown = read.of(key.name)
    late = next((call for call in key.ledger.calls if call.serial == shown.serial), None)
    if late is None:
        return None
    for stop in key.stops:
        resumed = stop.resumed
        if resumed is None or read.sent_ms <= resumed.done_ms + INVALIDATED_MS + key.slack_ms:
            continue
        was_under_way = late.began_ms <= stop.done_ms and ended_ms(late) >= stop.began_ms
        newer = [k for k in key.ledger.surely_known(resumed.began_ms) if k.serial > late.serial]
        if was_under_way and newer and _knows_better(key, read, stop, newer[-1]):
            replaced = f"whose leader stood still while call {newer[-1].serial} replaced it"
            return f"{key.name} is of call {late.serial}, {replaced}"
    return None


def _knows_better(key: Key, read: Read, stop: Stop, newer: Known) -> bool:
    """Whether it was asked of the instance that stood still, or of one that showed the newer before."""
    instance = read.exchange.request.instance
    before = (r for r in key.reads if r.exchange.request.instance == instance and r.is_before(read))
    return instance == stop.instance or any((r.of(key.name).serial or 0) >= newer.serial for r in before)


def find_never_early(example: Example) -> str | None:
    """Whether a story's reads shortly before an expiry were so many that one had to refresh early, and none did.

    By XFetch each read draws anew, and refreshes with probability exp(-left / (delta * beta)), where delta is how long
    the last call took.
    """
    beta = float(example.context.settings["GATEWAY_XFETCH_BETA"])
    chance, drawn = 1.0, 0
    for key in keys_of(example):
        for known in key.ledger.known:
            if is_refreshed_early(key, known):
                return None
            for left_ms in _draws(key, known):
                chance *= 1 - exp(-left_ms / max(1e-9, (known.ended_ms - known.began_ms) * beta))
                drawn += 1
    if beta == 0 or chance >= NEVER:
        return None
    return f"{drawn} reads shortly before an expiry refreshed nothing early; the chance of that is {chance:.0e}"


def is_refreshed_early(key: Key, known: Known) -> bool:
    """Whether a call surely began between this one's answer and its expiry, without an invalidation."""
    later = [c for c in key.ledger.calls if c.began_ms > known.ended_ms and c.serial > known.serial]
    early = [c for c in later if known.surely_younger(key.times.ttl_ms, c.began_ms)]
    return any(
        not any(d.began_ms <= c.began_ms and d.done_ms >= known.began_ms for d in key.invalidations) for c in early
    )


def _draws(key: Key, known: Known) -> list[int]:
    """How much time was left, at most, at each read that was served from this call before its expiry."""
    served = (read for read in key.reads if read.of(key.name).is_fresh and read.of(key.name).serial == known.serial)
    expires_ms = known.ended_ms + known.slack_ms + key.times.ttl_ms
    return [
        expires_ms - read.sent_ms
        for read in served
        if read.sent_ms > known.ended_ms and known.surely_younger(key.times.ttl_ms, read.heard_ms)
    ]
