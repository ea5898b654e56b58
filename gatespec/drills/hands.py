"""What makes a drill's fault, and what ends it, by its victim."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gatespec.drills.drill import Drill, Victim
    from gatespec.drivers.http_reads import HttpReadGateway
    from gatespec.read_ports import Failing, Life, ShardState, StoreState, VaultState

    Made = Callable[[HttpReadGateway, str, Sequence[str]], "Hands"]

FIRST = "house:0"
PUT_FIRST = "put first"


class Hands(NamedTuple):
    """Each returns when it is so; `heal` does nothing where there is no fault."""

    make: Callable[[], None]
    heal: Callable[[], None]


def hands_of(drill: Drill, kind: str, gateway: HttpReadGateway, providers: Sequence[str]) -> Hands:
    """The fault of this kind; of the providers the drill's share is befallen."""
    befallen = providers[: max(1, round(len(providers) * drill.fault.share))]
    return HANDS[drill.fault.victim](gateway, kind, befallen)


def _redis(gateway: HttpReadGateway, kind: str, _providers: Sequence[str]) -> Hands:
    return Hands(partial(gateway.store, cast("StoreState", kind)), partial(gateway.store, "well"))


def _shard(gateway: HttpReadGateway, kind: str, _providers: Sequence[str]) -> Hands:
    return Hands(partial(gateway.shard, cast("ShardState", kind)), partial(gateway.shard, "well"))


def _database(gateway: HttpReadGateway, kind: str, _providers: Sequence[str]) -> Hands:
    return Hands(partial(gateway.database, cast("StoreState", kind)), partial(gateway.database, "well"))


def _vault(gateway: HttpReadGateway, kind: str, _providers: Sequence[str]) -> Hands:
    return Hands(partial(gateway.vault, cast("VaultState", kind)), partial(gateway.vault, "well"))


def _instance(gateway: HttpReadGateway, kind: str, _providers: Sequence[str]) -> Hands:
    last = gateway.instances - 1
    return Hands(partial(gateway.life, last, cast("Life", kind)), partial(gateway.life, last, "running"))


def _providers(gateway: HttpReadGateway, kind: str, providers: Sequence[str]) -> Hands:
    def fail() -> None:
        for name in providers:
            gateway.provider(name, failing=cast("Failing", kind))

    def mend() -> None:
        for name in providers:
            gateway.provider(name)

    return Hands(fail, mend)


def _credential(gateway: HttpReadGateway, kind: str, providers: Sequence[str]) -> Hands:
    """Vault has a new one before the old is refused, or only when it heals."""
    waiting: list[str] = []

    def put() -> None:
        while waiting:
            gateway.rotate(waiting.pop())

    def exchange() -> None:
        gateway.rotation(kind)
        waiting.extend(providers)
        if kind == PUT_FIRST:
            put()
        for name in providers:
            gateway.refuse(name, FIRST)

    def heal() -> None:
        put()
        gateway.rotation("well")

    return Hands(exchange, heal)


HANDS: dict[Victim, Made] = {
    "redis": _redis,
    "shard": _shard,
    "database": _database,
    "vault": _vault,
    "credential": _credential,
    "providers": _providers,
    "instance": _instance,
}
