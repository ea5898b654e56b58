"""Two instances on one Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.gateway_owners.room import Clouds, Instance, open_instance

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Pair = tuple[Instance, Instance]


@pytest.fixture
def clouds() -> Clouds:
    return Clouds()


@pytest_asyncio.fixture
async def pair(clean_redis_url: str, clouds: Clouds) -> AsyncIterator[Pair]:
    opened = (await open_instance(clean_redis_url, clouds), await open_instance(clean_redis_url, clouds))
    yield opened
    for instance in opened:
        await instance.close()


@pytest.fixture
def one(pair: Pair) -> Instance:
    return pair[0]
