"""The reference gateway on a lane whose providers, Redis and lives are in the test's hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatespec.drivers.http_reads import HttpReadGateway
from gatespec.engine.backstage import people
from gatespec.engine.chapter import Needs
from gatespec.stack.lane import Stack
from gatespec.target import load_target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatespec.stack.lane import Lane

SETTINGS = {
    "GATEWAY_TTL_PRICING_S": "5",
    "GATEWAY_HEALTH_INTERVAL_S": "0",
    "GATEWAY_POLL_S": "0",
    "GATEWAY_UPSTREAM_TIMEOUT_S": "1.5",
    "GATEWAY_DEADLINE_S": "2.5",
}
POOL = 40


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATESPEC_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        with Stack.start(tmp_path_factory.mktemp("out"), purpose="tests") as stack:
            yield stack


@pytest.fixture(scope="session")
def lane(stack: Stack, root: Path) -> Iterator[Lane]:
    target = load_target(root / "reference_gateway" / "gateway.toml")
    with stack.lane(target, settings=SETTINGS, instances=2, needs=Needs(POOL, store_faults=True)) as lane:
        yield lane


@pytest.fixture(scope="session")
def driver(lane: Lane) -> Iterator[HttpReadGateway]:
    gateway = HttpReadGateway(lane, people(lane))
    yield gateway
    gateway.close()


@pytest.fixture
def gateway(driver: HttpReadGateway) -> HttpReadGateway:
    """On fresh ground, whatever the last test did to it."""
    driver.begin()
    return driver


@pytest.fixture(scope="session")
def root(pytestconfig: pytest.Config) -> Path:
    return pytestconfig.rootpath
