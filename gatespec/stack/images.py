"""The images that the runtime `containers` runs servers from: which, found how, built from what."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gatespec.errors import GatespecError, unable
from gatespec.stack.finder import POSTGRES_OLDEST, REDIS_OLDEST, VAULT_OLDEST, Missing, Server, chosen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docker import DockerClient

MEMORY_MIN = 2 * 1024**3
"""Redis, PostgreSQL, Vault, two gateways and the judge take about 1 GB."""
BUILD_S = 1200.0
OFFLINE = "where no registry is reachable, `docker/offline-base.sh` makes all images"


@dataclass(frozen=True)
class Image:
    """What a server of one role comes from."""

    role: str
    name: str
    """An official image, or one of this name that `docker/offline-base.sh` made."""
    override: str
    """The environment variable that names another."""
    binary: str
    version: re.Pattern[str]
    servers: Mapping[str, str]
    """What the version's line begins with, and the server's name for it."""
    oldest: tuple[int, ...]


REDIS: Final = Image(
    "Redis API",
    "redis:7.0-bookworm",
    "GATESPEC_REDIS_IMAGE",
    "redis-server",
    re.compile(r"\bv=(\d+(?:\.\d+)*)"),
    {"Valkey": "Valkey", "": "Redis"},
    REDIS_OLDEST,
)
POSTGRES: Final = Image(
    "PostgreSQL",
    "postgres:15-bookworm",
    "GATESPEC_POSTGRES_IMAGE",
    "postgres",
    re.compile(r"\(PostgreSQL\) (\d+(?:\.\d+)*)"),
    {"": "PostgreSQL"},
    POSTGRES_OLDEST,
)
VAULT: Final = Image(
    "Vault API",
    "openbao/openbao:2.7.2",
    "GATESPEC_VAULT_IMAGE",
    "bao",
    re.compile(r"\bv(\d+(?:\.\d+)*)"),
    {"OpenBao": "OpenBao", "": "Vault"},
    VAULT_OLDEST,
)


def find_in_image(image: Image, environ: Mapping[str, str] | None = None) -> Server | Missing:
    """Look which server of which version an image holds; pull it where it is not here yet."""
    env = os.environ if environ is None else environ
    name = env.get(image.override, image.name)
    binary = "vault" if image is VAULT and "hashicorp" in name else image.binary
    try:
        said = _said(name, binary)
    except GatespecError as error:
        return Missing(image.role, f"{name}: {error.message}", hint=error.hint)
    found = image.version.search(said)
    if found is None or tuple(map(int, found[1].split("."))) < image.oldest:
        wanted = ".".join(map(str, image.oldest))
        return Missing(image.role, f"{name}, whose {binary} says {said!r:.80}", hint=f"name one from {wanted} on")
    server = next(called for begin, called in image.servers.items() if said.startswith(begin))
    why = f"in the image {name}" + (f", named by {image.override}" if image.override in env else "")
    return Server(image.role, server, found[1], Path(binary), why, name)


def server_in(image: Image) -> Server:
    """The same, or the error that says how to get one."""
    return chosen(find_in_image(image))


def _said(name: str, binary: str) -> str:
    with closing(daemon()) as client:
        ensure(client, name)
        told = client.containers.run(name, ["--version"], entrypoint=[binary], remove=True, network_mode="none")
        return bytes(told).decode("utf-8", "replace").strip()


def daemon() -> DockerClient:
    """A client of the Docker daemon; raise `unable` where none answers, or where it has too little memory."""
    from docker.errors import DockerException  # noqa: PLC0415 - as above

    import docker  # noqa: PLC0415 - half a second, for one runtime of three

    try:
        client = docker.from_env()
        memory = int(client.info()["MemTotal"])
    except DockerException as error:
        hint = "start it (`dockerd`, or Docker's service), or judge natively: `--runtime native`"
        raise unable("docker-unreachable", "no Docker daemon answers", tried=str(error), hint=hint) from error
    if memory < MEMORY_MIN:
        found = f"the Docker daemon has {memory / 1024**3:.1f} GiB of memory"
        hint = f"give it at least {MEMORY_MIN // 1024**3} GiB"
        raise unable("memory-too-small", found, hint=hint)
    return client


def ensure(client: DockerClient, name: str) -> None:
    """Have an image here: pull it where it is not; raise `unable` where that cannot be done."""
    from docker.errors import DockerException, ImageNotFound  # noqa: PLC0415 - as above

    try:
        client.images.get(name)
    except ImageNotFound:
        try:
            client.images.pull(name)
        except DockerException as error:
            raise unable(
                "image-missing", f"there is no image {name}", tried=f"a pull: {error}", hint=OFFLINE
            ) from error


@cache
def build(name: str, dockerfile: Path, context: Path, log: Path) -> None:
    """Build an image once a process, from cache where nothing changed; `unable` says where the builder's words are."""
    argv = ["docker", "build", "--tag", name, "--file", str(dockerfile), str(context)]
    try:
        with log.open("ab") as words, _alone():
            subprocess.run(argv, stdout=words, stderr=words, env=_builder(), timeout=BUILD_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        what = f"cannot build the image {name}: {error}"
        raise unable("image-not-built", what, tried=" ".join(argv), hint=f"the builder's words are in {log}") from error


@contextmanager
def _alone() -> Iterator[None]:
    """One builder at a time: judges side by side would build the same layers, each for itself."""
    with (Path(tempfile.gettempdir()) / f"gatespec-build-{os.geteuid()}.lock").open("a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _builder() -> dict[str, str]:
    """Newer clients build with BuildKit through a plugin alone; without it the daemon's own builder does as well."""
    argv = [shutil.which("docker") or "docker", "buildx", "version"]
    plugin = subprocess.run(argv, capture_output=True, check=False)
    return {**os.environ, "DOCKER_BUILDKIT": "0" if plugin.returncode else "1"}
