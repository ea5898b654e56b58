"""Who asks in a contract run: every kind of identity, and what the document lets each ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from gatespec.drivers.http_reads import OPERATOR
from gatespec.identities import Signer
from gatespec.ports import Identity, Untestable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatespec.contract.document import Operation
    from gatespec.drivers.people import People
    from gatespec.ports import Kind, Plan
    from gatespec.stack.lane import Lane

OPERATE: Final = "operate"


@dataclass(frozen=True)
class Caller:
    """Somebody with a name that a report may say."""

    role: str
    """`anonymous`, `user-pro`, `key`, `service`, `operator`, `agent`."""
    identity: Identity
    typ: str
    """Of the token: empty for who has none."""
    scopes: frozenset[str] = frozenset()

    def may_ask(self, operation: Operation) -> bool:
        """Whether the document lets it: any of its requirements is enough."""
        return any(self._meets(scheme_roles) for scheme_roles in operation.security)

    def _meets(self, needed: object) -> bool:
        schemes = cast("dict[str, tuple[str, ...]]", needed)
        return all(self._has(scheme, roles) for scheme, roles in schemes.items())

    def _has(self, scheme: str, roles: tuple[str, ...]) -> bool:
        if scheme == "apiKey":
            return self.role == "key"
        if not self.typ or self.role == "key":
            return False
        return not roles or (roles[0] == self.typ and set(roles[1:]) <= self.scopes)


ASKING: Final[tuple[tuple[str, Kind, Plan], ...]] = (
    ("anonymous", "ip", "free"),
    ("user-enterprise", "user", "enterprise"),
    ("user-pro", "user", "pro"),
    ("user-free", "user", "free"),
    ("key", "key", "pro"),
    ("service", "service", "enterprise"),
    ("agent", "agent", "enterprise"),
)


def callers(lane: Lane, people: People) -> tuple[list[Caller], list[str]]:
    """Return everybody whom this door can bring, and the roles that it cannot."""
    found, missing = list(_operator(lane)), []
    for role, kind, plan in ASKING:
        try:
            identity, _ = people.fresh(kind, plan, 0)
        except Untestable as untestable:
            missing.append(f"{role}: {untestable}")
        else:
            found.append(Caller(role, identity, "" if kind == "ip" else "user" if kind == "key" else kind))
    return found, missing


def _operator(lane: Lane) -> Iterator[Caller]:
    key = lane.signing
    if key is not None:
        told = lane.secrets.canaries.add_token if lane.secrets else None
        token = Signer(key.private_key_file, key.issuer, key.audience, told).token(
            "service", OPERATOR, "enterprise", scope=OPERATE
        )
        who = Identity("service", OPERATOR, "enterprise", (("Authorization", f"Bearer {token}"),))
        yield Caller("operator", who, "service", frozenset({OPERATE}))
