"""A judge that is killed leaves no container."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatespec.clock import until
from gatespec.stack import ports
from gatespec.stack.contained import LABEL

if TYPE_CHECKING:
    from docker import DockerClient

HARNESS = Path(__file__).with_name("harness.py")
GONE_MS = 30_000


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_container_is_left(docker: DockerClient, state_folder: Path, tmp_path: Path, number: signal.Signals) -> None:
    argv = [sys.executable, str(HARNESS), str(tmp_path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as judge:
        assert judge.stdout
        told = json.loads(judge.stdout.readline())
        label = {"label": f"{LABEL}={told['run']}"}
        assert len(docker.containers.list(filters=label)) == 1
        judge.send_signal(number)
    assert until(lambda: not docker.api.containers(all=True, filters=label), at_most_ms=GONE_MS)
    assert until(lambda: not list(state_folder.glob("*.json")), at_most_ms=GONE_MS)
    assert not ports.is_taken(told["port"])
