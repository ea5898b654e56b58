"""The gateway's accounts of a load: its log, its metrics, and the ledger of the provider behind it."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.books import Account, Books, differences
from benchmarks.contest import PATH
from gatespec.clock import until
from gatespec.providers.control_client import ProvidersControl

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SETTLE_MS = 5_000
"""How long the gateway may take to write down what it has answered: a turn of its loop, on a busy machine."""
SCRAPE_S = 10.0
"""How long /metrics may take while the machine is busy."""
PROVIDER = "lambda"
QUIET_LEVELS = frozenset({"debug", "info"})
Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Metered:
    """What the counters of /metrics stand at."""

    statuses: Counter[int]
    lookups: Counter[str]
    decisions: Counter[str]
    calls: int


@dataclass(frozen=True)
class Mark:
    """Where all accounts stood before a load."""

    log_bytes: int
    metered: Metered
    calls_received: int


class GatewayBooks:
    """Reads the accounts of one instance."""

    def __init__(self, url: str, log: Path, simulators_url: str) -> None:
        self._url = url
        self._log = log
        self._provider = ProvidersControl(simulators_url)

    def mark(self) -> Mark:
        """Remember where everything stands; nobody sends anything meanwhile."""
        return Mark(self._log.stat().st_size, self._metered(), self._received())

    def settled(self, mark: Mark, name: str, sent: Account) -> Books:
        """Say what was counted since `mark`, once it agrees with what the client sent, or when it had its time."""
        seen: list[Books] = []

        def agree() -> bool:
            seen[:] = [self._since(mark, name, sent)]
            return not differences(seen[0])

        until(agree, at_most_ms=SETTLE_MS)
        return seen[0]

    def _since(self, mark: Mark, name: str, sent: Account) -> Books:
        now = self._metered()
        logged, complaints = read_log(self._log, mark.log_bytes)
        statuses = _risen(now.statuses, mark.metered.statuses)
        lookups = _risen(now.lookups, mark.metered.lookups)
        without = sum(statuses.values()) - sum(lookups.values())
        return Books(
            load=name,
            sent=sent,
            logged=logged,
            metered=Account(statuses, {**lookups, "none": without}),
            limited=_risen(now.decisions, mark.metered.decisions),
            calls_metered=now.calls - mark.metered.calls,
            calls_received=self._received() - mark.calls_received,
            complaints=complaints,
        )

    def _metered(self) -> Metered:
        with urllib.request.urlopen(f"{self._url}/metrics", timeout=SCRAPE_S) as answer:  # noqa: S310 - our own gateway
            return metered(answer.read().decode())

    def _received(self) -> int:
        return len(self._provider.ledger(PROVIDER, "list"))


def _risen(now: Counter[Kind], before: Counter[Kind]) -> dict[Kind, int]:
    """Subtract, and keep what fell: a counter never does, unless another process answers now."""
    return {kind: now[kind] - before[kind] for kind in now | before}


def metered(text: str) -> Metered:
    """Read Prometheus' text: the counters of the measured route."""
    found = Metered(Counter(), Counter(), Counter(), 0)
    calls = 0
    for sample in (each for family in text_string_to_metric_families(text) for each in family.samples):
        labels, count = sample.labels, int(sample.value)
        if sample.name == "gateway_requests_total" and labels["route"] == PATH:
            found.statuses[int(labels["status"])] += count
        elif sample.name == "gateway_cache_lookups_total" and labels["tier"] == "answer":
            found.lookups[labels["outcome"]] += count
        elif sample.name == "gateway_limiter_decisions_total":
            found.decisions[labels["outcome"]] += count
        elif sample.name == "gateway_provider_calls_total":
            calls += count
    return Metered(found.statuses, found.lookups, found.decisions, calls)


def read_log(log: Path, begin: int) -> tuple[Account, tuple[str, ...]]:
    """Count the lines of the measured route after byte `begin`, and collect those that complain."""
    statuses: Counter[int] = Counter()
    caches: Counter[str] = Counter()
    complaints: list[str] = []
    for line in _lines(log, begin):
        said = _parsed(line)
        if said is None or said.get("level") not in QUIET_LEVELS:
            complaints.append(line)
        elif said.get("message") == "request" and said.get("route") == PATH:
            statuses[said["status"]] += 1
            caches[said.get("cache") or "none"] += 1
    return Account(statuses, caches), tuple(complaints)


def _lines(log: Path, begin: int) -> Iterable[str]:
    """Whole lines only: the last one may still be being written."""
    with log.open("rb") as file:
        file.seek(begin)
        for line in file:
            if line.endswith(b"\n"):
                yield line.decode("utf-8", "replace").rstrip("\n")


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        said = json.loads(line)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None
