"""Counts in plain numbers, rendered when somebody scrapes: a library's counter takes a lock for each request.

All counting and all scraping is done by the event loop's thread.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


class Tally(Collector):
    """How often something happened, by its labels."""

    def __init__(self, name: str, about: str, *labels: str) -> None:
        self._family = (name, about, labels)
        self._counts: defaultdict[tuple[str, ...], int] = defaultdict(int)

    def add(self, *labels: str, times: int = 1) -> None:
        """Count; every label has few values by construction."""
        self._counts[labels] += times

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Render for a scrape."""
        name, about, labels = self._family
        family = CounterMetricFamily(name, about, labels=labels)
        for values, count in self._counts.items():
            family.add_metric(values, count)
        yield family


class Watched(Collector):
    """A count that somebody else keeps."""

    def __init__(self, name: str, about: str, count: Callable[[], int]) -> None:
        self._family = (name, about)
        self._count = count

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Render for a scrape."""
        yield CounterMetricFamily(*self._family, value=self._count())


class Readings(Collector):
    """What somebody else knows at the moment of the scrape, by labels."""

    def __init__(
        self, name: str, about: str, labels: Sequence[str], read: Callable[[], Iterable[tuple[Sequence[str], float]]]
    ) -> None:
        self._family = (name, about, labels)
        self._read = read

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Render for a scrape."""
        name, about, labels = self._family
        family = GaugeMetricFamily(name, about, labels=labels)
        for values, reading in self._read():
            family.add_metric(values, reading)
        yield family


class Durations(Collector):
    """How long something took, in buckets, by one label."""

    def __init__(self, name: str, about: str, label: str, bounds_s: Sequence[float]) -> None:
        self._family = (name, about, (label,))
        self._bounds_s = bounds_s
        self._names = [*map(floatToGoString, bounds_s), "+Inf"]
        self._counts: defaultdict[str, list[int]] = defaultdict(lambda: [0] * len(self._names))
        self._sums_s: defaultdict[str, float] = defaultdict(float)

    def add(self, label: str, duration_s: float) -> None:
        """Count one duration in its bucket, whose bound is inclusive."""
        self._counts[label][bisect_left(self._bounds_s, duration_s)] += 1
        self._sums_s[label] += duration_s

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Render for a scrape; Prometheus' buckets are cumulative."""
        name, about, labels = self._family
        family = HistogramMetricFamily(name, about, labels=labels)
        for label, counts in self._counts.items():
            family.add_metric((label,), list(zip(self._names, accumulate(counts), strict=True)), self._sums_s[label])
        yield family
