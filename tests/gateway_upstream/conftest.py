"""Instances as far as providers are concerned, each over connections of its own; and a Redis to break."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
import uvloop

from gatespec.stack.finder import chosen, find_redis
from gatespec.stack.redis import RedisServer
from reference_gateway.adapters.redis import Healths, open_upstreams
from tests.gateway_limiter.crowd import PATIENT_US, now_us
from tests.gateway_upstream.instances import Instance, Instances, RulesOf

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from gatespec.stack.nursery import Nursery
    from reference_gateway.core.upstream.ports import Rules


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], AbstractEventLoop]]:
    """On the event loop that the gateway runs on: the budget counts its turns."""
    return {"uvloop": uvloop.new_event_loop}


@pytest_asyncio.fixture
async def instances() -> AsyncIterator[Instances]:
    opened: list[Instance] = []

    def opens(url: str, rules: Rules, *, budget_us: int = PATIENT_US) -> Instance:
        healths = Healths(budget_us, now_us)
        opened.append(Instance(healths, open_upstreams(url, RulesOf(rules), healths)))
        return opened[-1]

    yield opens
    for instance in opened:
        await instance.healths.close()
        await instance.store.close()


@pytest.fixture
def server(stack_nursery: Nursery) -> Iterator[RedisServer]:
    """A server of the test's own, to break."""
    server = RedisServer(stack_nursery, chosen(find_redis()))
    server.start()
    server.ready()
    yield server
    server.stop()
