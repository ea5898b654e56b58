"""A server in a container can all that a child process can: the same protocol, the same faults, the same end."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest
import redis

from gatespec.clock import until
from gatespec.errors import GatespecError
from gatespec.stack import born, images, ports
from gatespec.stack.account import Account
from gatespec.stack.contained import LABEL
from gatespec.stack.environment import base_environment
from gatespec.stack.postgres import PostgresServer
from gatespec.stack.process import Command
from gatespec.stack.redis import RedisServer
from gatespec.stack.redis_cluster import MASTERS, RedisCluster
from gatespec.stack.vault import VaultServer

if TYPE_CHECKING:
    from docker.models.containers import Container

    from docker import DockerClient
    from gatespec.stack.nursery import Nursery
    from gatespec.stack.runtimes import ServersToStart

SOON_MS = 20_000
NO_IMAGE = "gatespec.invalid/there-is-none:1"


def ours(docker: DockerClient, nursery: Nursery) -> list[Container]:
    found: list[Container] = docker.containers.list(all=True, filters={"label": f"{LABEL}={nursery.id}"})
    return found


def shell(nursery: Nursery, script: str, image: str) -> Command:
    return Command("shell", ("sh", "-c", script), nursery.folder, base_environment(), image=image)


def test_redis_is_killed_paused_and_comes_back_where_it_was(
    docker: DockerClient, nursery: Nursery, servers: ServersToStart
) -> None:
    server = RedisServer(nursery, servers.redis)
    server.start()
    server.ready()
    assert [container.attrs["Config"]["Image"] for container in ours(docker, nursery)] == [servers.redis.image]
    client, port = redis.Redis.from_url(server.url(), socket_timeout=1), server.port
    assert client.set("here", "I am")
    server.pause()
    assert psutil.Process(server.pid).status() == psutil.STATUS_STOPPED
    with pytest.raises(redis.TimeoutError):
        client.ping()
    server.resume()
    assert client.get("here") == b"I am"
    server.kill()
    assert (server.alive, server.how_it_ended) == (False, " by SIGKILL")
    server.start()
    server.ready()
    assert (server.port, client.get("here")) == (port, None)
    server.stop()
    assert server.how_it_ended == " with exit code 0"
    assert ours(docker, nursery) == []


def test_postgres_keeps_its_data_and_runs_as_nobody_of_note(nursery: Nursery, servers: ServersToStart) -> None:
    server = PostgresServer(nursery, servers.postgres)
    server.start()
    server.ready()
    url = server.create_database("kept")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE told AS SELECT 42 AS answer")
    assert psutil.Process(server.pid).uids().real != 0 or os.geteuid() != 0
    server.kill()
    server.start()
    server.ready()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT answer FROM told").fetchall() == [(42,)]


def test_vault_is_opened_and_audited_as_natively(nursery: Nursery, servers: ServersToStart) -> None:
    server = VaultServer(nursery, servers.vault)
    server.start()
    server.ready()
    share, began = server.share("lane"), server.audit_log.stat().st_size
    share.put("providers/lambda", {"api_key": "a-key"})
    server.kill()
    server.start()
    server.ready()
    assert share.get("providers/lambda") == {"api_key": "a-key"}
    assert "lane/data/providers/lambda" in [entry["request"]["path"] for entry in server.audited(began)]


def test_a_cluster_forms(nursery: Nursery, servers: ServersToStart) -> None:
    cluster = RedisCluster(nursery, servers.redis)
    cluster.start()
    cluster.ready()
    with cluster.nodes[0].client() as client:
        assert client.cluster("INFO")["cluster_known_nodes"] == str(MASTERS)


def test_a_command_that_fails_says_how_in_its_own_words(nursery: Nursery, servers: ServersToStart) -> None:
    with pytest.raises(GatespecError) as failed:
        nursery.run(shell(nursery, "echo it cannot be >&2; exit 7", servers.redis.image), at_most_s=60)
    assert failed.value.message == "shell ended with exit code 7"
    assert "it cannot be" in failed.value.tried


def test_what_is_not_for_logs_goes_to_its_own_file(nursery: Nursery, servers: ServersToStart) -> None:
    output = nursery.folder / "told"
    nursery.run(shell(nursery, "echo a secret", servers.redis.image), at_most_s=60, output=output)
    assert (output.read_text(), nursery.log_of("shell").read_text()) == ("a secret\n", "")


def test_whoever_it_runs_as_has_a_name_inside(nursery: Nursery, servers: ServersToStart) -> None:
    """PostgreSQL makes no cluster for a number without one."""
    somebody = Account("somebody", os.geteuid() or 4321, os.getegid() or 4321)
    output = nursery.folder / "told"
    output.touch()
    output.chmod(0o666)
    command = replace(shell(nursery, "id -un", servers.redis.image), account=somebody)
    nursery.run(command, at_most_s=60, output=output)
    assert output.read_text() == "judge\n"


def test_this_machines_environment_stays_outside(
    nursery: Nursery, servers: ServersToStart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/somewhere/of/mine")
    output = nursery.folder / "told"
    nursery.run(shell(nursery, 'echo "$HOME"', servers.redis.image), at_most_s=60, output=output)
    assert "mine" not in output.read_text()


def test_a_fault_in_itself_is_heard_though_it_is_alone_in_its_container(
    nursery: Nursery, servers: ServersToStart
) -> None:
    child = nursery.launch(shell(nursery, "while :; do sleep 1; done", servers.redis.image))
    os.kill(child.born.pid, signal.SIGABRT)
    assert until(lambda: not child.alive, at_most_ms=SOON_MS)
    assert child.exit_code == -signal.SIGABRT


def test_an_image_that_cannot_be_had_is_named(nursery: Nursery) -> None:
    with pytest.raises(GatespecError) as missing:
        nursery.launch(shell(nursery, "true", NO_IMAGE))
    assert missing.value.code == "container-not-started"
    assert NO_IMAGE in missing.value.message


def test_a_daemon_with_too_little_memory_is_told_of(docker: DockerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MEMORY_MIN", docker.info()["MemTotal"] + 1)
    with pytest.raises(GatespecError, match="GiB of memory") as small:
        images.daemon()
    assert small.value.code == "memory-too-small"


def test_leaving_ends_every_container(docker: DockerClient, nursery: Nursery, servers: ServersToStart) -> None:
    children = [nursery.launch(shell(nursery, "trap '' TERM; sleep 600", servers.redis.image)) for _ in range(2)]
    pids = [child.born for child in children]
    volumes = {volume.id for volume in docker.volumes.list()}
    nursery.close()
    assert not any(map(born.find, pids))
    assert ours(docker, nursery) == []
    assert {volume.id for volume in docker.volumes.list()} < volumes


def test_a_port_is_free_again(nursery: Nursery, servers: ServersToStart) -> None:
    server = RedisServer(nursery, servers.redis)
    server.start()
    server.ready()
    assert ports.is_taken(server.port)
    server.stop()
    assert not ports.is_taken(server.port)
