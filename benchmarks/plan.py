"""What is asked of a run, and what the gateway is told for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.contest import WORKLOADS, Workload
from gatespec.errors import usage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

COMPONENTS = "components"
MEMORY = "memory"
STAMPEDE = "stampede"
HELD = "held"
JUDGEMENT = "judgement"
USUAL = (*(workload.name for workload in WORKLOADS), COMPONENTS, MEMORY, STAMPEDE, HELD)
PARTS = (*USUAL, JUDGEMENT)
"""The last takes minutes, and is measured only where it is named."""
ROUNDS_MAX = 100
SECONDS_MAX = 60.0
LIMIT = 1_000_000
"""Requests in a window: beyond what this load generator can send, so that every request is counted and admitted."""

SETTINGS: Mapping[str, str] = {
    "GATEWAY_RATE_ENTERPRISE": str(LIMIT),
    # The limiter that is measured is the one on Redis, also on a machine so busy that Redis answers late.
    "GATEWAY_REDIS_BUDGET_S": "1",
    # Providers are called for misses alone, so that the ledger can be equated with them.
    "GATEWAY_POLL_S": "0",
    "GATEWAY_XFETCH_BETA": "0",
}


@dataclass(frozen=True)
class Plan:
    """One run of the benchmarks."""

    out: Path
    command: str
    """The line that repeats it."""
    rounds: int = 3
    seconds: float = 2.0
    parts: tuple[str, ...] = USUAL

    @property
    def workloads(self) -> tuple[Workload, ...]:
        """The loads that were asked for."""
        return tuple(workload for workload in WORKLOADS if workload.name in self.parts)


def checked(plan: Plan) -> Plan:
    """Return the plan if it can be carried out; raises a usage error that names the option."""
    if not 1 <= plan.rounds <= ROUNDS_MAX:
        raise usage("rounds-invalid", f"--rounds {plan.rounds}: it takes 1 to {ROUNDS_MAX}")
    if not 0 < plan.seconds <= SECONDS_MAX:
        raise usage("seconds-invalid", f"--seconds {plan.seconds:g}: it takes more than 0 and at most {SECONDS_MAX:g}")
    for part in plan.parts:
        if part not in PARTS:
            raise usage("part-unknown", f"--only: there is no part {part!r:.40}", hint=f"choose of {', '.join(PARTS)}")
    return plan
