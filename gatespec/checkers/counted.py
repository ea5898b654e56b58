"""What a gateway counts of malformed items, on `/metrics`: held against what its providers listed.

The name of the metric is spec/metrics.toml's. A gateway that shows no such metric is not judged by it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from gatespec.checkers.answers import SHOWN
from gatespec.checkers.calls import OK, ended_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gatespec.history import Example
    from gatespec.ports import Exchange
    from gatespec.read_ports import UpstreamCall

METRICS_PATH = "/metrics"
LEFT_OUT = "gateway_provider_items_left_out"
"""A counter with the label `provider`; its samples end in `_total`."""


@dataclass(frozen=True)
class Counting:
    """One look at every instance's metrics."""

    exchanges: tuple[Exchange, ...]
    place: int
    """Of the last one in the example."""

    @property
    def sent_ms(self) -> int:
        """When it began."""
        return min(exchange.span.sent_ms for exchange in self.exchanges)

    @property
    def heard_ms(self) -> int:
        """When it was over."""
        return max(exchange.span.heard_ms for exchange in self.exchanges)

    def of(self, provider: str) -> int | None:
        """How many of its items all instances left out; None where no instance shows the metric."""
        shown = [_samples(exchange) for exchange in self.exchanges]
        if not any(samples is not None for samples in shown):
            return None
        return int(sum((samples or {}).get(provider, 0) for samples in shown))


def countings(example: Example, since: int = 0) -> Iterator[Counting]:
    """Every look at all instances from this place on: as many requests, one after the other, as there are instances."""
    seen: list[Exchange] = []
    for place, exchange in enumerate(example.exchanges[since:], since):
        if exchange.request.path != METRICS_PATH:
            continue
        seen.append(exchange)
        if len(seen) == example.context.instances:
            yield Counting(tuple(seen), place)
            seen = []


def without_others(exchange: Exchange, providers: Sequence[str]) -> Exchange:
    """The same answer with those lines alone that are about the metric and these providers: a record keeps no more."""
    quoted = [f'"{name}"' for name in providers]
    lines = exchange.body.decode("utf-8", "replace").splitlines()
    kept = [line for line in lines if LEFT_OUT in line and (line.startswith("#") or any(q in line for q in quoted))]
    return replace(exchange, body="".join(line + "\n" for line in kept).encode())


def surely_and_perhaps(counting: Counting, calls: Iterable[UpstreamCall], slack_ms: int) -> tuple[int, int]:
    """How many of these calls surely were through when it was looked, and how many perhaps."""
    well = [call for call in calls if call.outcome == OK]
    surely = sum(ended_ms(call) + slack_ms < counting.sent_ms for call in well)
    return surely, sum(call.began_ms <= counting.heard_ms for call in well)


def _samples(exchange: Exchange) -> dict[str, float] | None:
    if exchange.status != SHOWN or LEFT_OUT not in exchange.body.decode("utf-8", "replace"):
        return None
    families = text_string_to_metric_families(exchange.body.decode("utf-8", "replace"))
    samples = (sample for family in families for sample in family.samples if sample.name == f"{LEFT_OUT}_total")
    return {sample.labels.get("provider", ""): sample.value for sample in samples}
