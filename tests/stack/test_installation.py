"""PostgreSQL in a folder that its user may not enter: copied once, whole, to where it may."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatespec.stack.account import Account, closed_to_others, unprivileged
from gatespec.stack.finder import Server, chosen, find_postgres
from gatespec.stack.installation import NEEDED, usable_by
from gatespec.stack.postgres import PostgresServer

if TYPE_CHECKING:
    from gatespec.stack.nursery import Nursery

SOMEBODY = Account("somebody", 12345, 12345)


@pytest.fixture
def open_tmp(tmp_path: Path) -> Path:
    """pytest keeps its folders to itself; here others may pass."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder == Path(tempfile.gettempdir()):
            return tmp_path
        folder.chmod(0o755)
    raise AssertionError("pytest's folders lie outside the folder for temporary files")


@pytest.fixture
def installed(open_tmp: Path) -> Server:
    """An installation behind a door that is closed to others."""
    closed = open_tmp / "closed"
    for part in NEEDED:
        file = closed / "pkg/pg" / part if part.startswith("bin") else closed / "pkg/pg" / part / "file"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(part, encoding="utf-8")
        file.chmod(0o700)
    closed.chmod(0o700)
    return Server("PostgreSQL", "PostgreSQL", "18.4", closed / "pkg/pg/bin/postgres", "a test's")


def test_an_installation_is_used_where_it_lies_if_its_user_can_reach_it(installed: Server, tmp_path: Path) -> None:
    assert usable_by(None, installed, tmp_path) is installed
    for path in (tmp_path / "closed", *(tmp_path / "closed").rglob("*")):
        path.chmod(0o755)
    assert usable_by(SOMEBODY, installed, tmp_path) is installed


def test_a_closed_installation_is_copied_once_and_open_to_all(
    installed: Server, open_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATESPEC_CACHE_DIR", str(open_tmp / "cache"))
    copied = usable_by(SOMEBODY, installed, open_tmp / "spare")
    assert copied.path.is_relative_to(open_tmp / "cache")
    assert closed_to_others(copied.path) is None
    assert "copied to" in copied.why
    assert not (open_tmp / "spare").exists()
    installed.path.parent.joinpath("initdb").unlink()
    assert usable_by(SOMEBODY, installed, open_tmp / "spare") == copied
    assert [each.name.startswith("postgresql-18.4-") for each in (open_tmp / "cache").iterdir()] == [True]


def test_a_cache_that_others_may_write_to_is_not_trusted(
    installed: Server, open_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (open_tmp / "cache").mkdir()
    (open_tmp / "cache").chmod(0o777)
    monkeypatch.setenv("GATESPEC_CACHE_DIR", str(open_tmp / "cache"))
    assert usable_by(SOMEBODY, installed, open_tmp / "spare").path.is_relative_to(open_tmp / "spare")


def test_a_real_server_starts_from_its_copy(nursery: Nursery, open_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under root from a copy; an ordinary user reaches his own files and needs none."""
    monkeypatch.setenv("GATESPEC_CACHE_DIR", str(open_tmp / "cache"))
    found = chosen(find_postgres())
    (open_tmp / "closed").mkdir(mode=0o700)
    site, package = found.path.parents[3], found.path.parents[2].name
    for each in site.glob(f"{package}*"):
        shutil.copytree(each, open_tmp / "closed" / each.name)
    path = open_tmp / "closed" / found.path.relative_to(site)
    closed = Server(found.role, found.name, found.version, path, "behind a closed door")
    server = PostgresServer(nursery, closed)
    server.start()
    server.ready()
    assert ("copied to" in server.described().why) == (unprivileged() is not None) == (os.geteuid() == 0)
