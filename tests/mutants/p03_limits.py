"""Mistakes about who is counted, and to what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reference_gateway.conformance import Reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reference_gateway.adapters.redis.stepped import Store
    from reference_gateway.core.identity import Identity

PLANS = ("free", "pro", "enterprise")


class LimitPerInstance(Reference):
    """Each instance keeps windows of its own."""

    kills = "P03"

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - the driver's own
        super().__init__(**given)
        self.own: dict[int, Store] = {}

    def store_for(self, instance: int) -> Store:
        if instance not in self.own:
            self.own[instance] = self.open_store()
        return self.own[instance]


class OneTooMany(Reference):
    """The comparison is off by one: a window admits one more than the plan has."""

    kills = "P03"

    def limit_for(self, plan: str) -> int:
        return super().limit_for(plan) + 1


class OneTooFew(Reference):
    """The comparison is off by one the other way: the plan's last admission is refused."""

    kills = "P03"

    def limit_for(self, plan: str) -> int:
        return super().limit_for(plan) - 1


class PlanFromHeader(Reference):
    """The plan is what the client says in X-Plan."""

    kills = "P03"

    def plan_of(self, credential: Mapping[str, Any], fields: Mapping[str, str]) -> str:
        said = fields.get("x-plan")
        return said if said in PLANS else super().plan_of(credential, fields)


class SharedWindow(Reference):
    """All identities of a plan share one window."""

    kills = "P03"

    def window_key(self, identity: Identity) -> str:
        return identity.plan


class EveryAddressAlone(Reference):
    """An IPv6 client has a window for each of its addresses, not one for its /64."""

    kills = "P03"

    def identify(self, credential: Mapping[str, Any], fields: Mapping[str, str]) -> Identity:
        found = super().identify(credential, fields)
        return type(found)(found.kind, credential["name"], found.plan)


class NotModifiedFree(Reference):
    """An answer without a body does not count."""

    kills = "P03"

    def counts(self, status: int) -> bool:
        return super().counts(status) and status != 304


class ErrorsFree(Reference):
    """An answer that is the client's fault does not count."""

    kills = "P03"

    def counts(self, status: int) -> bool:
        return super().counts(status) and not 400 <= status < 500


MUTANTS = [
    LimitPerInstance,
    OneTooMany,
    OneTooFew,
    PlanFromHeader,
    SharedWindow,
    EveryAddressAlone,
    NotModifiedFree,
    ErrorsFree,
]
