"""What happened beside a story's requests, in lines for a person: what was done to the stage, what providers saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatespec.history import Example
    from gatespec.read_ports import Disturbance, UpstreamCall


def timeline(example: Example) -> tuple[str, ...]:
    """One line each, in the order begun, in ms since the story's first request; empty where nothing else happened."""
    moments: list[tuple[int, int | None, str]] = [(d.began_ms, d.done_ms, _done(d)) for d in example.disturbances]
    moments += [(c.began_ms, c.ended_ms, _seen(c)) for c in example.calls]
    start = story_began_ms(example)
    return tuple(f"{_when(began, ended, start)}  {what}" for began, ended, what in sorted(moments, key=lambda m: m[0]))


def story_began_ms(example: Example) -> int:
    """When its first request was sent; where none was, when the first other thing began."""
    sent = [exchange.span.sent_ms for exchange in example.exchanges]
    others = [*(d.began_ms for d in example.disturbances), *(c.began_ms for c in example.calls)]
    return min(sent or others, default=0)


def _when(began_ms: int, ended_ms: int | None, start_ms: int) -> str:
    return f"{began_ms - start_ms}-{'' if ended_ms is None else ended_ms - start_ms} ms"


def _done(disturbance: Disturbance) -> str:
    whom, how = disturbance.whom, disturbance.how
    bit = "" if disturbance.bit is None else f", after {disturbance.bit} marks of what it was"
    said = {
        "store": f"Redis: {how}{bit}",
        "life": f"instance {whom}: {how}",
        "invalidate": f"provider {whom} invalidated at instance {how}",
    }
    return said.get(disturbance.what, f"{disturbance.what} {whom}: {how}")


def _seen(call: UpstreamCall) -> str:
    return f"call {call.serial} of {call.provider}: {call.outcome}"
