"""Mistakes about who is counted, and to what."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reference_gateway.adapters.redis.stepped import MemoryStore
from reference_gateway.conformance import Reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reference_gateway.adapters.redis.stepped import Store
    from reference_gateway.core.identity import Identity
    from reference_gateway.core.limiter import Ask
    from reference_gateway.core.window import Decision

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


class KindsShare(Reference):
    """A user and an API key of one name share a window."""

    kills = "P03"

    def window_key(self, identity: Identity) -> str:
        return f"rl:{identity.name}" if identity.kind != "ip" else super().window_key(identity)


class NamesFolded(Reference):
    """Names that differ in capitals only share a window."""

    kills = "P03"

    def window_key(self, identity: Identity) -> str:
        return super().window_key(replace(identity, name=identity.name.lower()))


class LongNamesCut(Reference):
    """A long name counts by its beginning."""

    kills = "P03"

    def window_key(self, identity: Identity) -> str:
        return super().window_key(replace(identity, name=identity.name[:40]))


class ForgetfulStore(Reference):
    """Windows are kept for the identities that came last, and for no more than a cache's default of them."""

    kills = "P03"
    kept_max = 128

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - the driver's own
        super().__init__(**given)
        self.kept: OrderedDict[str, Store] = OrderedDict()

    def decide(self, instance: int, ask: Ask) -> Decision:
        del instance
        store = self.kept.setdefault(ask.key, MemoryStore())
        self.kept.move_to_end(ask.key)
        while len(self.kept) > self.kept_max:
            self.kept.popitem(last=False)
        return store.decide(ask, self.now_us(0))


class IdentityFromHeader(Reference):
    """Who asks is what the client says in X-User-Id."""

    kills = "P03"

    def identify(self, credential: Mapping[str, Any], fields: Mapping[str, str]) -> Identity:
        found = super().identify(credential, fields)
        return replace(found, name=fields.get("x-user-id", found.name))


class AddressCutAsText(Reference):
    """The /64 of an IPv6 address is what stands before its fourth colon, however it is written."""

    kills = "P03"

    def identify(self, credential: Mapping[str, Any], fields: Mapping[str, str]) -> Identity:
        found = super().identify(credential, fields)
        return replace(found, name=":".join(credential["name"].split(":")[:4])) if found.kind == "ip" else found


class AgentsAreUsers(Reference):
    """An agent has the free plan's limit, as a user whose token names no plan."""

    kills = "P03"

    def plan_of(self, credential: Mapping[str, Any], fields: Mapping[str, str]) -> str:
        return "free" if credential["kind"] == "agent" else super().plan_of(credential, fields)


class UnservedFree(Reference):
    """What no path answers does not count."""

    kills = "P03"

    def counts(self, status: int) -> bool:
        return super().counts(status) and status != 404


MUTANTS = [
    LimitPerInstance,
    OneTooMany,
    OneTooFew,
    PlanFromHeader,
    SharedWindow,
    EveryAddressAlone,
    NotModifiedFree,
    ErrorsFree,
    KindsShare,
    NamesFolded,
    LongNamesCut,
    ForgetfulStore,
    IdentityFromHeader,
    AddressCutAsText,
    AgentsAreUsers,
    UnservedFree,
]
