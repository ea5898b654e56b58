"""The fault proxy in front of one lane's stores: what lets the judge cut, silence or delay them for that lane alone."""

from __future__ import annotations

import sys
from contextlib import closing
from importlib.metadata import version
from typing import TYPE_CHECKING

from gatespec import verdict
from gatespec.proxy.client import ProxyControl
from gatespec.stack.environment import judge_environment
from gatespec.stack.native import NativeService
from gatespec.stack.process import Command

if TYPE_CHECKING:
    from gatespec.proxy.client import Line
    from gatespec.stack.nursery import Nursery


class FaultProxy(NativeService):
    """One process that stands for the servers of one lane; killed, it forgets its routes."""

    def __init__(self, nursery: Nursery, name: str) -> None:
        super().__init__(nursery, name)
        self._control: ProxyControl | None = None

    def line(self, name: str, upstream: str) -> Line:
        """A new address that stands for `upstream`, host and port."""
        self._control = self._control or ProxyControl(self.port)
        return self._control.open(name, upstream)

    def described(self) -> verdict.Service:
        """The judge's own proxy, and what for."""
        why = "this lane's stores are made to fail"
        return verdict.Service("Fault proxy", "gatespec proxy", version("gatespec"), why, self.address)

    def stop(self) -> None:
        """Let go of it, then end it."""
        if self._control is not None:
            self._control.close()
        self._control = None
        super().stop()

    def _command(self, port: int) -> Command:
        argv = (sys.executable, "-m", "gatespec.proxy", "--control", str(port))
        return Command(self.name, argv, self._nursery.room(self.name), judge_environment())

    def _answers(self) -> bool:
        with closing(ProxyControl(self.port)) as control:
            return control.ready()
