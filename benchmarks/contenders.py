"""The baselines as processes: started on a free port, given the gateway's bytes, ended with the run."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.contest import BARE, NINJA, PATH
from gatespec import verdict
from gatespec.stack.environment import base_environment
from gatespec.stack.health import answers
from gatespec.stack.native import NativeService
from gatespec.stack.process import Command

if TYPE_CHECKING:
    from gatespec.stack.nursery import Nursery

CHECKOUT = Path(__file__).resolve().parent.parent
PROGRAMS = {BARE: ("bare", "granian"), NINJA: ("ninja", "django-ninja")}
"""What `benchmarks.baselines` calls it, and the distribution that it stands for."""


class Baseline(NativeService):
    """A server that sends the sample and does nothing else."""

    def __init__(self, nursery: Nursery, contender: str, sample: Path) -> None:
        self._program, self._stands_for = PROGRAMS[contender]
        super().__init__(nursery, f"baseline-{self._program}")
        self._sample = sample

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://{self.address}"

    def described(self) -> verdict.Service:
        """Which server of which version."""
        return verdict.Service("Baseline", self._stands_for, version(self._stands_for), "ready bytes", self.address)

    def _command(self, port: int) -> Command:
        argv = (sys.executable, "-m", "benchmarks.baselines", self._program, str(port), str(self._sample))
        return Command(self.name, argv, CHECKOUT, base_environment())

    def _answers(self) -> bool:
        return answers(self.url, PATH)
