"""Servers that run already: used, described, and never broken by their own means, as others may need them."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import psycopg
import redis
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gatespec import verdict
from gatespec.errors import unable, usage
from gatespec.ports import Untestable
from gatespec.stack.postgres import PostgresApi
from gatespec.stack.redis import RedisApi, pings
from gatespec.stack.vault_api import UNSEALED, VaultApi
from gatespec.suites import suites_root

if TYPE_CHECKING:
    from typing import NoReturn

VARIABLE = "GATESPEC_EXTERNAL"
DEFAULT = Path("docker/run/external.toml")
"""Written by the local stack of docker-compose.yml."""
WHY = "runs already"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RedisAddress(_Strict):
    """A single Redis, no cluster: each lane gets a logical database, which is emptied."""

    url: Annotated[str, Field(pattern="^rediss?://", repr=False)]


class PostgresAddress(_Strict):
    """A role that may make databases."""

    url: Annotated[str, Field(pattern="^postgres(ql)?://", repr=False)]


class VaultAddress(_Strict):
    """A token that may mount engines and make AppRoles."""

    address: Annotated[str, Field(pattern="^https?://")]
    token: Annotated[str, Field(min_length=1, repr=False)]


class External(_Strict):
    """The file that says where servers are; what it leaves out is started natively."""

    redis: RedisAddress | None = None
    postgres: PostgresAddress | None = None
    vault: VaultAddress | None = None


def load_external() -> External:
    """Read the file that `GATESPEC_EXTERNAL` names, else the local stack's; a usage error names the field."""
    path = Path(os.environ.get(VARIABLE) or suites_root() / DEFAULT)
    hint = f"`docker compose up --wait` writes {DEFAULT}; {VARIABLE} names another (docs/containers.md)"
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
        return External.model_validate(written)
    except OSError as error:
        raise usage("external-unreadable", f"cannot read {path}: {error.strerror}", hint=hint) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise usage("external-malformed", f"{path} is not TOML: {error}", hint=hint) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise usage("external-invalid", f"{path}: {where}: {first['msg']}", hint=hint) from error


class _NotOurs:
    """What every server can do that is not the judge's to break."""

    name: str
    logs: tuple[Path, ...] = ()

    def start(self) -> None:
        """It runs."""

    def stop(self) -> None:
        """It goes on."""

    def pause(self) -> None:
        """Not for us."""
        self._refuse()

    def resume(self) -> None:
        """Not for us."""
        self._refuse()

    def kill(self) -> None:
        """Not for us."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise Untestable(f"{self.name} runs already: it is not the judge's to stop")

    def _away(self, address: str, said: object) -> Exception:
        hint = "start it, or correct its address and password"
        return unable("external-unreachable", f"{self.name} does not answer at {address}", tried=str(said), hint=hint)


class ExternalRedis(_NotOurs, RedisApi):
    """A single Redis that is there."""

    def __init__(self, given: RedisAddress) -> None:
        self.name = "redis"
        self._parts = urlsplit(given.url)
        self.databases = 1

    @property
    def address(self) -> str:
        """Host and port."""
        return self._parts.netloc.rpartition("@")[2]

    def url(self, database: int = 0) -> str:
        """Where clients connect, with the password; never to be logged."""
        return self._parts._replace(path=f"/{database}").geturl()

    def ready(self) -> None:
        """See that it answers, and how many databases it has."""
        if not pings(self.url()):
            raise self._away(self.address, "PING")
        with redis.Redis.from_url(self.url()) as client:
            self.databases = int(client.config_get("databases")["databases"])

    def described(self) -> verdict.Service:
        """What it says of itself."""
        with redis.Redis.from_url(self.url()) as client:
            told: dict[str, Any] = client.info("server")
        name = "Valkey" if "valkey_version" in told else "Redis"
        version = str(told.get("valkey_version", told["redis_version"]))
        return verdict.Service("Redis API", name, version, WHY, self.address)


class ExternalPostgres(_NotOurs, PostgresApi):
    """A PostgreSQL that is there."""

    def __init__(self, given: PostgresAddress) -> None:
        self.name = "postgres"
        self._parts = urlsplit(given.url)

    @property
    def address(self) -> str:
        """Host and port."""
        return self._parts.netloc.rpartition("@")[2]

    def url(self, database: str = "postgres") -> str:
        """Where clients connect, with the password; never to be logged."""
        return self._parts._replace(path=f"/{database}").geturl()

    def ready(self) -> None:
        """See that it answers."""
        try:
            self.connect().close()
        except psycopg.OperationalError as error:
            raise self._away(self.address, type(error).__name__) from error

    def described(self) -> verdict.Service:
        """What it says of itself."""
        with self.connect() as connection:
            version = connection.info.parameter_status("server_version") or ""
        return verdict.Service("PostgreSQL", "PostgreSQL", version.partition(" ")[0], WHY, self.address)


class ExternalVault(_NotOurs, VaultApi):
    """A Vault that is there, and open."""

    def __init__(self, given: VaultAddress) -> None:
        VaultApi.__init__(self, "vault", given.address, given.token)

    def ready(self) -> None:
        """See that it is open, and takes logins."""
        if (said := self.health()) != UNSEALED:
            raise self._away(self.url, f"its health: {said}")
        self.accept_logins()

    def described(self) -> verdict.Service:
        """What it says of itself."""
        told: dict[str, Any] = self.client.sys.read_health_status(method="GET")
        return verdict.Service("Vault API", "Vault or OpenBao", str(told.get("version", "")), WHY, self.address)
