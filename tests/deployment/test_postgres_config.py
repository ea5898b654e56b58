"""A real PostgreSQL reads the configuration of each overlay."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from gatespec.stack.finder import chosen, find_postgres
from k8s.check.rendered import OVERLAYS
from tests.deployment.manifests import config, rendered

if TYPE_CHECKING:
    from pathlib import Path

READ_S = 60


def read(folder: Path, text: str, name: str) -> subprocess.CompletedProcess[str]:
    """What a server that had this configuration would say of one of its settings; it is not started."""
    (folder / "PG_VERSION").write_text("15\n", encoding="utf-8")
    (folder / "postgresql.conf").write_text(text, encoding="utf-8")
    argv = [str(chosen(find_postgres()).path), "-C", name, "-D", str(folder)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=READ_S, check=False)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_configuration_can_be_read(overlay: str, tmp_path: Path) -> None:
    text = config(rendered(overlay), "postgres-config")["postgresql.conf"]
    done = read(tmp_path, text, "max_connections")
    assert done.returncode == 0, done.stderr
    assert f"max_connections = {done.stdout.strip()}\n" in text


def test_a_planted_word_that_is_no_setting_is_found(tmp_path: Path) -> None:
    assert "max_conections" in read(tmp_path, "max_conections = 5\n", "max_connections").stderr
