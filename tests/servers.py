"""Servers that more than one room starts for itself, to break them or to have them alone."""

from __future__ import annotations

import json
import select
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gatespec.stack.finder import chosen, find_vault
from gatespec.stack.vault import VaultServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatespec.stack.nursery import Nursery

START_S = 20.0
END_S = 10.0


@contextmanager
def running_vault(nursery: Nursery, name: str) -> Iterator[VaultServer]:
    """Run a Vault of this name, open and empty."""
    server = VaultServer(nursery, chosen(find_vault()), name)
    server.start()
    server.ready()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def running_simulators(pool: int) -> Iterator[str]:
    """Run so many simulated providers as the stack does, in a process of their own; gives their base URL."""
    argv = [sys.executable, "-m", "gatespec.providers", "--listen", "127.0.0.1:0", "--pool", f"lambda:{pool}"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], START_S)[0], f"nothing announced within {START_S} s"
        yield json.loads(process.stdout.readline())["listening"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(END_S) == 0
