"""Redis pods without a cluster, and the same joined, for each module that asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatespec.stack.nursery import Nursery
from tests.deployment.joining import Pod, StatefulSet

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def pods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StatefulSet]:
    with Nursery("tests", tmp_path_factory.mktemp("joining")) as nursery:
        made = StatefulSet([Pod(nursery, f"redis-{number}") for number in range(6)])
        for pod in made.pods:
            pod.start()
        yield made


@pytest.fixture(scope="module")
def joined(pods: StatefulSet) -> StatefulSet:
    done = pods.join()
    assert done.returncode == 0, done.stderr
    return pods
