from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from gatespec.providers.control_client import ProvidersControl
from tests.providers.simulated_apis import Api
from tests.providers.simulated_wire import Provider
from tests.servers import running_simulators

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

POOL = 200
_unused = itertools.count()
_enlisted = itertools.count()


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    """The simulators as the stack starts them: a process of their own."""
    with running_simulators(POOL) as url:
        yield url


@pytest.fixture
def control(base_url: str) -> ProvidersControl:
    return ProvidersControl(base_url)


@pytest.fixture
def provider(base_url: str) -> Provider:
    """A provider that no other test has touched."""
    return Provider(base_url, f"lambda-{next(_unused):03}")


@pytest.fixture
def simulated(base_url: str, control: ProvidersControl) -> Callable[[str], Api]:
    """Providers that no other test has touched, by the API that they speak."""

    def enlisted(adapter: str) -> Api:
        name = f"{adapter}-of-its-own-{next(_enlisted)}"
        control.enlist([name], adapter)
        return Api(Provider(base_url, name), adapter)

    return enlisted
