"""The simulated providers: one process that serves every provider under a path of its own."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

from gatespec import verdict
from gatespec.providers.__main__ import provider_names
from gatespec.providers.control_client import ProvidersControl
from gatespec.providers.script import Fault, Script
from gatespec.providers.tables import table
from gatespec.stack.environment import judge_environment
from gatespec.stack.health import answers
from gatespec.stack.native import NativeService
from gatespec.stack.ports import LOOPBACK
from gatespec.stack.process import Command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatespec.stack.nursery import Nursery

READY_PATH = "/_control/ready"
SILENT = Script(faults=[Fault(kind="empty", times=None, applies_to="list")])
"""How whoever is polled from the start is, until a story wants him: a sweep of a whole catalogue takes a hundred
requests, again and again, and a pool of them takes the simulators' whole time."""
NAMES_PER_WORD = 1000
"""What the control API takes at a time."""


class Simulators(NativeService):
    """All simulated providers of a stack."""

    def __init__(self, nursery: Nursery, providers: Sequence[str], *, module: str = "gatespec.providers") -> None:
        super().__init__(nursery, "providers")
        self._providers = tuple(providers)
        self._pools: list[tuple[str, int, str]] = []
        self._module = module

    @property
    def url(self) -> str:
        """Where they all are; a provider adds its name as a path."""
        return f"http://{self.address}"

    def enlist(self, count: int, adapter: str = "lambda") -> tuple[str, ...]:
        """Simulate so many more that speak an adapter's API, under names that no other lane of the run has or had."""
        pool = (f"pool-{len(self._pools) + 1}", count, adapter)
        names = list(provider_names("", [":".join(map(str, pool))]))
        control = ProvidersControl(self.url)
        for start in range(0, count, NAMES_PER_WORD):
            some = names[start : start + NAMES_PER_WORD]
            control.enlist(some, adapter)
            if table(adapter).get("swept"):
                control.script(some, SILENT)
        self._pools.append(pool)
        return tuple(names)

    def described(self) -> verdict.Service:
        """Which providers, and whose."""
        pooled = sum(count for _, count, _ in self._pools)
        why = f"simulated: {', '.join(self._providers)}" + (f", and {pooled} in pools" if pooled else "")
        return verdict.Service("Providers", "gatespec simulators", version("gatespec"), why, self.address)

    def _command(self, port: int) -> Command:
        options = ["--listen", f"{LOOPBACK}:{port}", "--providers", ",".join(self._providers)]
        for pool in self._pools:
            options += ["--pool", ":".join(map(str, pool))]
        argv = (sys.executable, "-m", self._module, *options)
        return Command(self.name, argv, self._nursery.room(self.name), judge_environment())

    def _answers(self) -> bool:
        return answers(self.url, READY_PATH)
