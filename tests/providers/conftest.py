from __future__ import annotations

import itertools
import json
import select
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gatespec.providers.control_client import ProvidersControl
from tests.providers.simulated_apis import Api
from tests.providers.simulated_wire import Provider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START_S = 20.0
END_S = 10.0
POOL = 200
_unused = itertools.count()
_enlisted = itertools.count()


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    """The simulators as the stack starts them: a process of their own."""
    argv = [sys.executable, "-m", "gatespec.providers", "--listen", "127.0.0.1:0", "--pool", f"lambda:{POOL}"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], START_S)[0], f"nothing announced within {START_S} s"
        yield json.loads(process.stdout.readline())["listening"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(END_S) == 0


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
