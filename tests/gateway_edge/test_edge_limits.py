"""What counts for the limit, for whom, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from gatespec.clock import MonotonicClock, until
from reference_gateway.edge import api_keys
from tests.gateway_edge.edge_wire import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gateway_edge.edge_wire import Instance, Signing

REVOKED_MS = 5000
LIMIT = 50

pytestmark = pytest.mark.usefixtures("upstream")


@pytest.mark.parametrize(
    "asked",
    [
        ("GET", "/api/v2/providers", 200),
        ("HEAD", "/api/v2/providers", 200),
        ("GET", "/api/v2/providers?sort=score", 200),
        ("GET", "/api/v2/providers?sort=nonsense", 422),
        ("POST", "/api/v2/providers", 405),
        ("DELETE", "/api/v2/openapi.json", 405),
        ("GET", "/api/v2/openapi.json", 200),
        ("GET", "/api/v2/nothing", 404),
        ("GET", "/api/", 404),
        ("GET", "/%61pi/v2/nothing", 404),
        ("GET", "/api/v2/providers?" + "a" * 9000, 414),
    ],
)
def test_everything_under_api_counts_once(
    slow_window: Instance, signing: Signing, subject: str, asked: tuple[str, str, int]
) -> None:
    method, path, status = asked
    headers = signing.bearer(sub=subject)
    for already in range(2):
        reply = slow_window.ask(path, headers, method)
        assert reply.status == status
        assert reply.headers["ratelimit-policy"] == f'"enterprise";q={LIMIT};w=600'
        assert reply.remaining == LIMIT - 1 - already


def test_a_304_counts(slow_window: Instance, signing: Signing, subject: str) -> None:
    headers = signing.bearer(sub=subject)
    etag = slow_window.offers(headers=headers).headers["etag"]
    known = slow_window.offers(headers={**headers, "If-None-Match": etag})
    assert (known.status, known.remaining) == (304, LIMIT - 2)


@pytest.mark.parametrize(
    "path", ["/health", "/health/live", "/health/ready", "/metrics", "/.well-known/jwks.json", "/", "/api"]
)
def test_what_is_beside_the_api_does_not_count(
    slow_window: Instance, signing: Signing, subject: str, path: str
) -> None:
    reply = slow_window.ask(path, signing.bearer(sub=subject))
    assert "ratelimit" not in reply.headers
    assert slow_window.offers(headers=signing.bearer(sub=subject)).remaining == LIMIT - 1


def test_a_401_counts_for_the_address(slow_window: Instance, address: dict[str, str]) -> None:
    refused = [slow_window.offers(headers={**address, "Authorization": "Bearer x"}) for _ in range(5)]
    assert [(reply.status, reply.remaining) for reply in refused] == [(401, left) for left in (4, 3, 2, 1, 0)]
    assert {reply.headers["www-authenticate"] for reply in refused} == {'Bearer realm="gateway"'}
    over = slow_window.offers(headers={**address, "Authorization": "Bearer x"})
    assert (over.status, over.json["code"]) == (429, "rate-limited")
    assert int(over.headers["retry-after"]) >= 1
    assert slow_window.offers(headers=address).status == 429


def test_the_plan_is_that_of_the_identity(
    slow_window: Instance, signing: Signing, subject: str, address: dict[str, str]
) -> None:
    anonymous = slow_window.offers(headers={**address, "X-Plan": "enterprise"})
    assert anonymous.headers["ratelimit-policy"].startswith('"free"')
    agent = slow_window.offers(headers=signing.bearer(sub=subject, typ="agent", plan=None))
    assert agent.headers["ratelimit-policy"].startswith('"enterprise"')


def test_addresses_of_one_64_are_one_identity(slow_window: Instance) -> None:
    def left(forwarded: str) -> int:
        return slow_window.offers(headers={"X-Forwarded-For": forwarded}).remaining

    assert left("2001:db8:1:2::1") == 4
    assert left("2001:db8:1:2:ffff::9") == 3
    assert left("2001:db8:1:3::1") == 4
    assert left("9.9.9.9, 2001:db8:1:2::7") == 2
    assert left("::ffff:198.51.100.7") == 4
    assert left("198.51.100.7") == 3


def test_who_is_no_trusted_proxy_speaks_for_nobody(start: Callable[..., Instance]) -> None:
    lone = start(GATEWAY_TRUSTED_PROXIES="", GATEWAY_RATE_WINDOW_S="600")
    said = [lone.offers(headers={"X-Forwarded-For": f"203.0.113.{n}"}).remaining for n in range(3)]
    assert said == [9, 8, 7]


def test_a_key_has_its_plan_and_its_revocation_is_seen_within_5_s(
    gateway: Instance, environment: dict[str, str], new_key: Callable[..., dict[str, str]]
) -> None:
    made = new_key("pro")
    headers = {"X-API-Key": made["api_key"]}
    assert set(made) == {"user_id", "plan", "api_key"}
    reply = gateway.offers(headers=headers)
    assert (reply.status, reply.headers["ratelimit-policy"]) == (200, '"pro";q=100;w=1')
    with psycopg.connect(environment["GATEWAY_DATABASE_URL"], autocommit=True) as database:
        database.execute("UPDATE store_apikey SET revoked_at = now() WHERE id = %s", (made["api_key"].split("_")[1],))
    clock = MonotonicClock()
    revoked_ms = clock.now_ms()
    assert until(lambda: gateway.offers(headers=headers).status == 401, at_most_ms=2 * REVOKED_MS)
    assert clock.now_ms() - revoked_ms <= REVOKED_MS
    assert gateway.offers(headers=headers).json["code"] == "key-invalid"


def test_the_secret_of_a_key_is_stored_nowhere(
    environment: dict[str, str], new_key: Callable[..., dict[str, str]]
) -> None:
    key = new_key()["api_key"]
    with psycopg.connect(environment["GATEWAY_DATABASE_URL"]) as database:
        rows = database.execute("SELECT * FROM store_apikey WHERE id = %s", (key.split("_")[1],)).fetchall()
    assert len(rows) == 1
    assert key.split("_", 2)[2] not in repr(rows)


def test_a_new_key_does_not_show_itself() -> None:
    key = api_keys.new_key()
    assert key.text.split("_", 2)[2] not in repr(key)


def test_users_come_by_the_dozen(environment: dict[str, str]) -> None:
    made = run("users", "create", "--plan", "enterprise", "--count", "12", environment=environment)
    assert (made.returncode, len(set(made.stdout.splitlines())), made.stderr) == (0, 12, "")
    assert run("users", "create", "--plan", "gold", environment=environment).returncode == 2
    assert run("users", "create", "--count", "0", environment=environment).returncode == 2


def test_without_postgresql_a_key_gets_503_and_offers_are_served(
    unreached: Instance, address: dict[str, str], signing: Signing
) -> None:
    key = {"X-API-Key": "gk_0123456789abcdef_" + "A" * 43}
    refused = unreached.offers(headers={**address, **key})
    assert (refused.status, refused.json["code"], refused.headers["retry-after"]) == (503, "database-unavailable", "1")
    assert (refused.headers["ratelimit-policy"], refused.remaining) == ('"free";q=3;w=600', 2)
    assert unreached.offers(headers={**address, "X-API-Key": "nonsense"}).status == 401
    assert unreached.offers(headers=signing.bearer()).status == 200
    assert unreached.ask("/health/ready").status == 200
    health = unreached.ask("/health").json
    assert (health["status"], health["dependencies"]["postgresql"], health["dependencies"]["redis"]) == (
        "degraded",
        "away",
        "away",
    )
    assert unreached.metric('gateway_limiter_mode{mode="local"}') == 1.0
    assert "hidden-word" not in unreached.log.read_text()
