"""GATEWAY_PROVIDERS_FILE: which providers there are, and how each is reached."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from reference_gateway.adapters.providers import ADAPTERS
from reference_gateway.core.upstream.balancer import exact
from reference_gateway.core.upstream.terms import Terms
from reference_gateway.edge.settings import SettingInvalid, variable_of, whole_ms

if TYPE_CHECKING:
    from pathlib import Path

PROVIDERS_MAX = 1000
"""A harness declares a pool of hundreds."""

_NAME = r"^[a-z0-9][a-z0-9-]{0,62}$"


def _known(adapter: str) -> str:
    if adapter not in ADAPTERS:
        raise ValueError(f"no such adapter; there are {', '.join(sorted(ADAPTERS))}")
    return adapter


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Endpoint(_Strict):
    """One base URL: the API's scheme and host; the adapter appends the API's whole path."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")]
    weight: Annotated[float, Field(gt=0, le=1000)] = 1


class Provider(_Strict):
    """One provider under its free name."""

    name: Annotated[str, Field(pattern=_NAME)]
    adapter: Annotated[str, AfterValidator(_known)]
    endpoint: Annotated[tuple[Endpoint, ...], Field(min_length=1, max_length=16)]
    concurrency: Annotated[int, Field(ge=1)] = 10
    queue: Annotated[int, Field(ge=0)] = 100
    poll_s: Annotated[float, Field(ge=0)] | None = None
    rate_per_s: Annotated[float, Field(gt=0)] | None = None

    def terms(self, poll_s: Decimal) -> Terms:
        """Say how calls go by it; `poll_s` is for a provider that says nothing of polls."""
        return Terms(
            weights=exact([endpoint.weight for endpoint in self.endpoint]),
            concurrency=self.concurrency,
            queue=self.queue,
            poll_ms=whole_ms(poll_s if self.poll_s is None else Decimal(str(self.poll_s))),
            rate_per_s=self.rate_per_s,
            polled_only=ADAPTERS[self.adapter].polled_only,
        )


class _File(_Strict):
    provider: Annotated[tuple[Provider, ...], Field(min_length=1, max_length=PROVIDERS_MAX)]


def load_providers(path: Path) -> tuple[Provider, ...]:
    """Read the file; raises `SettingInvalid`, which names the key at fault."""
    try:
        providers = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).provider
    except (OSError, UnicodeDecodeError) as error:
        raise _invalid(path, f"a file of UTF-8 text that can be read ({type(error).__name__})") from None
    except tomllib.TOMLDecodeError as error:
        raise _invalid(path, f"TOML ({error})") from None
    except ValidationError as error:
        raise _invalid(path, _expected(error)) from None
    _check_names(path, [provider.name for provider in providers])
    return providers


def _check_names(path: Path, names: list[str]) -> None:
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise _invalid(path, f"each provider's name once, not {repeated!r} again")


def _expected(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"another {where}: {first['msg']}"


def _invalid(path: Path, expected: str) -> SettingInvalid:
    return SettingInvalid(variable_of("providers_file"), str(path), expected)
