"""A stage of each binding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gateway_calls.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(params=["pure", "redis"])
def stages(request: pytest.FixtureRequest) -> Iterator[Callable[..., Stage]]:
    """Open stages over the pure rules, then over the script on a real Redis."""
    url = request.getfixturevalue("redis_url") if request.param == "redis" else None
    opened: list[Stage] = []

    def opens(**given: str) -> Stage:
        opened.append(Stage(redis_url=url, **given))  # type: ignore[arg-type] # settings
        return opened[-1]

    yield opens
    for stage in opened:
        stage.driver.close()
        stage.reference.close()


@pytest.fixture
def stage(stages: Callable[..., Stage]) -> Stage:
    return stages()
