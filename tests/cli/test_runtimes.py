"""Where servers run, as it is asked for: a wrong name, and a Docker that is not there."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SOON_S = 60
NO_DOCKER = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}


def gatespec(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "gatespec", *words]
    env = {**os.environ, **environment}
    return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=SOON_S, check=False)


@pytest.mark.parametrize("command", ["verify", "drill redis_gone", "contract verify", "up", "doctor"])
def test_a_runtime_that_there_is_not_is_wrong_usage(command: str) -> None:
    done = gatespec(*command.split(), "--runtime", "cloud")
    assert done.returncode == 2
    assert "error[runtime-unknown]: there is no runtime 'cloud'" in done.stderr
    assert "native or containers or external" in done.stderr


@pytest.mark.parametrize("command", ["verify --only P08 --tier wire", "drill redis_gone", "contract verify", "up"])
def test_without_docker_nothing_is_judged_and_it_says_what_to_do(command: str, tmp_path: Path) -> None:
    done = gatespec(*command.split(), "--runtime", "containers", "--out", str(tmp_path), **NO_DOCKER)
    assert done.returncode == 3, done.stdout
    said = " ".join((done.stdout + done.stderr).split())
    assert "no Docker daemon answers" in said
    assert "--runtime native" in said


def test_the_doctor_says_so_of_each_server() -> None:
    done = gatespec("doctor", "--runtime", "containers", **NO_DOCKER)
    assert done.returncode == 3
    assert done.stdout.count("no Docker daemon answers") >= 3
    assert "nothing is missing" not in done.stdout
