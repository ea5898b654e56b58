"""The simulated providers: one process that serves every provider under a path of its own."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

from gatespec import verdict
from gatespec.providers.__main__ import provider_names
from gatespec.providers.control_client import ProvidersControl
from gatespec.stack.environment import judge_environment
from gatespec.stack.health import answers
from gatespec.stack.native import NativeService
from gatespec.stack.ports import LOOPBACK
from gatespec.stack.process import Command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatespec.stack.nursery import Nursery

READY_PATH = "/_control/ready"
NAMES_PER_WORD = 1000
"""What the control API takes at a time."""


class Simulators(NativeService):
    """All simulated providers of a stack."""

    def __init__(self, nursery: Nursery, providers: Sequence[str], *, module: str = "gatespec.providers") -> None:
        super().__init__(nursery, "providers")
        self._providers = tuple(providers)
        self._pools: list[tuple[str, int]] = []
        self._module = module

    @property
    def url(self) -> str:
        """Where they all are; a provider adds its name as a path."""
        return f"http://{self.address}"

    def enlist(self, count: int) -> tuple[str, ...]:
        """Simulate so many more, under names that no other lane of the run has or had."""
        prefix = f"pool-{len(self._pools) + 1}"
        names = provider_names("", [f"{prefix}:{count}"])
        control = ProvidersControl(self.url)
        for start in range(0, count, NAMES_PER_WORD):
            control.enlist(names[start : start + NAMES_PER_WORD])
        self._pools.append((prefix, count))
        return tuple(names)

    def described(self) -> verdict.Service:
        """Which providers, and whose."""
        pooled = sum(count for _, count in self._pools)
        why = f"simulated: {', '.join(self._providers)}" + (f", and {pooled} in pools" if pooled else "")
        return verdict.Service("Providers", "gatespec simulators", version("gatespec"), why, self.address)

    def _command(self, port: int) -> Command:
        options = ["--listen", f"{LOOPBACK}:{port}", "--providers", ",".join(self._providers)]
        for prefix, count in self._pools:
            options += ["--pool", f"{prefix}:{count}"]
        argv = (sys.executable, "-m", self._module, *options)
        return Command(self.name, argv, self._nursery.room(self.name), judge_environment())

    def _answers(self) -> bool:
        return answers(self.url, READY_PATH)
