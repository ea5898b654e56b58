"""Where the containers of the local stack find each other and their secrets: the names of docker-compose.yml."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

RUN: Final = Path("/run/gatespec")
"""Each folder in it is a volume, which alone those containers have that need it."""
GATEWAY: Final = RUN / "gateway"
POSTGRES: Final = RUN / "postgres"
VAULT: Final = RUN / "vault"
EXPORT: Final = Path("/export")
"""`docker/run` of the checkout."""
PASSWORD: Final = "password"  # noqa: S105 - a file's name
KEYS: Final = "keys.json"
EXTERNAL: Final = "external.toml"
"""What `--runtime external` reads there."""

GATEWAY_GID: Final = 10001
JUDGE_UID: Final = 10002
POSTGRES_UID: Final = 999
"""Users of the images."""

REDIS_URL: Final = "redis+cluster://" + ",".join(f"redis-{number}:6379" for number in range(1, 7))
POSTGRES_HOST: Final = "postgres:5432"
VAULT_URL: Final = "http://vault:8200"
SIMULATORS_URL: Final = "http://simulators:8100"
DATABASE: Final = "gateway"
OWNER: Final = "gatespec"
MOUNT: Final = "secret"


def providers(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Those that are simulated, each also the name of its adapter."""
    return tuple(name for name in environ.get("GATESPEC_PROVIDERS", "lambda").split(",") if name)


def published(role: str, environ: Mapping[str, str] = os.environ) -> str:
    """Host and port of a service as the machine around sees it."""
    return f"127.0.0.1:{environ[f'GATESPEC_{role.upper()}_PORT']}"


def write(file: Path, content: str, mode: int) -> None:
    """Replace a file's content; nobody reads it meanwhile who may not, and nobody reads half of it."""
    half = file.with_name(f".{file.name}")
    half.touch(mode=mode)
    half.chmod(mode)
    half.write_text(content, encoding="utf-8")
    half.replace(file)


def as_shell(settings: Mapping[str, str]) -> str:
    """Lines that a shell reads; no value of ours holds a quote."""
    return "".join(f"{name}='{value}'\n" for name, value in settings.items())
