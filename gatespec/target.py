"""The target file: the one page that says what is judged, what it claims, and how to reach or start it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from gatespec.errors import GatespecError, usage
from gatespec.ports import Plan  # noqa: TC001 - pydantic reads it at run time

Profile = Literal["core", "realtime", "pipeline", "marketplace", "agents", "internal"]


def _reachable(origin: object) -> object:
    """Refuse what would only fail when it is connected to, and, before it is shown anywhere, what holds a password."""
    if not isinstance(origin, str):
        return origin
    try:
        parts = urlsplit(origin)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise ValueError(f"this is no address: {error}") from error
    if parts.username is not None:
        raise ValueError("an address holds no user and password; credentials go to [[url.credentials]]")
    if not named or not parts.scheme.startswith("http") or parts.path or parts.query or parts.fragment:
        raise ValueError("an address is http:// or https://, a host, perhaps a port, and no path")
    return origin


HttpUrl = Annotated[str, Field(pattern=r"^https?://[^/\s]+$"), BeforeValidator(_reachable)]
NAME_MAX = 80
"""It stands in headings."""
Argv = Annotated[list[str], Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ContainerDoor(_Strict):
    """The image that the same commands run in where the judge runs everything in containers."""

    image: str
    dockerfile: str | None = None
    """Builds it, relative to the target file; without one the image must be there, or in a registry."""
    context: str = "."
    """What is sent to the builder, relative to the target file."""
    python: str = "python"
    """What `{python}` is inside."""


class CommandDoor(_Strict):
    """A gateway that the judge starts: one process per instance."""

    argv: Argv
    """`{python}` is the interpreter that runs the judge, where `PATH` would find another."""
    env: dict[str, str] = {}
    cwd: str = "."
    """Relative to the target file."""
    prepare: list[Argv] = []
    """Run once, in order, before the first instance: migrations, topics."""
    instances: Annotated[int, Field(ge=1, le=16)] = 2
    container: ContainerDoor | None = None
    """Without one it runs as a child process beside services in containers."""
    ready_s: Annotated[float, Field(gt=0, le=300)] = 60.0
    """How long an instance may take until `/health/ready` answers 200."""


class Credential(_Strict):
    """A ready-made identity of a running gateway; the secret stays in the environment."""

    kind: Literal["user", "key", "agent", "service"]
    plan: Plan
    header: str = "Authorization"
    value_env: str
    """The environment variable that holds the header's value, e.g. `Bearer ...`."""


class UrlDoor(_Strict):
    """A gateway that is already running, with one or more instances behind the same stores."""

    instances: Annotated[list[HttpUrl], Field(min_length=1, max_length=16)]
    settings: dict[str, str] = {}
    """The contract's settings where this gateway's differ from the defaults."""
    credentials: list[Credential] = []
    token_command: Argv | None = None
    """Prints one access token for `{sub}` and `{plan}`."""
    forwarded_for: bool = False
    """Whether the judge's address is a trusted proxy, so that it may speak for other addresses."""


class Users(_Strict):
    """How identities that live in the gateway's own store come to be."""

    create: Argv
    """Makes `{count}` users of `{plan}`; prints one JSON object a line: `{"user_id": ..., "api_key": ...}`.

    Where users can sign in by it, a line has `username` and `password` too.
    """
    create_service: Argv | None = None
    """Makes a service `{service_id}` with the scope `{scope}`; prints `{"service_id": ..., "secret": ...}`."""


class Target(_Strict):
    """One gateway to judge."""

    name: Annotated[str, Field(min_length=1, max_length=NAME_MAX)]
    claims: list[Profile] = ["core"]
    adapters: list[str] = []
    balancing: Literal["smooth"] | None = None
    command: CommandDoor | None = None
    url: UrlDoor | None = None
    settings: dict[str, str] = {}
    """The contract's name of a setting to this gateway's own, where they differ."""
    users: Users | None = None
    redis_cluster: bool = True
    """Whether it takes a `GATEWAY_REDIS_URL` of the form `redis+cluster://`."""
    component_driver: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")] | None = None
    python_path: list[str] = []
    """Folders, relative to the target file, where the component driver is found."""
    known_failures: str | None = None
    """A file beside this one; see docs/guides/target-file.md."""
    folder: Path = Path()
    """Where the target file lies; not written in it."""

    @model_validator(mode="after")
    def _one_door(self) -> Target:
        if (self.command is None) == (self.url is None):
            raise ValueError("a target has exactly one door: [command] or [url]")
        return self

    @property
    def door(self) -> str:
        """`command` or `url`."""
        return "command" if self.command else "url"


_NAME_ONE = "name a target file or a URL; docs/guides/target-file.md shows one"


def load_target(named: str | Path) -> Target:
    """Read a target file, or take the URL of a running gateway that claims `core`; a usage error names the field."""
    text = str(named)
    if text.startswith(("http://", "https://")):
        return _validated({"name": text[:NAME_MAX], "url": {"instances": [text.removesuffix("/")]}}, "--target")
    if not text:
        raise usage("target-unreadable", "the name of the target file is empty", hint=_NAME_ONE)
    path = Path(text)
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise usage("target-unreadable", f"cannot read {path}: {error.strerror}", hint=_NAME_ONE) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise usage("target-malformed", f"{path} is not TOML: {error}") from error
    return _validated(written, text, path.resolve().parent)


def _validated(written: dict[str, Any], source: str, folder: Path = Path()) -> Target:
    if "folder" in written:
        raise usage("target-invalid", f"{source}: folder: this key is not for a target file")
    try:
        return Target.model_validate({**written, "folder": folder})
    except ValidationError as error:
        raise _named(error, source) from error


_WORDS = {"missing": "it is required", "extra_forbidden": "there is no such key"}
"""Pydantic's own words for these speak of fields and inputs."""


def _named(error: ValidationError, source: str) -> GatespecError:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the file"
    says = _WORDS.get(first["type"], first["msg"].removeprefix("Value error, "))
    found = "" if first["type"] in {"missing", "value_error"} else f", found {first['input']!r:.80}"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return usage(
        "target-invalid",
        f"{source}: {where}: {says}{found}{more}",
        hint="docs/guides/target-file.md lists every key",
    )
