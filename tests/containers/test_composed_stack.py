"""`docker compose up`: all is healthy, restrained, without a password that anybody could know, and gone at the end."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tomllib
from contextlib import closing
from typing import TYPE_CHECKING

import psutil
import pytest
import requests

from gatespec.clock import until
from gatespec.stack.vault_api import UNSEALED, VaultApi
from tests.containers.composing import ROOT, LocalStack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from docker import DockerClient

OFFERS = "/api/v2/providers?limit=1"
ONCE = {"secrets", "redis-cluster", "migrate", "export"}
"""What does its work and ends."""
AGAIN_MS = 60_000
JUDGE_S = 300


@pytest.fixture(scope="module")
def stack(docker: DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    stack = LocalStack(docker, tmp_path_factory.mktemp("run"))
    try:
        stack.up()
        yield stack
    finally:
        stack.compose("down", "--volumes")


@pytest.fixture(scope="module")
def key(stack: LocalStack) -> str:
    return str(stack.create_user()["api_key"])


def test_everything_is_healthy_or_has_done_its_work(stack: LocalStack) -> None:
    states = {service: container.attrs["State"] for service, container in stack.containers().items()}
    assert {service for service in ONCE if states[service]["ExitCode"] == 0} == ONCE
    running = states.keys() - ONCE
    assert len(running) == 13
    assert until(lambda: {stack.containers()[s].health for s in running} == {"healthy"}, at_most_ms=AGAIN_MS)


def test_offers_come_through_the_proxy(stack: LocalStack, key: str) -> None:
    answer = stack.get(OFFERS, key)
    assert (answer.status_code, len(answer.json()["items"])) == (200, 1)
    assert answer.headers["RateLimit-Policy"].startswith('"enterprise"')


def test_a_client_cannot_claim_another_address(stack: LocalStack) -> None:
    """Anonymous callers are limited by address: who makes one up is still himself."""
    told = [
        requests.get(stack.url + OFFERS, headers={"X-Forwarded-For": f"203.0.113.{n}"}, timeout=10).status_code
        for n in range(60)
    ]
    assert told.count(429) > 20


def test_nobody_has_more_than_he_needs(stack: LocalStack) -> None:
    for service, container in stack.containers().items():
        host, config = container.attrs["HostConfig"], container.attrs["Config"]
        assert host["ReadonlyRootfs"], service
        assert host["CapDrop"] == ["ALL"], service
        assert "no-new-privileges:true" in host["SecurityOpt"], service
        assert host["Memory"] > 0, service
        assert host["PidsLimit"] > 0, service
        assert host["Init"], service
        assert (config["User"].partition(":")[0] == "0") == (service in {"secrets", "export"}), service


def test_ports_are_open_on_the_loopback_address_alone(stack: LocalStack) -> None:
    bound = [
        where["HostIp"]
        for container in stack.containers().values()
        for places in (container.attrs["HostConfig"]["PortBindings"] or {}).values()
        for where in places
    ]
    assert bound == ["127.0.0.1"] * 4


def test_no_secret_is_part_of_a_containers_description(stack: LocalStack) -> None:
    given = tomllib.loads((stack.folder / "external.toml").read_text())
    password = re.search(r"://\w+:([^@]+)@", given["postgres"]["url"])
    assert password
    for container in stack.containers().values():
        assert password[1] not in str(container.attrs)
        assert given["vault"]["token"] not in str(container.attrs)


def test_a_vault_that_starts_again_is_opened_again(stack: LocalStack) -> None:
    given = tomllib.loads((stack.folder / "external.toml").read_text())["vault"]
    vault = VaultApi("vault", given["address"], given["token"])
    vault.client.sys.seal()
    assert until(lambda: vault.health() == UNSEALED, at_most_ms=AGAIN_MS)
    stack.compose("restart", "vault")
    assert until(lambda: vault.health() == UNSEALED, at_most_ms=AGAIN_MS)


def test_an_instance_that_dies_comes_back_and_the_other_answers(stack: LocalStack, key: str) -> None:
    before = stack.containers()["gateway-1"]
    (process,) = psutil.Process(before.attrs["State"]["Pid"]).children()
    process.send_signal(signal.SIGKILL)
    assert until(lambda: stack.get(OFFERS, key).status_code == 200, at_most_ms=5_000)
    assert until(lambda: stack.containers()["gateway-1"].health == "healthy", at_most_ms=AGAIN_MS)
    after = stack.containers()["gateway-1"]
    assert (after.id, after.attrs["RestartCount"]) == (before.id, 1)


def test_a_second_up_changes_nothing(stack: LocalStack, key: str) -> None:
    before = {service: each.id for service, each in stack.containers().items()}
    vault = tomllib.loads((stack.folder / "external.toml").read_text())["vault"]
    stack.up()
    assert {service: each.id for service, each in stack.containers().items()} == before
    assert tomllib.loads((stack.folder / "external.toml").read_text())["vault"] == vault
    assert stack.get(OFFERS, key).status_code == 200


def test_down_and_up_again_keeps_what_there_was(stack: LocalStack, key: str) -> None:
    stack.compose("down")
    assert stack.containers() == {}
    stack.up()
    assert until(lambda: stack.get(OFFERS, key).status_code == 200, at_most_ms=AGAIN_MS)


def test_the_judge_uses_what_is_up(stack: LocalStack, tmp_path: Path) -> None:
    words = ["verify", "--runtime", "external", "--only", "P08", "--tier", "wire", "--binding", "http"]
    done = subprocess.run(
        [sys.executable, "-m", "gatespec", *words, "--examples", "2", "--out", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "GATESPEC_EXTERNAL": str(stack.folder / "external.toml")},
        capture_output=True,
        text=True,
        timeout=JUDGE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    given = tomllib.loads((stack.folder / "external.toml").read_text())
    report = (tmp_path / "report.json").read_text()
    assert report.count('"why": "runs already"') == len(given) == 2


def test_a_start_that_was_cut_short_is_gone_on_with(docker: DockerClient, tmp_path: Path) -> None:
    half = LocalStack(docker, tmp_path)
    try:
        half.compose("up", "--detach", "redis-1", "redis-2", "vault")
        half.up()
        assert until(lambda: half.get(OFFERS).status_code == 200, at_most_ms=AGAIN_MS)
    finally:
        half.compose("down", "--volumes")


def test_keys_that_are_lost_are_told_with_what_to_do(stack: LocalStack) -> None:
    stack.compose("exec", "-T", "vault-keeper", "rm", "/run/gatespec/vault/keys.json")
    stack.compose("restart", "vault-keeper")
    told = "error[vault-keys-lost]"
    assert until(lambda: told in stack.compose("logs", "vault-keeper"), at_most_ms=AGAIN_MS)
    assert "docker compose down -v" in stack.compose("logs", "vault-keeper")


def test_a_port_that_is_taken_is_named(docker: DockerClient, tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        other = LocalStack(docker, tmp_path)
        other.published["GATESPEC_SIMULATORS_PORT"] = str(taken.getsockname()[1])
        try:
            with pytest.raises(AssertionError, match=f"127.0.0.1:{taken.getsockname()[1]}"):
                other.compose("up", "--detach", "simulators")
        finally:
            other.compose("down", "--volumes")


def test_down_with_its_volumes_leaves_nothing(stack: LocalStack) -> None:
    stack.compose("down", "--volumes")
    docker = stack.docker
    left = [docker.containers.list(all=True, filters=stack.filters), docker.volumes.list(filters=stack.filters)]
    assert [*left, docker.networks.list(filters=stack.filters)] == [[], [], []]
