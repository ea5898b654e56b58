"""What is large runs beside the event loop, and once for all who need it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from reference_gateway.edge.aside import OFFERS_MAX, Joined, aside


@pytest.mark.parametrize(("offers", "is_aside"), [(0, False), (OFFERS_MAX, False), (OFFERS_MAX + 1, True)])
async def test_what_is_large_runs_in_a_thread(offers: int, is_aside: bool) -> None:  # noqa: FBT001 - what is expected
    assert (await aside(offers, threading.current_thread) is not threading.main_thread()) is is_aside


class Work:
    """Work that ends when it is told, and counts how often it was begun."""

    def __init__(self) -> None:
        self.begun = 0
        self.told = asyncio.Event()

    async def __call__(self) -> int:
        self.begun += 1
        await self.told.wait()
        return self.begun


async def test_those_who_come_at_once_share_one_run() -> None:
    joined: Joined[int] = Joined()
    work, other = Work(), Work()
    waiting = [asyncio.create_task(joined.run("key", work)) for _ in range(5)]
    apart = asyncio.create_task(joined.run("other", other))
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    work.told.set()
    other.told.set()
    assert await asyncio.gather(*waiting[1:], apart) == [1] * 5
    assert (work.begun, other.begun, waiting[0].cancelled()) == (1, 1, True)
    assert await joined.run("key", work) == 2, "what has ended is begun again"


async def test_a_failure_is_everybodys_and_not_kept() -> None:
    joined: Joined[int] = Joined()

    async def fails() -> int:
        raise ZeroDivisionError

    ended = await asyncio.gather(*(joined.run("key", fails) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in ended] == [ZeroDivisionError] * 3
    work = Work()
    work.told.set()
    assert await joined.run("key", work) == 1
