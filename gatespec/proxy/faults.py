"""What can go wrong between two ends of a connection, one row per fault."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Kind = Literal["refuse", "cut", "reset", "blackhole", "latency"]
Way = Literal["up", "down"]
"""`up`: what the client says to the server; `down`: what the server says to the client."""
Direction = Literal["up", "down", "both"]
Parting = Literal["", "close", "reset"]
"""What becomes of the connections that stand: nothing, an end as by close(), or a reset."""

LATENCY_MAX_MS = 60_000


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, on live connections too.

    `refuse`: no new connection is taken up, the kernel answers with a reset; `cut`: the same, and those that stand are
    closed; `reset`: those that stand are reset, and each new one as soon as it is taken up; `blackhole`: all stay open,
    new ones too, and what is said is swallowed; `latency`: what is said arrives `latency_ms` later, in order.
    """

    kind: Kind
    direction: Direction = "both"
    """For `blackhole` and `latency`: which way."""
    latency_ms: int = 0

    @property
    def ways(self) -> frozenset[Way]:
        """The ways that it concerns."""
        return frozenset(get_args(Way)) if self.direction == "both" else frozenset({self.direction})


@dataclass(frozen=True)
class Conditions:
    """What all faults in force come to."""

    accepts: bool = True
    resets: bool = False
    swallows: frozenset[Way] = frozenset()
    delay_ms: Mapping[Way, int] = field(default_factory=dict)
    parting: Parting = ""


def _refuse(now: Conditions, _: Fault) -> Conditions:
    return replace(now, accepts=False)


def _cut(now: Conditions, _: Fault) -> Conditions:
    return replace(now, accepts=False, parting=now.parting or "close")


def _reset(now: Conditions, _: Fault) -> Conditions:
    return replace(now, resets=True, parting="reset")


def _blackhole(now: Conditions, fault: Fault) -> Conditions:
    return replace(now, swallows=now.swallows | fault.ways)


def _latency(now: Conditions, fault: Fault) -> Conditions:
    return replace(now, delay_ms={**now.delay_ms, **dict.fromkeys(fault.ways, fault.latency_ms)})


_BY_KIND: dict[Kind, Callable[[Conditions, Fault], Conditions]] = {
    "refuse": _refuse,
    "cut": _cut,
    "reset": _reset,
    "blackhole": _blackhole,
    "latency": _latency,
}


def conditions(faults: Iterable[Fault]) -> Conditions:
    """What these faults come to together; without any, all is well."""
    now = Conditions()
    for fault in faults:
        now = _BY_KIND[fault.kind](now, fault)
    return now


def fault_of(said: Mapping[str, Any]) -> Fault:
    """Read a fault from plain values; a `ValueError` names what is wrong with it."""
    kind, direction, latency_ms = said["kind"], said.get("direction", "both"), said.get("latency_ms", 0)
    if kind not in _BY_KIND:
        raise ValueError(f"kind: there is no fault {kind!r:.40}")
    if direction not in get_args(Direction):
        raise ValueError(f"direction: {direction!r:.40} is none of up, down, both")
    if not isinstance(latency_ms, int) or not 0 <= latency_ms <= LATENCY_MAX_MS:
        raise ValueError(f"latency_ms: {latency_ms!r:.40} is not from 0 to {LATENCY_MAX_MS}")
    return Fault(kind, direction, latency_ms)
