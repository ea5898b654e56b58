"""One local stack for the tests that need it, under a project name and on ports of its own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from gatespec.stack import ports

if TYPE_CHECKING:
    from docker.models.containers import Container

    from docker import DockerClient

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = ("GATESPEC_PORT", "GATESPEC_POSTGRES_PORT", "GATESPEC_VAULT_PORT", "GATESPEC_SIMULATORS_PORT")
UP_S, EXEC_S = 300, 60
WITH_SETTINGS = ("/app/with-settings.sh", "python", "-m", "reference_gateway")


def compose_command() -> list[str]:
    """Compose v2 where Docker has it, else the older program."""
    docker = shutil.which("docker")
    if docker and subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0:
        return [docker, "compose"]
    if old := shutil.which("docker-compose"):
        return [old]
    raise RuntimeError("there is no Compose: install docker-compose, or Docker's plugin")


@dataclass
class LocalStack:
    """`docker compose` on our file."""

    docker: DockerClient
    folder: Path
    project: str = field(default_factory=lambda: f"gatespec-test-{secrets.token_hex(4)}")
    published: dict[str, str] = field(default_factory=lambda: {name: str(ports.free_port()) for name in PUBLISHED})

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **self.published, "GATESPEC_RUN_FOLDER": str(self.folder)}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.published['GATESPEC_PORT']}"

    def compose(self, *words: str, within_s: int = UP_S) -> str:
        """Run it; an AssertionError has its words."""
        argv = [*compose_command(), "--project-name", self.project, *words]
        done = subprocess.run(
            argv, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=within_s, check=False
        )
        assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def up(self) -> None:
        """Version 1 waits by `depends_on` alone, which the proxy ends."""
        waiting = ["--wait"] if compose_command()[-1] == "compose" else []
        self.compose("up", "--detach", *waiting)

    def containers(self) -> dict[str, Container]:
        """By their service."""
        found = self.docker.containers.list(all=True, filters=self.filters)
        return {container.labels["com.docker.compose.service"]: container for container in found}

    @property
    def filters(self) -> dict[str, str]:
        return {"label": f"com.docker.compose.project={self.project}"}

    def create_user(self) -> dict[str, Any]:
        words = ("users", "create", "--plan", "enterprise")
        told = self.compose("exec", "-T", "gateway-1", *WITH_SETTINGS, *words, within_s=EXEC_S)
        made: dict[str, Any] = json.loads(told.splitlines()[-1])
        return made

    def get(self, path: str, key: str | None = None) -> requests.Response:
        headers = {"X-API-Key": key} if key else {}
        return requests.get(self.url + path, headers=headers, timeout=10)
