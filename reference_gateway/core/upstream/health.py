"""How providers and their endpoints are: what all instances know of them, and what this one saw last."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from reference_gateway.core.offer import Json, json_text, timestamp
from reference_gateway.core.upstream.watching import OK, Seen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from reference_gateway.core.upstream.calls import Called
    from reference_gateway.core.upstream.ports import EndpointState, Upstream
    from reference_gateway.core.upstream.watching import Memory

DIGITS = 3
"""Of a latency in ms."""


class About(NamedTuple):
    """All that is known of a provider."""

    called: Called
    urls: Sequence[str]
    known: Upstream
    """Shared by all instances."""
    memory: Memory
    """Of this instance."""


def health_body(providers: Sequence[About], now_ms: int) -> bytes:
    """Write the page as of now, by the wall clock: JSON, in UTF-8."""
    told = [_provider(about, now_ms) for about in providers]
    failing = any(each["health"] == "failing" for each in told)
    return json_text({"status": "degraded" if failing else OK, "providers": list(told)}).encode()


def _provider(about: About, now_ms: int) -> dict[str, Json]:
    called, known, memory = about.called, about.known, about.memory
    latencies = [each.latency_ms for each in known.endpoints if each.latency_ms is not None]
    endpoints = [_endpoint(about, place, now_ms) for place in range(len(about.urls))]
    checks = [_checked_ms(about, place, now_ms) for place in range(len(about.urls))]
    return {
        "name": called.name,
        "breaker": known.state,
        "calls": known.calls,
        "failures": known.failures,
        "held_s": Decimal(known.held_ms) / 1000,
        "in_flight": called.places.in_flight,
        "waiting": called.places.waiting,
        "health": _provider_health(known, memory),
        "latency_ms": _latency(sum(latencies) / len(latencies) if latencies else None),
        "last_check": _moment([*checks, memory.call.at_ms]),
        "last_outcome": memory.call.outcome,
        "endpoints": list(endpoints),
    }


def _provider_health(known: Upstream, memory: Memory) -> str:
    if known.state != "closed" or all(each.is_out for each in known.endpoints):
        return "failing"
    if memory.call.outcome is None:
        return "unknown" if all(_is_unknown(each) for each in known.endpoints) else OK
    return OK if memory.call.outcome == OK else "failing"


def _endpoint(about: About, place: int, now_ms: int) -> dict[str, Json]:
    endpoint = about.known.endpoints[place]
    balancer = about.called.balancer
    return {
        "url": about.urls[place],
        "weight": _number(about.called.terms.weights[place]),
        "effective_weight": _number(balancer.weights(about.known.endpoints)[place]),
        "health": _endpoint_health(endpoint),
        "latency_ms": _latency(endpoint.latency_ms),
        "last_check": _moment([_checked_ms(about, place, now_ms)]),
        "last_outcome": about.memory.endpoints.get(place, Seen()).outcome,
    }


def _endpoint_health(endpoint: EndpointState) -> str:
    if endpoint.is_out:
        return "out"
    if endpoint.is_slow:
        return "slow"
    return "unknown" if _is_unknown(endpoint) else OK


def _is_unknown(endpoint: EndpointState) -> bool:
    return endpoint.latency_ms is None and endpoint.checked_ago_ms is None


def _checked_ms(about: About, place: int, now_ms: int) -> int | None:
    """When an endpoint was last called by this instance, or probed by any."""
    probed_ago_ms = about.known.endpoints[place].checked_ago_ms
    probed_ms = None if probed_ago_ms is None else about.memory.steady(place, now_ms - probed_ago_ms)
    moments = (about.memory.endpoints.get(place, Seen()).at_ms, probed_ms)
    return max((each for each in moments if each is not None), default=None)


def _latency(mean_ms: float | None) -> Decimal | None:
    return None if mean_ms is None else Decimal(str(round(mean_ms, DIGITS)))


def _number(weight: Fraction) -> Decimal:
    return Decimal(weight.numerator) / Decimal(weight.denominator)


def _moment(moments: Sequence[int | None]) -> str | None:
    newest = max((each for each in moments if each is not None), default=None)
    return None if newest is None else timestamp(newest)
