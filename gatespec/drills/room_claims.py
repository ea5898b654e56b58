"""What an instance may hold: memory and queues, as sampled while the drill ran."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec.checkers.findings import Breach
from gatespec.drills.phases import windows_of
from gatespec.read_ports import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatespec.history import Example
    from gatespec.read_ports import Sample

RSS = "rss_bytes"
IN_FLIGHT, WAITING = "gateway_provider_calls_in_flight", "gateway_provider_calls_waiting"
ROOM: Mapping[str, tuple[int, str]] = {
    IN_FLIGHT: (PLAIN.concurrency, "calls in flight to one provider"),
    WAITING: (PLAIN.queue, "calls that wait for a place at one provider"),
}
"""Gauges of spec/metrics.toml, each with its bound from the providers file; who shows none is not judged by them."""
GROWTH_MAX_BYTES = 16 * 2**20
"""How much an instance may grow by from before the fault: see docs/decisions/0100."""
MIB = 2**20


def memory_is_bounded(example: Example, _heals_ms: int) -> Iterator[Breach]:
    """From the fault on no instance holds more than 16 MiB above the most that it held before it."""
    windows = windows_of(example)
    if not windows:
        return
    first_ms = min(w.from_ms for w in windows)
    for instance in range(example.context.instances):
        mine = [s for s in example.samples if s.what == RSS and s.instance == instance]
        before = max((s.value for s in mine if s.at_ms < first_ms), default=None)
        worst = max((s for s in mine if s.at_ms >= first_ms), key=lambda s: s.value, default=None)
        if before is not None and worst is not None and worst.value - before > GROWTH_MAX_BYTES:
            yield Breach(f"instance {instance} {_grew(before, worst, first_ms)}: 16 MiB are allowed", 0)


def queues_are_bounded(example: Example, _heals_ms: int) -> Iterator[Breach]:
    """No instance ever shows more calls in flight, or waiting for a place, than the providers file lets it."""
    for what, (most, words) in ROOM.items():
        over = [s for s in example.samples if s.what == what and s.value > most]
        if over:
            yield Breach(f"instance {over[0].instance} showed {over[0].value} {words}: {most} are allowed", 0)


def memory_watched(example: Example) -> int:
    """How many instances were looked at both before the fault and after it began."""
    first_ms = min((w.from_ms for w in windows_of(example)), default=0)
    looks = {(s.instance, s.at_ms < first_ms) for s in example.samples if s.what == RSS}
    instances = range(example.context.instances)
    return int(bool(looks) and all({(n, True), (n, False)} <= looks for n in instances))


def _grew(before: int, worst: Sample, first_ms: int) -> str:
    held, grown = worst.value // MIB, (worst.value - before) // MIB
    return f"held {held} MiB {worst.at_ms - first_ms} ms after the fault began, {grown} MiB more than before it"
