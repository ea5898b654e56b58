"""Servers that run already: used, described, left as they were, and never stopped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import redis

from gatespec.errors import Exit, GatespecError
from gatespec.ports import Untestable
from gatespec.stack.external import VARIABLE, ExternalPostgres, ExternalRedis, ExternalVault, load_external
from gatespec.stack.lane import Stack
from gatespec.stack.redis import DATABASES
from gatespec.target import load_target

if TYPE_CHECKING:
    from gatespec.stack.postgres import PostgresServer
    from gatespec.stack.redis import RedisServer
    from gatespec.stack.vault import VaultServer

STAND_IN = Path(__file__).parent / "gateway.toml"
FREE_PORT = 9
"""Nobody serves `discard` any more."""


@pytest.fixture
def named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    redis_server: RedisServer,
    postgres_server: PostgresServer,
    vault_server: VaultServer,
) -> Path:
    """A file that names the session's servers, which are not this stack's."""
    file = tmp_path / "external.toml"
    file.write_text(
        f'[redis]\nurl = "{redis_server.url()}"\n[postgres]\nurl = "{postgres_server.url()}"\n'
        f'[vault]\naddress = "{vault_server.url}"\ntoken = "{vault_server.client.token}"\n'
    )
    monkeypatch.setenv(VARIABLE, str(file))
    return file


def databases(server: PostgresServer) -> set[str]:
    with psycopg.connect(server.url()) as connection:
        return {row[0] for row in connection.execute("SELECT datname FROM pg_database")}


@pytest.mark.usefixtures("named")
def test_a_lane_stands_on_them_and_leaves_nothing_in_them(
    tmp_path: Path, redis_server: RedisServer, postgres_server: PostgresServer, vault_server: VaultServer
) -> None:
    before = databases(postgres_server)
    mounts = vault_server.client.sys.list_mounted_secrets_engines()["data"].keys()
    with Stack.start(tmp_path / "out", runtime="external") as stack:
        assert {service.role: service.why for service in stack.services}["PostgreSQL"] == "runs already"
        assert [s.server for s in stack.services if s.role == "PostgreSQL"] == ["PostgreSQL"]
        with stack.lane(load_target(STAND_IN), settings={}, instances=1) as lane:
            assert lane.postgres_url
            assert lane.postgres_url.startswith(postgres_server.url().rpartition("/")[0])
            assert databases(postgres_server) - before == {lane.postgres_url.rpartition("/")[2]}
    assert databases(postgres_server) == before
    assert vault_server.client.sys.list_mounted_secrets_engines()["data"].keys() == mounts
    with redis.Redis.from_url(redis_server.url()) as client:
        assert client.ping()


@pytest.mark.usefixtures("named")
def test_as_many_lanes_as_redis_has_databases() -> None:
    given = load_external().redis
    assert given
    server = ExternalRedis(given)
    server.ready()
    assert server.databases == DATABASES


@pytest.mark.usefixtures("named")
def test_none_of_them_is_the_judges_to_break() -> None:
    given = load_external()
    assert given.redis
    assert given.postgres
    assert given.vault
    servers = ExternalRedis(given.redis), ExternalPostgres(given.postgres), ExternalVault(given.vault)
    for server in servers:
        for break_it in (server.pause, server.resume, server.kill):
            with pytest.raises(Untestable, match="runs already"):
                break_it()
    with pytest.raises(Untestable, match="others may need it open"):
        servers[2].seal()


def test_a_password_is_never_shown(named: Path, redis_server: RedisServer, vault_server: VaultServer) -> None:
    assert named.exists()
    shown = repr(load_external())
    for secret in (redis_server.url(), str(vault_server.client.token)):
        assert secret not in shown


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("[redis", "external-malformed", "is not TOML"),
        ("[mysql]\n", "external-invalid", "mysql"),
        ('[redis]\nurl = "http://:hidden@host"\n', "external-invalid", "redis.url"),
        ('[vault]\naddress = "http://127.0.0.1:8200"\n', "external-invalid", "vault.token"),
    ],
)
def test_a_file_that_cannot_be_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, code: str, says: str
) -> None:
    (tmp_path / "external.toml").write_text(text)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "external.toml"))
    with pytest.raises(GatespecError) as wrong:
        load_external()
    assert (wrong.value.code, wrong.value.exit_code) == (code, Exit.USAGE)
    assert says in str(wrong.value)
    assert "hidden" not in str(wrong.value)


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none.toml"))
    with pytest.raises(GatespecError, match="external-unreadable"):
        load_external()


@pytest.mark.parametrize(
    "text",
    [
        f'[redis]\nurl = "redis://127.0.0.1:{FREE_PORT}"\n',
        f'[postgres]\nurl = "postgresql://somebody@127.0.0.1:{FREE_PORT}/postgres"\n',
        f'[vault]\naddress = "http://127.0.0.1:{FREE_PORT}"\ntoken = "t"\n',
    ],
)
def test_a_server_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (tmp_path / "external.toml").write_text(text)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "external.toml"))
    with pytest.raises(GatespecError) as away:
        Stack.start(tmp_path / "out", runtime="external")
    assert away.value.code == "external-unreachable"
    assert f"127.0.0.1:{FREE_PORT}" in str(away.value)
