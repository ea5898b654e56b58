"""The list of offers over the wire: bytes, tags, cache, and what is shown when the provider is not well."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

import pytest

from gatespec.clock import until
from tests.gateway_edge.conftest import HOUSE_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gateway_edge.edge_wire import Instance, Reply, Upstream

SOON_MS = 10_000
MADE = r"l1; fwd=(miss|stale); stored, l2; fwd=(miss|stale); stored"

pytestmark = pytest.mark.usefixtures("upstream")


def prices(reply: Reply) -> set[float]:
    return {item["price_per_hour"] for item in reply.json["items"]}


def test_a_list_is_read_once_and_sent_many_times(gateway: Instance, upstream: Upstream) -> None:
    first = gateway.offers("?sort=score")
    before = upstream.calls
    second = gateway.offers("?sort=score")
    assert (first.status, second.status) == (200, 200)
    assert re.fullmatch(rf"l2; hit; ttl=\d+|{MADE}", first.headers["cache-status"])
    assert re.fullmatch(r"l2; hit; ttl=[1-5]?\d|l2; hit; ttl=60", second.headers["cache-status"])
    assert first.body == second.body
    assert upstream.calls == before
    assert first.json["total"] == 2
    assert upstream.credentials == {f"Bearer {HOUSE_KEY}"}


def test_two_spellings_of_one_query_share_one_entry(gateway: Instance) -> None:
    first = gateway.offers("?min_price=0.50&provider=lambda")
    second = gateway.offers("?provider=lambda&min_price=0.5")
    assert "hit" in second.headers["cache-status"]
    assert first.headers["etag"] == second.headers["etag"]
    assert gateway.offers("?provider=lambda&min_price=0.5").body == first.body


def test_a_known_etag_gets_304_without_body(gateway: Instance) -> None:
    etag = gateway.offers().headers["etag"]
    for sent in (etag, f'"other", {etag}', "*", etag.removeprefix("W/")):
        known = gateway.offers(headers={"If-None-Match": sent})
        assert (known.status, known.body) == (304, b"")
        assert known.headers["etag"] == etag
        assert "ratelimit" in known.headers
    assert gateway.offers(headers={"If-None-Match": 'W/"other"'}).status == 200


def test_head_is_get_without_its_body(gateway: Instance) -> None:
    for query in ("", "?sort=-performance", "?sort=nonsense"):
        head, get = gateway.offers(query, method="HEAD"), gateway.offers(query)
        assert (head.status, head.body) == (get.status, b"")
        assert head.headers["content-length"] == str(len(get.body))


def test_a_provider_that_there_is_not_has_no_offers(gateway: Instance) -> None:
    reply = gateway.offers("?provider=nobody")
    assert (reply.status, reply.json["items"], reply.json["warnings"]) == (200, [], [])


def test_concurrent_reads_of_an_expired_list_make_one_call(short_lived: Instance, upstream: Upstream) -> None:
    short_lived.offers("?provider=lambda")
    assert until(lambda: "fwd=" in short_lived.offers("?provider=lambda").headers["cache-status"], at_most_ms=SOON_MS)
    upstream.says(cents=99, delay_s=0.5)
    assert until(lambda: _age_out(short_lived), at_most_ms=SOON_MS)
    before, replies = upstream.calls, []
    readers = [
        threading.Thread(target=lambda: replies.append(short_lived.offers("?provider=lambda"))) for _ in range(8)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert upstream.calls - before == 1
    assert [prices(reply) for reply in replies] == [{0.99}] * 8


def _age_out(instance: Instance) -> bool:
    """Wait until the list expired more than its TTL ago, so that nobody is shown it meanwhile: it lives 0.2 s."""
    threading.Event().wait(0.5)
    return instance.process.poll() is None


def test_a_failing_provider_is_shown_as_last_known(short_lived: Instance, upstream: Upstream) -> None:
    upstream.says(cents=120)
    assert until(lambda: prices(short_lived.offers("?provider=lambda")) == {1.2}, at_most_ms=SOON_MS)
    upstream.says(status=500)
    assert until(lambda: short_lived.offers("?provider=lambda").json["warnings"] != [], at_most_ms=SOON_MS)
    stale = short_lived.offers("?provider=lambda")
    assert (stale.status, prices(stale)) == (200, {1.2})
    assert [(warning["code"], warning["provider"]) for warning in stale.json["warnings"]] == [("stale", "lambda")]
    assert stale.json["warnings"][0]["as_of"] == stale.json["as_of"]
    assert re.fullmatch(r"l2; hit; ttl=(0|-\d+)", stale.headers["cache-status"])
    health = until(lambda: short_lived.ask("/health").json["status"] == "degraded", at_most_ms=SOON_MS)
    assert health
    upstream.says(cents=130)
    assert until(lambda: prices(short_lived.offers("?provider=lambda")) == {1.3}, at_most_ms=SOON_MS)
    assert until(lambda: short_lived.ask("/health").json["status"] == "ok", at_most_ms=SOON_MS)


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [({"status": 500}, 503, "providers-unavailable"), ({"delay_s": 5.0}, 504, "providers-timeout")],
)
def test_with_nothing_known_a_failure_is_a_problem(
    start: Callable[..., Instance], upstream: Upstream, said: dict[str, Any], status: int, code: str
) -> None:
    fresh = start(GATEWAY_UPSTREAM_TIMEOUT_S="0.5", GATEWAY_RATE_FREE="100000")
    upstream.says(**said)
    reply = fresh.offers("?provider=lambda-02")
    assert (reply.status, reply.json["code"]) == (status, code)
    assert reply.headers["cache-status"] == "l1; fwd=miss, l2; fwd=miss"
    assert ("retry-after" in reply.headers) == (status == 503)
    assert reply.headers["ratelimit"].startswith('"free";r=99')
    upstream.says()
    assert fresh.offers("?provider=lambda-02").status == 200
    upstream.says(status=500)
    half = fresh.offers()
    assert (half.status, half.json["total"]) == (200, 1)
    assert [(warning["code"], warning["as_of"]) for warning in half.json["warnings"]] == [("unavailable", None)]
    assert "stored" not in half.headers["cache-status"]
