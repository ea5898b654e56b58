"""The settings, read once from the environment; below the edge only their values are known.

Names, defaults and meanings: the contract's table of settings.
"""

from __future__ import annotations

import re
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from reference_gateway.core.limiter import LIMIT_MAX, Limits, microseconds
from reference_gateway.core.upstream.ports import Rules

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "GATEWAY_"
MS_PER_S = 1000
SECRETS = frozenset({"GATEWAY_VAULT_ROLE_ID", "GATEWAY_VAULT_SECRET_ID"})
"""What no error shows."""
FOUND_MAX_CHARS = 120
"""An error is one line; a value that was pasted by mistake can be a whole file."""

Network = IPv4Network | IPv6Network


class SettingInvalid(Exception):  # noqa: N818 - it is the sentence on stderr
    """A setting that stops the start: which, what was found, what is expected. Passwords are masked."""

    def __init__(self, variable: str, found: str | None, expected: str) -> None:
        shown = "nothing" if found is None else repr(masked(found)[:FOUND_MAX_CHARS])
        if variable in SECRETS and found is not None:
            shown = "something else (not shown)"
        super().__init__(f"{variable}: found {shown}, expected {expected}")
        self.variable = variable


def masked(text: str) -> str:
    """Hide what may be a password: user information and query string of a URL, and whatever only resembles one."""
    if "@" in text or "?" in text:
        hidden, urls = re.subn(r"//[^/]*@", "//***@", text.partition("?")[0])
        return hidden if urls == 1 and hidden.count("@") == 1 else "(not shown: it may hold a password)"
    return text


class Address(NamedTuple):
    """Where to listen."""

    host: str
    port: int


def _address(text: object) -> Address:
    host, colon, port = str(text).rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not (port.isascii() and port.isdecimal()) or not 1 <= int(port) <= 65535:  # noqa: PLR2004 - TCP's ports
        raise ValueError
    return Address(host, int(port))


def _networks(text: object) -> tuple[Network, ...]:
    return tuple(ip_network(part.strip()) for part in str(text).split(",") if part.strip())


def _database_url(text: str) -> str:
    parts = urlsplit(text)
    if not text.startswith(("postgresql://", "postgres://")) or not parts.path.strip("/"):
        raise ValueError
    _ = parts.port
    return text


def _redis_url(text: str) -> str:
    scheme, _, rest = text.partition("://")
    if scheme not in {"redis", "rediss", "redis+cluster", "rediss+cluster"}:
        raise ValueError
    hosts = rest.partition("/")[0].rpartition("@")[2].split(",") if "cluster" in scheme else [rest]
    for host in hosts:
        parts = urlsplit(f"redis://{host}")
        if not parts.hostname or parts.port == 0:
            raise ValueError
    return text


def _vault_addr(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None or parts.query:
        raise ValueError
    if parts.path.strip("/") or parts.fragment or parts.port == 0:
        raise ValueError
    return text.rstrip("/")


def _exact(seconds: Decimal) -> Decimal:
    microseconds(seconds)
    return seconds


def _readable(path: Path) -> Path:
    try:
        with path.open("rb"):
            return path
    except OSError:
        raise ValueError from None


Seconds = Annotated[Decimal, Field(ge=0, le=86_400 * 366), AfterValidator(_exact)]
Positive = Annotated[Decimal, Field(gt=0, le=86_400), AfterValidator(_exact)]
Plan = Annotated[int, Field(ge=1, le=LIMIT_MAX)]
Bound = Annotated[int, Field(ge=1, le=2**31)]
Few = Annotated[int, Field(ge=1, le=10_000)]
ReadableFile = Annotated[Path, AfterValidator(_readable)]

_SECONDS = "seconds as a decimal number, from 0 to a year"
_SOME_SECONDS = "seconds as a decimal number, more than 0 and at most a day, with at most 6 decimals"
_KEPT = "seconds as a decimal number, from 1 to 30 days"
_LIFE = "seconds as a decimal number, from 1 to a day"
_LIMIT = f"a whole number from 1 to {LIMIT_MAX}"
_BOUND = "a whole number of at least 1"
_FEW = "a whole number from 1 to 10000"
_RATIO = "a decimal number from 0 to 1"
_FILE = "a file that can be read"
BETA_MAX = 100
_BETA = f"a decimal number from 0 (off) to {BETA_MAX}"


class Settings(BaseModel):
    """Every setting that is used now; a field's description says what is expected of its value."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True)

    listen: Annotated[Address, BeforeValidator(_address)] = Field(
        Address("127.0.0.1", 8000), description="host:port, such as 127.0.0.1:8000"
    )
    database_url: Annotated[str, AfterValidator(_database_url)] = Field(
        repr=False, description="a URL such as postgresql://user@127.0.0.1:5432/gateway"
    )
    redis_url: Annotated[str, AfterValidator(_redis_url)] = Field(
        repr=False, description="a URL such as redis://127.0.0.1:6379/0 or redis+cluster://host:port,host:port"
    )
    redis_budget_s: Positive = Field(Decimal("0.05"), description=_SOME_SECONDS)
    vault_addr: Annotated[str, AfterValidator(_vault_addr)] = Field(
        description="http:// or https://, a host, perhaps a port, and no path, such as https://vault.internal:8200"
    )
    vault_role_id: str = Field(min_length=1, repr=False, description="the id of an AppRole")
    vault_secret_id: str = Field(min_length=1, repr=False, description="a secret id of that AppRole")
    vault_mount: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*$")] = Field(
        "secret", description="the path at which a KV v2 engine is mounted, such as secret"
    )
    credential_cache_s: Seconds = Field(Decimal(3600), description=_SECONDS)
    credential_refresh_s: Positive = Field(Decimal(300), description=_SOME_SECONDS)
    providers_file: ReadableFile = Field(Path(__file__).with_name("providers.toml"), description=_FILE)
    jwt_private_key_file: ReadableFile | None = Field(None, description=_FILE)
    jwt_public_key_file: ReadableFile = Field(description=_FILE)
    jwt_issuer: str = Field(min_length=1, description="the `iss` of the access tokens")
    jwt_audience: str = Field(min_length=1, description="the `aud` of the access tokens")
    token_s: Annotated[Decimal, Field(ge=1, le=86_400)] = Field(Decimal(900), description=_LIFE)
    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(_networks)] = Field(
        (), description="networks as CIDRs, comma-separated, such as 10.0.0.0/8,fd00::/8"
    )
    rate_window_s: Positive = Field(Decimal(1), description=_SOME_SECONDS)
    rate_free: Plan = Field(10, description=_LIMIT)
    rate_pro: Plan = Field(100, description=_LIMIT)
    rate_enterprise: Plan = Field(1000, description=_LIMIT)
    ttl_pricing_s: Seconds = Field(Decimal(60), description=_SECONDS)
    ttl_static_s: Seconds = Field(Decimal(300), description=_SECONDS)
    snapshot_s: Seconds = Field(Decimal(300), description=_SECONDS)
    stale_s: Seconds = Field(Decimal(86_400), description=_SECONDS)
    xfetch_beta: float = Field(1.0, ge=0, le=BETA_MAX, allow_inf_nan=False, description=_BETA)
    lease_s: Positive = Field(Decimal(6), description=_SOME_SECONDS)
    deadline_s: Positive = Field(Decimal(5), description=_SOME_SECONDS)
    upstream_timeout_s: Positive = Field(Decimal(4), description=_SOME_SECONDS)
    breaker_window: Few = Field(10, description=_FEW)
    breaker_failure_rate: float = Field(0.5, ge=0, le=1, allow_inf_nan=False, description=_RATIO)
    breaker_open_s: Positive = Field(Decimal(30), description=_SOME_SECONDS)
    breaker_trials: Few = Field(3, description=_FEW)
    breaker_trial_s: Positive = Field(Decimal(5), description=_SOME_SECONDS)
    slow_s: Seconds = Field(Decimal(2), description=_SECONDS)
    health_interval_s: Seconds = Field(Decimal(30), description=_SECONDS)
    poll_s: Seconds = Field(Decimal(30), description=_SECONDS)
    idempotency_s: Annotated[Decimal, Field(ge=1, le=2_592_000), AfterValidator(_exact)] = Field(
        Decimal(86_400), description=_KEPT
    )
    body_max_bytes: Bound = Field(1_048_576, description=_BOUND)
    drain_s: Seconds = Field(Decimal(30), description=_SECONDS)

    @property
    def limits(self) -> Limits:
        """The plans' limits, as the core knows them."""
        return Limits(microseconds(self.rate_window_s), self.rate_free, self.rate_pro, self.rate_enterprise)

    @property
    def rules(self) -> Rules:
        """What breakers and endpoints go by; an endpoint that no probe brings back comes back by itself."""
        return Rules(
            window=self.breaker_window,
            failure_rate=self.breaker_failure_rate,
            open_ms=whole_ms(self.breaker_open_s),
            trials=self.breaker_trials,
            trial_ms=whole_ms(self.breaker_trial_s),
            slow_ms=whole_ms(self.slow_s),
            retry_out_ms=0 if self.health_interval_s else Rules().retry_out_ms,
        )


def whole_ms(seconds: Decimal) -> int:
    """Round down: nothing lives longer than it was allowed to."""
    return int(seconds * MS_PER_S)


def variable_of(field: str) -> str:
    """Name the environment variable of a field."""
    return PREFIX + field.upper()


def load(environ: Mapping[str, str]) -> Settings:
    """Read the settings; raises `SettingInvalid` on the first that is missing or malformed."""
    given = {name: environ[variable_of(name)] for name in Settings.model_fields if variable_of(name) in environ}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise _first(error, given) from None


def database_url(environ: Mapping[str, str]) -> str:
    """Read the one setting that migrations and users need; raises `SettingInvalid`."""
    found = environ.get(variable_of("database_url"))
    try:
        return _database_url(found or "")
    except ValueError:
        raise _invalid("database_url", found) from None


def _first(error: ValidationError, given: Mapping[str, Any]) -> SettingInvalid:
    field = str(error.errors(include_url=False, include_context=False)[0]["loc"][0])
    return _invalid(field, given.get(field))


def _invalid(field: str, found: str | None) -> SettingInvalid:
    return SettingInvalid(variable_of(field), found, Settings.model_fields[field].description or "another value")
