"""Right gateways that say the same in other words."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from tests.engine.little_reads import LittleReads

if TYPE_CHECKING:
    from gatespec.read_ports import Asked
    from tests.engine.little_parts import Entry, Instance
    from tests.engine.virtual_tasks import Task


class SaysLittle(LittleReads):
    """Cache-Status has no `ttl`; Retry-After is longer, warnings stand in another order, moments are told with a Z."""

    lives = ("P01", "P02", "P10", "P20")

    def member(self, tier: str, entry: Entry) -> str:
        del entry
        return f"{tier}; hit"

    def say(self, asked: Asked, status: int, body: Any, **fields: str) -> None:  # noqa: ANN401 - JSON
        if fields.get("retry_after"):
            fields["retry_after"] = "5"
        if "warnings" in body:
            body["warnings"].reverse()
        super().say(asked, status, body, **fields)

    def moment(self, at_ms: int) -> str:
        return super().moment(at_ms).replace("+00:00", "Z")


class SaysMuch(LittleReads):
    """What is there and stale is named so, a tier passed over is named as well, and the wait is told as a date."""

    lives = ("P01", "P02", "P10", "P20")

    def look(self, instance: Instance, name: str) -> Task:
        mine = instance.l2.get(name)
        found, tiers = yield from super().look(instance, name)
        if tiers[-1] == "l2; fwd=miss; stored" and mine:
            tiers = (*tiers[:-1], "l2; fwd=stale; detail=expired")
        if found and not self.is_fresh(found):
            left = (self.expires(found) - self.now - 1) // 1000  # below 0 from the moment on at which it expires
            tiers = (f"l1; hit; ttl={left}" if not found.invalid else "l1; fwd=stale", "l2; fwd=stale")
        return found, (("l1; fwd=bypass", *tiers) if len(tiers) == 1 and "hit" not in tiers[0] else tiers)

    def member(self, tier: str, entry: Entry) -> str:
        return f'"{tier}"; hit; ttl={-((self.now - self.expires(entry)) // 1000)}'

    def moment(self, at_ms: int) -> str:
        return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")

    def say(self, asked: Asked, status: int, body: Any, **fields: str) -> None:  # noqa: ANN401 - JSON
        if fields.get("retry_after"):
            at = datetime.fromtimestamp(self.now // 1000 + 5, UTC)
            fields["retry_after"] = format_datetime(at, usegmt=True)
        super().say(asked, status, body, **fields)


class SaysWhyItIsStale(LittleReads):
    """Beside `stale` a second warning says what became of the call."""

    lives = ("P02", "P06", "P10", "P20")

    def say(self, asked: Asked, status: int, body: Any, **fields: str) -> None:  # noqa: ANN401 - JSON
        for warning in list(body.get("warnings", ())):
            if warning["code"] == "stale" and "items" in body:
                body["warnings"].append({**warning, "code": "unavailable"})
        super().say(asked, status, body, **fields)
