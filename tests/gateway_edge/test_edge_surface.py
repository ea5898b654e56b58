"""One offer, the catalogue and providers' health over the wire, also with providers that are not well."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from gatespec.clock import now_ns, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gateway_edge.edge_wire import Instance, Upstream

LIST = "/api/v2/providers"
CATALOG, HEALTH = f"{LIST}/catalog", f"{LIST}/health"
SOON_MS = 10_000
KNOWN, UNKNOWN = "a5d64f2de679a88a", "0" * 16
"""Ids of the one offer that lambda has, and of none."""

pytestmark = pytest.mark.usefixtures("upstream")


@pytest.mark.parametrize("name", [
    UNKNOWN, "0" * 15, "0" * 17, KNOWN.upper(), "nonsense", "catalogue", "a5d64f2de679a88g", "%00", "..%2f..%2fetc",
    "a" * 4000,
    f"{KNOWN}/", f"{KNOWN}/x", f"{KNOWN}%0a", "\u00e9".encode().hex(),
])  # fmt: skip # hostile names, by kind
def test_an_offer_that_there_is_not_is_404(gateway: Instance, name: str) -> None:
    reply = gateway.ask(f"{LIST}/{name}")
    assert (reply.status, reply.json["code"]) == (404, "not-found")


@pytest.mark.parametrize("path", [CATALOG, f"{LIST}/{KNOWN}"])
def test_what_takes_no_parameters_names_the_first(gateway: Instance, path: str) -> None:
    assert gateway.ask(path).status == 200
    reply = gateway.ask(f"{path}?limit=5")
    assert (reply.status, reply.json["code"], reply.json["field"]) == (422, "parameter-unknown", "limit")


def test_one_offer_of_a_failing_provider_is_its_last_known(start: Callable[..., Instance], upstream: Upstream) -> None:
    instance = start(GATEWAY_TTL_PRICING_S="0.2", GATEWAY_UPSTREAM_TIMEOUT_S="1", GATEWAY_RATE_FREE="100000")
    assert "warnings" not in instance.ask(f"{LIST}/{KNOWN}").json
    upstream.says(status=500)
    assert until(lambda: "warnings" in instance.ask(f"{LIST}/{KNOWN}").json, at_most_ms=SOON_MS)
    stale = instance.ask(f"{LIST}/{KNOWN}")
    assert [(w["code"], w["provider"]) for w in stale.json["warnings"]] == [("stale", "lambda")]
    assert re.fullmatch(r"l2; hit; ttl=(0|-\d+)", stale.headers["cache-status"])
    assert instance.ask(f"{LIST}/{UNKNOWN}").status == 404, "all that is known of every provider does not have it"


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [({"status": 500}, 503, "providers-unavailable"), ({"held": True}, 504, "providers-timeout")],
)
def test_an_offer_that_only_an_unknown_provider_can_have_is_no_404(
    start: Callable[..., Instance], upstream: Upstream, said: dict[str, Any], status: int, code: str
) -> None:
    instance = start(GATEWAY_UPSTREAM_TIMEOUT_S="0.3", GATEWAY_RATE_FREE="100000")
    assert instance.offers("?provider=lambda").status == 200
    upstream.says(**said)
    assert instance.ask(f"{LIST}/{KNOWN}").status == 200
    reply = instance.ask(f"{LIST}/{UNKNOWN}")
    assert (reply.status, reply.json["code"]) == (status, code)
    upstream.says()
    assert instance.ask(f"{LIST}/{UNKNOWN}").status == 404


def test_the_catalogue_outlives_the_lists_and_is_refreshed(start: Callable[..., Instance], upstream: Upstream) -> None:
    """It needs no newer lists for 3 s, though they are good for 0.2 s; then it is made anew."""
    instance = start(GATEWAY_TTL_PRICING_S="0.2", GATEWAY_TTL_STATIC_S="3", GATEWAY_RATE_FREE="100000")
    assert instance.ask(CATALOG).json["total"] == 2
    upstream.says(count=3)
    before = upstream.calls
    assert until(lambda: instance.offers("?limit=1").json["total"] == 6, at_most_ms=SOON_MS)
    assert upstream.calls > before
    calls, reply = upstream.calls, instance.ask(CATALOG)
    if reply.json["total"] == 2:
        assert re.fullmatch(r"l2; hit; ttl=[0-2]", reply.headers["cache-status"])
        assert upstream.calls == calls
    assert until(lambda: instance.ask(CATALOG).json["total"] == 6, at_most_ms=SOON_MS)


def test_the_catalogue_of_failing_providers_is_marked(start: Callable[..., Instance], upstream: Upstream) -> None:
    instance = start(GATEWAY_TTL_PRICING_S="0.2", GATEWAY_TTL_STATIC_S="0.4", GATEWAY_RATE_FREE="100000")
    fresh = instance.ask(CATALOG)
    assert fresh.headers["cache-status"].endswith("l2; fwd=miss; stored")
    assert fresh.json["warnings"] == []
    assert [(row["name"], row["total"]) for row in fresh.json["gpu_models"]] == [("A10", 2)]
    upstream.says(status=500)
    assert until(lambda: instance.ask(CATALOG).json["warnings"] != [], at_most_ms=SOON_MS)
    stale = instance.ask(CATALOG)
    assert {warning["code"] for warning in stale.json["warnings"]} == {"stale"}
    assert stale.json["total"] == 2
    assert re.fullmatch(r"l2; hit; ttl=(0|-\d+)", stale.headers["cache-status"])


def test_the_catalogue_is_derived_from_lists_that_are_known(start: Callable[..., Instance], upstream: Upstream) -> None:
    """Also from those that have expired as lists."""
    instance = start(GATEWAY_TTL_PRICING_S="0.2", GATEWAY_RATE_FREE="100000")
    instance.offers("?limit=1")
    read_ns = now_ns()
    assert until(lambda: now_ns() - read_ns > 300_000_000, at_most_ms=SOON_MS)
    before = upstream.calls
    assert instance.ask(CATALOG).json["total"] == 2
    assert upstream.calls == before


def test_health_tells_of_every_provider_and_endpoint(start: Callable[..., Instance], upstream: Upstream) -> None:
    instance = start(GATEWAY_TTL_PRICING_S="0", GATEWAY_STALE_S="0", GATEWAY_RATE_FREE="100000")
    before = instance.ask(HEALTH)
    assert before.json["status"] == "ok"
    assert [(row["name"], row["health"], row["last_check"]) for row in before.json["providers"]] == [
        ("lambda", "unknown", None),
        ("lambda-02", "unknown", None),
    ]
    assert "ratelimit" not in before.headers
    upstream.says(delay_s=0.2)
    instance.offers("?provider=lambda")
    well = instance.ask(HEALTH).json["providers"][0]
    assert (well["health"], well["breaker"], well["last_outcome"]) == ("ok", "closed", "ok")
    assert 200 <= well["latency_ms"] < 5000
    assert well["endpoints"][0]["url"] == f"{upstream.url}/lambda"
    assert well["endpoints"][0]["weight"] == 1
    upstream.says(status=500)
    instance.offers("?provider=lambda")
    failing = instance.ask(HEALTH)
    assert (failing.json["status"], failing.json["providers"][0]["health"]) == ("degraded", "failing")
    assert failing.json["providers"][0]["endpoints"][0]["last_outcome"] == "status"
    assert failing.json["providers"][0]["last_check"] > well["last_check"]
    assert failing.json["providers"][1]["health"] == "unknown"


def test_health_has_a_tag(gateway: Instance) -> None:
    first = gateway.ask(HEALTH)
    again = gateway.ask(HEALTH, {"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
