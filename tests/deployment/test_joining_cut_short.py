"""What a run of the joining script left half done is ended by the next, even by two at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from gatespec.stack.ports import LOOPBACK

if TYPE_CHECKING:
    from tests.deployment.joining import StatefulSet


def test_a_half_formed_cluster_is_completed_by_two_runs_at_once(pods: StatefulSet) -> None:
    first, second, *_ = pods.pods
    first.ask("CLUSTER", "MEET", LOOPBACK, str(second.port))
    second.ask("CLUSTER", "ADDSLOTSRANGE", "5461", "10921")
    with ThreadPoolExecutor(2) as runs:
        done = list(runs.map(lambda _: pods.join(), range(2)))
    last = pods.join()
    assert last.returncode == 0, [one.stderr for one in (*done, last)]
    assert sorted(pods.primaries().values()) == ["0-5460", "10922-16383", "5461-10921"]
    assert pods.followed() == sorted(pods.primaries())
