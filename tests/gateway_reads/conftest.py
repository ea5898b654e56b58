"""A driver of each binding, and what the store's tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gateway_reads.judge import Judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(params=["pure", "redis"])
def judges(request: pytest.FixtureRequest) -> Iterator[Callable[..., Judge]]:
    """Open judges over the pure core, then over the core on a real Redis."""
    url = request.getfixturevalue("redis_url") if request.param == "redis" else None
    opened: list[Judge] = []

    def opens(**given: object) -> Judge:
        opened.append(Judge(redis_url=url, **given))  # type: ignore[arg-type] # handed through as they are
        return opened[-1]

    yield opens
    for judge in opened:
        judge.driver.close()
        judge.reference.close()


@pytest.fixture
def judge(judges: Callable[..., Judge]) -> Judge:
    judge = judges()
    judge.provider()
    return judge
