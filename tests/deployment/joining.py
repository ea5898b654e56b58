"""Six real Redis servers that stand alone, as the pods of the manifests do, and the script that joins them."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import redis

from gatespec.clock import until
from gatespec.stack.environment import base_environment
from gatespec.stack.finder import chosen, find_redis
from gatespec.stack.ports import LOOPBACK, free_port, is_taken
from gatespec.stack.process import Command
from k8s.check.rendered import K8S

if TYPE_CHECKING:
    from pathlib import Path

    from gatespec.stack.nursery import Nursery
    from gatespec.stack.process import Child

SCRIPT = K8S / "base" / "redis" / "join.py"
CONFIG = K8S / "base" / "redis" / "redis.conf"
PASSWORD = "a" * 32
BUS = 10_000
"""A node's bus listens so far above its port, as in the pods."""
SILENCE_MS = 2_000
"""After how long a node that is silent counts as gone."""
READY_MS = 60_000
JOIN_S = 120


@dataclass
class Pod:
    """A node with a volume; like a pod it may come back at another address."""

    nursery: Nursery
    name: str
    port: int = 0
    child: Child | None = None
    lives: int = 0

    def start(self, *, volume: Path | None = None) -> None:
        """Begin at a fresh address, with its own volume."""
        self.port = _port_with_bus()
        folder = self.nursery.room(self.name) if volume is None else volume
        config = CONFIG.read_text().replace("/run/secrets/redis", str(folder)).replace("dir /data", f"dir {folder}")
        (folder / "auth.conf").write_text(f"requirepass {PASSWORD}\nmasterauth {PASSWORD}\n")
        config = config.replace("port 6379", f"port {self.port}").replace("bind 0.0.0.0", f"bind {LOOPBACK}")
        (folder / "redis.conf").write_text(config.replace("timeout 5000", f"timeout {SILENCE_MS}"))
        argv = (str(chosen(find_redis()).path), str(folder / "redis.conf"), "--cluster-announce-ip", LOOPBACK)
        self.lives += 1
        self.child = self.nursery.launch(Command(self.name, argv, folder, base_environment()))
        assert until(self.answers, at_most_ms=READY_MS), self.child.log.read_text()

    def stop(self) -> None:
        assert self.child
        self.nursery.end([self.child])

    def ask(self, *words: str) -> str:
        with redis.Redis(LOOPBACK, self.port, password=PASSWORD, decode_responses=True) as client:
            return str(client.execute_command(*words))

    def answers(self) -> bool:
        try:
            return self.ask("PING") == "True"
        except redis.RedisError:
            return False


def _port_with_bus() -> int:
    while is_taken((port := free_port()) + BUS):
        pass
    return port


@dataclass
class StatefulSet:
    """The pods, in their order."""

    pods: list[Pod] = field(default_factory=list)

    def join(self, *, agree_s: int = 60) -> subprocess.CompletedProcess[str]:
        """Run the script once, as the job does."""
        argv = [sys.executable, str(SCRIPT), *(f"{LOOPBACK}:{pod.port}" for pod in self.pods)]
        env = {**os.environ, "REDIS_PASSWORD": PASSWORD, "JOIN_AGREE_S": str(agree_s)}
        return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=JOIN_S, check=False)

    def lines(self) -> list[list[str]]:
        """How the first sees all, the words of a line each."""
        return [line.split() for line in self.pods[0].ask("CLUSTER", "NODES").splitlines()]

    def primaries(self) -> dict[str, str]:
        """The slots of each primary, by its id."""
        return {words[0]: " ".join(words[8:]) for words in self.lines() if "master" in words[2] and words[8:]}

    def followed(self) -> list[str]:
        """Whom each replica follows."""
        return sorted(words[3] for words in self.lines() if "slave" in words[2])
