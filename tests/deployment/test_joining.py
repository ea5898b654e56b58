"""The script that makes a cluster of the Redis pods, on six real servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec.clock import until
from gatespec.stack.nursery import Nursery
from tests.deployment.joining import Pod, StatefulSet

if TYPE_CHECKING:
    import pytest

FAILOVER_MS = 60_000
SHARES = ["0-5460", "5461-10921", "10922-16383"]


def test_six_strangers_become_three_primaries_with_a_replica_each(joined: StatefulSet) -> None:
    primaries = joined.primaries()
    assert sorted(primaries.values(), key=lambda share: int(share.split("-")[0])) == SHARES
    assert joined.followed() == sorted(primaries)


def test_joining_again_changes_nothing(joined: StatefulSet) -> None:
    before = joined.primaries(), joined.followed()
    assert joined.join().returncode == 0
    assert (joined.primaries(), joined.followed()) == before


def test_all_restart_at_other_addresses_and_are_introduced_again(joined: StatefulSet) -> None:
    before = joined.primaries()
    for pod in joined.pods:
        pod.stop()
    for pod in joined.pods:
        pod.start()
    done = joined.join()
    assert done.returncode == 0, done.stderr
    assert joined.primaries() == before


def test_one_that_lost_its_volume_becomes_a_replica_and_its_former_self_is_forgotten(
    joined: StatefulSet, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lost = next(pod for pod in joined.pods[1:] if pod.ask("CLUSTER", "MYID") in joined.primaries())
    former = lost.ask("CLUSTER", "MYID")
    lost.stop()
    assert until(lambda: former not in joined.primaries() and len(joined.primaries()) == 3, at_most_ms=FAILOVER_MS)
    lost.start(volume=tmp_path_factory.mktemp("fresh"))
    done = joined.join()
    assert done.returncode == 0, done.stderr
    assert joined.followed() == sorted(joined.primaries())
    assert former not in [words[0] for words in joined.lines()]


def test_where_no_node_answers_it_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Nursery("tests", tmp_path_factory.mktemp("away")) as nursery:
        pods = StatefulSet([Pod(nursery, f"gone-{number}", port=1) for number in range(2)])
        done = pods.join(agree_s=2)
    assert done.returncode == 1
    assert "every node answers" in done.stderr
    assert "Traceback" not in done.stderr
