"""`gatespec down`: end what `up` started, and what a crashed judge left."""

from __future__ import annotations

import signal

from rich.console import Console

from gatespec.clock import until
from gatespec.stack import born, state

LEAVE_MS = 60_000
"""How long a living `up` may take to end its stack: its gateway drains first."""


def down() -> None:
    """End every stack of `gatespec up`, and all that a crashed judge left; nothing else is touched.

    A judgement that is still going on is left alone: Ctrl-C where it runs ends it.
    """
    console = Console(highlight=False, markup=False, soft_wrap=True)
    found = state.runs()
    if not found:
        console.print("nothing is up")
    for run in found:
        console.print(_ended(run))


def _ended(run: state.RunState) -> str:
    """End one run, and say in a line how that went."""
    harness = born.find(run.harness)
    if harness and run.purpose != "up":
        return f"left alone: `{run.purpose}` of process {run.harness.pid} is still going on"
    if harness:
        born.send([harness], signal.SIGTERM)
        until(lambda: not run.harness_alive, at_most_ms=LEAVE_MS)
    left = state.end(state.read(run.file) or run)
    what = f"`{run.purpose}` of process {run.harness.pid}"
    return f"ended: {what}" if harness else f"ended: {left} processes that {what} had left"
