"""A gateway that is told what its pod is told, on a Redis Cluster as the pods make it: migrated, served, drained."""

from __future__ import annotations

import json
import sys
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from gatespec.clock import MonotonicClock, until
from gatespec.stack.environment import base_environment
from gatespec.stack.nursery import Nursery
from gatespec.stack.ports import LOOPBACK, accepts, free_port
from gatespec.stack.process import Command
from tests.deployment.joining import PASSWORD
from tests.deployment.manifests import environment, of_kind, printed_secrets, rendered, workload
from tests.repository.checkout import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatespec.stack.process import Child
    from tests.deployment.joining import StatefulSet

PRODUCTION = rendered("production")
READY_MS = 60_000
MIGRATE_S = 120
ASK_S = 10
KEYS = "gateway-signing-keys"


def written(folder: Path, path: str) -> str:
    """The file that the Secret of signing keys mounts under this path."""
    name = path.rpartition("/")[2]
    (folder / name).write_text(printed_secrets("small")[KEYS][name], encoding="utf-8")
    return str(folder / name)


def told(folder: Path, port: int, secrets: dict[str, str]) -> dict[str, str]:
    """The pod's settings, with addresses of this machine and files of this folder."""
    pod = {
        name: str(value) for name, value in (environment(PRODUCTION, workload(PRODUCTION, "gateway")) | secrets).items()
    }
    here = {name: written(folder, path) for name, path in pod.items() if name.endswith("_KEY_FILE")}
    return {**pod, **here, "GATEWAY_LISTEN": f"{LOOPBACK}:{port}"}


def argv(kind: str, name: str) -> tuple[str, ...]:
    """The command of a pod, in this environment."""
    (one,) = [one for one in of_kind(PRODUCTION, kind) if one["metadata"]["name"] == name]
    python, *words = one["spec"]["template"]["spec"]["containers"][0]["command"]
    assert python == "python"
    return (sys.executable, *words)


class Served:
    """A gateway, and what it answers."""

    def __init__(self, child: Child, port: int) -> None:
        self.child, self.port = child, port

    def ask(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{self.port}{path}", timeout=ASK_S) as answer:
            return dict(json.load(answer))


@pytest.fixture(scope="module")
def served(joined: StatefulSet, postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    nodes = ",".join(f"{LOOPBACK}:{pod.port}" for pod in joined.pods)
    secrets = {
        "GATEWAY_DATABASE_URL": postgres_url,
        "GATEWAY_REDIS_URL": f"redis+cluster://:{PASSWORD}@{nodes}",
        "GATEWAY_VAULT_ADDR": f"http://{LOOPBACK}:1",  # away: a gateway starts without it
        "GATEWAY_VAULT_ROLE_ID": "a-role",
        "GATEWAY_VAULT_SECRET_ID": "a-secret",
    }
    port = free_port()
    with Nursery("tests", tmp_path_factory.mktemp("started")) as nursery:
        env = {**base_environment(), **told(nursery.folder, port, secrets)}
        migrate = Command("migrate", argv("Job", "gateway-migrate-0-1-0"), ROOT, env)
        nursery.run(migrate, at_most_s=MIGRATE_S)
        child = nursery.launch(Command("gateway", argv("StatefulSet", "gateway"), ROOT, env), port=port)
        assert until(lambda: accepts(port) or not child.alive, at_most_ms=READY_MS)
        assert child.alive, child.log.read_text()
        yield Served(child, port)


def test_it_is_live_and_ready_where_the_probes_ask(served: Served) -> None:
    (container,) = workload(PRODUCTION, "gateway").containers
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert served.ask(container[probe]["httpGet"]["path"]) == {"status": "ok"}


def test_it_reaches_redis_by_its_password_and_postgresql(served: Served) -> None:
    def well() -> bool:
        states = served.ask("/health")["dependencies"]
        return (states["redis"], states["postgresql"]) == ("ok", "ok")

    assert until(well, at_most_ms=READY_MS), served.ask("/health")


def test_it_ends_within_what_is_left_of_the_grace_after_pre_stop(served: Served) -> None:
    gateway = workload(PRODUCTION, "gateway")
    left_s = (
        gateway.pod["terminationGracePeriodSeconds"] - gateway.containers[0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    )
    clock = MonotonicClock()
    begun = clock.now_ms()
    served.child.ask_to_stop()
    assert until(lambda: not served.child.alive, at_most_ms=left_s * 1000)
    assert served.child.exit_code == 0
    assert clock.now_ms() - begun < left_s * 1000
