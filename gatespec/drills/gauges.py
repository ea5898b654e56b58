"""What each instance holds, looked at beside a drill: its memory from outside, its queues from its own `/metrics`."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psutil
import requests
from prometheus_client.parser import text_string_to_metric_families

from gatespec.drills.room_claims import ROOM, RSS
from gatespec.read_ports import Sample
from gatespec.stack import born

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gatespec.clock import Clock
    from gatespec.stack.gateway import GatewayInstance

LOOK_EVERY_S = 1.0
LOOK_S = 0.5
"""How long one scrape may take: an instance that stands still is passed over."""


class Gauges:
    """Looks at every instance about once a second, in a thread of its own, until it is stopped."""

    def __init__(self, instances: Iterable[GatewayInstance], clock: Clock) -> None:
        self.samples: list[Sample] = []
        self._instances = tuple(instances)
        self._clock = clock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="gauges", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the looking: at most one scrape of each instance's time."""
        self._stop.set()
        self._thread.join()

    def _look_on(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while not self._stop.wait(LOOK_EVERY_S):
                for number, instance in enumerate(self._instances):
                    self._look(session, number, instance)

    def _look(self, session: requests.Session, number: int, instance: GatewayInstance) -> None:
        if held := rss_bytes(instance):
            self.samples.append(Sample(RSS, number, self._clock.now_ms(), held))
        with suppress(requests.RequestException, ValueError):
            text = session.get(f"{instance.url}/metrics", timeout=LOOK_S).text
            shown = greatest(text)
            self.samples += [Sample(name, number, self._clock.now_ms(), value) for name, value in shown.items()]


@contextmanager
def gauges(instances: Iterable[GatewayInstance], clock: Clock) -> Iterator[Gauges]:
    """Look on for as long as the block runs."""
    looking = Gauges(instances, clock)
    try:
        yield looking
    finally:
        looking.stop()


def rss_bytes(instance: GatewayInstance) -> int:
    """Resident memory of an instance and all that descends from it; 0 where it is gone."""
    held = 0
    for process in born.tree(instance.child.born) if instance.child else ():
        with suppress(psutil.Error):
            held += process.memory_info().rss
    return held


def greatest(text: str) -> dict[str, int]:
    """Of each gauge that a drill judges the greatest of its values; raise ValueError where it is no exposition."""
    lines = [line for line in text.splitlines() if line.partition("{")[0].partition(" ")[0] in ROOM]
    found: dict[str, int] = {}
    for family in text_string_to_metric_families("\n".join([*lines, ""])):
        for sample in family.samples:
            found[sample.name] = max(found.get(sample.name, 0), int(sample.value))
    return found
