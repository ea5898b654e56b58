"""What a drill's file gives: a sentence, and data; found by path, so that a wheel and a checkout drill alike."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from gatespec.engine.chapter import Needs
from gatespec.errors import unable, usage
from gatespec.suites import suites_root

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatespec.drills.claim import Claim, Mark

Victim = Literal["redis", "shard", "database", "vault", "credential", "providers", "instance"]
SHORT: Mapping[str, str] = {
    "GATEWAY_RATE_FREE": "5",
    "GATEWAY_RATE_ENTERPRISE": "1000",
    "GATEWAY_TTL_PRICING_S": "1",
    "GATEWAY_STALE_S": "60",
    "GATEWAY_DEADLINE_S": "2",
    "GATEWAY_UPSTREAM_TIMEOUT_S": "1.5",
    "GATEWAY_POLL_S": "0",
    "GATEWAY_HEALTH_INTERVAL_S": "0",
    "GATEWAY_XFETCH_BETA": "0",
    # A busy machine is no Redis that hangs: by the default of 50 ms a gateway would take it for one, and count alone.
    "GATEWAY_REDIS_BUDGET_S": "0.5",
    "GATEWAY_CREDENTIAL_REFRESH_S": "1.5",
    "GATEWAY_CREDENTIAL_CACHE_S": "6",
}
"""Times short enough that several lifetimes of everything lie in half a minute."""


@dataclass(frozen=True)
class Traffic:
    """Who asks meanwhile, at moments that are drawn beforehand: a slow gateway does not slow them down."""

    providers: int = 3
    polite_per_s: int = 8
    """Reads of two users whom no limit meets, over all instances."""
    greedy_per_s: int = 14
    """Reads of an anonymous caller on the free plan, over all instances: more than he gets."""
    looks_per_s: int = 2
    """Looks at each of `/health` and `/health/ready`, at each instance in turn."""
    steady_ms: int = 6_000
    """How long all is well before the fault."""


@dataclass(frozen=True)
class Fault:
    """What is lost: the seed draws one of its kinds, its moment and how long it lasts."""

    victim: Victim
    kinds: tuple[str, ...]
    """Words of the driver for the victim's states: `refusing`, `hanging`, `sealed`, `killed`, `status`.

    Of a credential `put first` or `refused first`: whether Vault has the new one before the provider refuses the old.
    """
    lasts_ms: tuple[int, int]
    """From the first to the second, both included."""
    flaps: int = 1
    """How often it comes and goes within that time."""
    share: float = 1.0
    """Of the providers, how many."""


@dataclass(frozen=True)
class Drill:
    """One loss, and what is claimed of it."""

    name: str
    sentence: str
    fault: Fault
    claims: tuple[Claim, ...]
    """What holds before, meanwhile and after."""
    saw: tuple[Mark, ...] = ()
    """What its record has to show, beside the marks of every drill."""
    heals_ms: int = 5_000
    """How soon after the fault's end all must be as it was before it."""
    after_ms: int = 6_000
    """How long the healed gateway is watched."""
    traffic: Traffic = field(default_factory=Traffic)
    settings: Mapping[str, str] = field(default_factory=dict)
    """Beside `SHORT`."""

    @property
    def needs(self) -> Needs:
        """What its lane must have."""
        token_s = 60 if self.fault.victim == "vault" else None
        replicas = int(self.on_cluster)
        needed = self.traffic.providers * 3
        return Needs(providers=needed, store_faults=True, redis_replicas=replicas, vault_token_s=token_s)

    @property
    def on_cluster(self) -> bool:
        """Whether its lane's Redis is a cluster of its own."""
        return self.fault.victim == "shard"


def drills_dir() -> Path:
    """The drills, one file each."""
    return suites_root() / "chaos" / "drills"


def load_drills(folder: Path | None = None) -> dict[str, Drill]:
    """Load every drill by its name, which is its file's; raise `unable` where a file holds none."""
    paths = sorted((folder or drills_dir()).glob("[a-z]*.py"))
    return {path.stem: _load(path) for path in paths}


def named(names: list[str], drills: Mapping[str, Drill]) -> list[Drill]:
    """Those of these names; a name that no drill has is a usage error."""
    if unknown := [name for name in names if name not in drills]:
        raise usage("drill-unknown", f"there is no drill {unknown[0]!r:.60}", hint="`gatespec drill --list` shows all")
    return [drills[name] for name in dict.fromkeys(names)]


def _load(path: Path) -> Drill:
    spec = importlib.util.spec_from_file_location(f"gatespec_drills.{path.stem}", path)
    if spec is None or spec.loader is None:
        raise unable("drill-unreadable", f"{path} cannot be loaded as a drill")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    drill = getattr(module, "DRILL", None)
    if not isinstance(drill, Drill) or drill.name != path.stem:
        raise unable("drill-empty", f"{path} does not define DRILL with the file's name")
    return drill
