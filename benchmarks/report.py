"""What a run showed, for people and for programs."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

from benchmarks.contest import CONTENDERS
from benchmarks.machine import cores, facts
from benchmarks.memory import MIB
from benchmarks.plan import SETTINGS
from benchmarks.ratios import Spread, of, ratios, spread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console

    from benchmarks.contest import Round
    from benchmarks.held import Held
    from benchmarks.judgement import Judged
    from benchmarks.measure import Measured
    from benchmarks.memory import Weight
    from benchmarks.plan import Plan

FILE = "bench.json"


def write_report(measured: Measured, plan: Plan) -> Path:
    """Write `bench.json`, whole or not at all; return where it is."""
    file = plan.out / FILE
    draft = file.with_suffix(".tmp")
    draft.write_text(json.dumps(as_json(measured, plan), indent=2) + "\n", encoding="utf-8")
    os.replace(draft, file)  # noqa: PTH105 - as Path.replace, which mypy knows by the same name
    return file


def as_json(measured: Measured, plan: Plan) -> dict[str, Any]:
    """Everything in plain types; times are in the units that the names end with."""
    return {
        "format": "gatespec-bench",
        "version": 1,
        "command": plan.command,
        "machine": {**facts(), "load_average_before": measured.load_average},
        "services": [f"{each.role}: {each.server} {each.version}".strip() for each in measured.services],
        "settings": dict(SETTINGS),
        "equated": asdict(measured.equated),
        "rounds": [
            {
                **asdict(each),
                "requests_per_s": each.per_s,
                "cpu_per_1000_s": each.cpu_per_1000_s,
                "redis_cpu_per_1000_s": each.redis_cpu_per_1000_s,
            }
            for each in measured.rounds
        ],
        "ratios": [asdict(each) for each in ratios(measured.rounds)],
        "components": [{**asdict(each), "examples_per_s": each.per_s} for each in measured.components],
        "memory": [asdict(each) for each in measured.memory],
        "stampedes": [asdict(each) for each in measured.stampedes],
        "held": {**asdict(measured.held), "bytes_per_offer": measured.held.bytes_per_offer} if measured.held else None,
        "judgement": asdict(measured.judgement) if measured.judgement else None,
    }


def show(console: Console, measured: Measured, plan: Plan) -> None:
    """Print the tables, and last what they rest on."""
    for table in _tables(measured):
        console.print(table)
        console.print()
    machine = f"{cores()} cores, load average {measured.load_average:.1f} before the run"
    console.print(f"{machine}; {plan.rounds} rounds of {plan.seconds:g} s; k6 shares the cores")
    if measured.books:
        console.print(_equation(measured))


def _tables(measured: Measured) -> Iterator[Table]:
    if measured.rounds:
        yield _rounds(measured.rounds)
        yield _ratios(measured.rounds)
    if measured.components:
        yield _components(measured)
    if measured.memory:
        yield _memory(measured)
    if measured.stampedes:
        yield _stampedes(measured)
    if measured.held:
        yield _held(measured.held)
    if measured.judgement:
        yield _judgement(measured.judgement)


def _rounds(rounds: list[Round]) -> Table:
    """Medians only; what each round said is in the file."""
    table = _table("Reads", "workload", "server", "requests/s", "CPU s/1000", "Redis", "p50 ms", "p99 ms")
    for workload in dict.fromkeys(each.workload for each in rounds):
        for contender in CONTENDERS:
            one = of(rounds, workload, contender)
            table.add_row(
                workload,
                contender,
                f"{spread(each.per_s for each in one).median:,.0f}",
                f"{spread(each.cpu_per_1000_s for each in one).median:.3f}",
                f"{spread(each.redis_cpu_per_1000_s for each in one).median:.3f}",
                f"{spread(each.load.p50_ms for each in one).median:.1f}",
                f"{spread(each.load.p99_ms for each in one).median:.1f}",
            )
    return table


def _ratios(rounds: list[Round]) -> Table:
    table = _table("The gateway, as a multiple of", "workload", "baseline", "requests/s", "CPU a request")
    for each in ratios(rounds):
        table.add_row(each.workload, each.baseline, _spread(each.requests_per_s), _spread(each.cpu_per_request))
    return table


def _components(measured: Measured) -> Table:
    table = _table("Component tier", "property", "store", "examples/s", "examples", "requests")
    for each in measured.components:
        table.add_row(each.property_id, each.binding, f"{each.per_s:.1f}", str(each.examples), f"{each.requests:,}")
    return table


def _memory(measured: Measured) -> Table:
    table = _table("Memory, MiB", "service", "processes", "idle RSS", "idle PSS", "loaded RSS", "loaded PSS")
    for each in measured.memory:
        table.add_row(each.service, str(each.processes), *_weight(each.idle), *_weight(each.loaded))
    return table


def _stampedes(measured: Measured) -> Table:
    """One row for each kind of key; the worst of its moments counts."""
    table = _table("Stampedes", "key", "moments", "readers", "instances", "calls", "stale", "p50 ms", "worst ms")
    for key in dict.fromkeys(each.key for each in measured.stampedes):
        met = [each for each in measured.stampedes if each.key == key]
        worst = [max(getattr(each, name) for each in met) for name in ("calls", "stale", "p50_ms", "worst_ms")]
        table.add_row(key, *map(str, (len(met), met[0].readers, met[0].instances, *worst)))
    return table


def _held(held: Held) -> Table:
    table = _table("Offers in memory, MiB", "offers", "empty RSS", "empty PSS", "full RSS", "full PSS", "bytes/offer")
    table.add_row(f"{held.offers:,}", *_weight(held.empty), *_weight(held.full), f"{held.bytes_per_offer:,.0f}")
    return table


def _judgement(judged: Judged) -> Table:
    """The whole in its first row, then what took the longest."""
    table = _table("A whole judgement", "property", "tier", "binding", "took s", "waited s", "lag ms", "stories")
    told = sum(case.examples for case in judged.cases)
    table.add_row("all", f"{judged.lanes} lanes", "", f"{judged.took_ms / 1000:.0f}", "", str(judged.lag_ms), str(told))
    for case in sorted(judged.cases, key=lambda case: -case.took_ms):
        took, waited = (f"{ms / 1000:.0f}" for ms in (case.took_ms, case.waited_ms))
        table.add_row(case.property_id, case.tier, case.binding, took, waited, str(case.lag_ms), str(case.examples))
    return table


def _weight(weight: Weight) -> tuple[str, str]:
    return f"{weight.rss / MIB:.0f}", f"{weight.pss / MIB:.0f}" if weight.pss else "-"


def _spread(found: Spread) -> str:
    """Write the median, and how far the rounds lay apart."""
    return f"{found.median:.2f} ({found.least:.2f} to {found.most:.2f})"


def _equation(measured: Measured) -> str:
    equated = measured.equated
    caches = ", ".join(f"{count:,} {outcome}" for outcome, count in equated.caches.items())
    return (
        f"equated: {equated.requests:,} requests sent = log lines = /metrics = limiter decisions "
        f"= Cache-Status ({caches}); {equated.provider_calls} provider calls"
    )


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for number, column in enumerate(columns):
        words = number == 0 or column in {"server", "baseline", "store", "tier", "binding"}
        table.add_column(column, justify="left" if words else "right", no_wrap=True)
    return table
