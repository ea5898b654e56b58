"""Tests that need Docker; `make containers` runs them, `make unit` does not look here."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gatespec.stack.images import daemon
from gatespec.stack.nursery import Nursery
from gatespec.stack.runtimes import ServersToStart

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from docker import DockerClient


@pytest.fixture(scope="session")
def docker() -> Iterator[DockerClient]:
    """Fails with what to do where no daemon answers: a skipped test would look like a passed one."""
    with closing(daemon()) as client:
        yield client


@pytest.fixture
def state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("GATESPEC_STATE_DIR", str(folder))
    return folder


@pytest.fixture
def nursery(docker: DockerClient, state_folder: Path, tmp_path: Path) -> Iterator[Nursery]:
    assert docker.ping()
    assert not state_folder.exists()
    with Nursery("tests", tmp_path / "logs") as nursery:
        yield nursery


@pytest.fixture(scope="session")
def servers(docker: DockerClient) -> ServersToStart:
    assert docker.ping()
    return ServersToStart("containers")
