"""Before anything is judged on the wire: whether this door is open to the judge, and something stands behind it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from gatespec.clock import until
from gatespec.engine.crowd import PATH
from gatespec.errors import unable
from gatespec.ports import Exchange, Identity, Request, Untestable

if TYPE_CHECKING:
    from gatespec.ports import Gateway, Kind, Plan

ANYBODY: tuple[tuple[Kind, Plan], ...] = (("user", "free"), ("key", "free"), ("user", "pro"), ("ip", "free"))
"""Who is sent ahead: the first of them whom the door has."""
OK = 200
UNAUTHORISED = (401, 403)
ABSENT = (None, 404, 501)
NOT_YET = (503, 504)
SERVES_MS = 5_000
"""How long a gateway may take to its first offers: where times are shortened, its very first call may exceed its
time-out on a busy machine."""


def absence(gateway: Gateway, provider: str | None = None) -> str | None:
    """Say what a gateway that claims `core` does not serve; None where it serves.

    With `provider` it is asked for that one's offers alone: where hundreds are declared, the whole list is no first
    question.

    Raises `unable` where it refuses a credential that should be valid, or serves nothing at the moment: then no answer
    that follows would say anything of its limits, breakers or caches.
    """
    path = f"{PATH}?provider={provider}" if provider else PATH
    for instance in range(gateway.instances):
        said = _served(gateway, instance, path)
        if said.status in ABSENT:
            answered = "nothing" if said.status is None else str(said.status)
            return f"it claims core, but GET {PATH} on instance {instance} is answered {answered}"
        if said.status != OK:
            raise _closed(said)
    return None


def _served(gateway: Gateway, instance: int, path: str) -> Exchange:
    """The first answer that is not of a gateway which does not reach its providers yet, or the last."""
    heard: list[Exchange] = []

    def answers() -> bool:
        heard.extend(gateway.play([Request(_somebody(gateway), instance, path=path)]))
        return heard[-1].status not in NOT_YET

    until(answers, at_most_ms=SERVES_MS)
    return heard[-1]


def _somebody(gateway: Gateway) -> Identity:
    for kind, plan in ANYBODY:
        with suppress(Untestable):
            return gateway.fresh(kind, plan)
    raise Untestable("the door has nobody who could ask")


def _closed(said: Exchange) -> Exception:
    who = said.request.identity
    tried = f"GET {PATH} as {who.id} with plan {who.plan}; it said {said.status}: {said.body[:200]!r}"
    if said.status in UNAUTHORISED:
        hint = "a started gateway must trust GATEWAY_JWT_PUBLIC_KEY_FILE, _ISSUER and _AUDIENCE; look at [settings]"
        return unable(
            "credential-refused", "the gateway refuses a credential that should be valid", tried=tried, hint=hint
        )
    hint = "look at its log and at /health: does it reach its providers, its Redis?"
    return unable("target-not-serving", "the gateway is ready, but serves no offers", tried=tried, hint=hint)
