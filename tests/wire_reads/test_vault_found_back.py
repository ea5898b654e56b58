"""A story that ended without Vault is none of the next one's business."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatespec.drivers.http_reads import HttpReadGateway
from gatespec.engine.backstage import people
from gatespec.engine.chapter import Needs
from gatespec.target import load_target
from tests.wire_reads.conftest import POOL, SETTINGS
from tests.wire_reads.test_read_driver import read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatespec.stack.lane import Stack

TOKEN_S = 60
TIMES = 3
"""An instance may happen to look for Vault just then: not so often in a row."""


@pytest.fixture(scope="module")
def gateway(stack: Stack, root: Path) -> Iterator[HttpReadGateway]:
    target = load_target(root / "reference_gateway" / "gateway.toml")
    needs = Needs(POOL, vault_token_s=TOKEN_S)
    with stack.lane(target, settings=SETTINGS, instances=2, needs=needs) as lane:
        driver = HttpReadGateway(lane, people(lane))
        yield driver
        driver.close()


def test_the_next_story_begins_when_all_have_found_vault_again(gateway: HttpReadGateway) -> None:
    for _ in range(TIMES):
        gateway.begin()
        gateway.vault("refusing")
        lost = gateway.fresh_providers(2)
        assert [read(gateway, name, place).status for place, name in enumerate(lost)] == [503, 503]
        gateway.begin()
        found = gateway.fresh_providers(2)
        assert [read(gateway, name, place).status for place, name in enumerate(found)] == [200, 200]
