"""Running gateways: which credential came to a provider for whom, and what is seen of it anywhere else."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from redis import Redis

from gatespec.clock import until
from reference_gateway.core.credentials.paths import user_path
from tests.gateway_edge.edge_wire import run
from tests.gateway_owners.conftest import FLEET_DATABASE
from tests.gateway_owners.fleet import HOUSE_KEY, SOON_MS, presented, warnings

if TYPE_CHECKING:
    from gatespec.stack.redis import RedisServer
    from gatespec.stack.vault import VaultServer
    from tests.gateway_owners.fleet import Fleet

ANN, BOB = "ann's-own-key-that-nobody-shall-see", "bob's-own-key-that-nobody-shall-see"
READERS = ("ann", "bob", "carl", None)
ROUNDS = 12


def test_everybody_is_shown_what_his_own_credential_reads_whoever_else_asks(fleet: Fleet) -> None:
    provider = fleet.provider(ANN, BOB)
    fleet.entrust("ann", provider, ANN)
    fleet.entrust("bob", provider, BOB)
    asked = [(user, n % 2) for n in range(ROUNDS) for user in READERS]
    with ThreadPoolExecutor(8) as crowd:
        replies = list(crowd.map(lambda who: fleet.read(provider, *who), asked))
    shown = [(user, fleet.credential_of(reply, provider)) for (user, _), reply in zip(asked, replies, strict=True)]
    own = {"ann": ANN, "bob": BOB}
    assert set(shown) == {(user, own.get(user or "", HOUSE_KEY)) for user in READERS}
    assert all(reply.status == 200 for reply in replies)
    by_key = {key: [c for c in fleet.calls(provider) if presented(c) == key] for key in (ANN, BOB, HOUSE_KEY)}
    for calls in by_key.values():
        spans = sorted((call.began_ms, call.ended_ms or 0) for call in calls)
        assert all(end <= begin for (_, end), (begin, _) in pairwise(spans)), "one flight a key"


def test_who_is_known_by_a_key_reads_as_its_user(fleet: Fleet, settings: dict[str, str]) -> None:
    made = json.loads(run("users", "create", environment=settings).stdout)
    provider = fleet.provider(ANN)
    fleet.entrust(made["user_id"], provider, ANN)
    reply = fleet.instances[0].offers(f"?provider={provider}", {"X-API-Key": made["api_key"]})
    assert fleet.credential_of(reply, provider) == ANN
    assert fleet.read_with(provider, made["user_id"], 1) == ANN, "and so do his tokens"
    assert fleet.read_with(provider) == HOUSE_KEY


@pytest.mark.parametrize("kind", ["agent", "service"])
def test_an_agent_or_a_service_of_the_same_name_reads_with_the_house(fleet: Fleet, kind: str) -> None:
    provider = fleet.provider(ANN)
    fleet.entrust("ann", provider, ANN)
    headers = fleet.signing.bearer(sub="ann", typ=kind)
    assert fleet.credential_of(fleet.instances[0].offers(f"?provider={provider}", headers), provider) == HOUSE_KEY


@pytest.mark.parametrize("user", ["a b", "a/b", "..", "{ann}", "ü%20#?", "x" * 200])
def test_whatever_he_is_called(fleet: Fleet, user: str) -> None:
    provider = fleet.provider(ANN)
    fleet.vault.put(user_path(user, provider), {"api_key": ANN})
    assert [fleet.read_with(provider, user, n) for n in (0, 1)] == [ANN, ANN]
    assert fleet.read_with(provider) == HOUSE_KEY


def test_a_withdrawn_credential_is_used_no_more_within_a_refresh(fleet: Fleet) -> None:
    provider = fleet.provider(ANN)
    fleet.entrust("dora", provider, ANN)
    assert fleet.read_with(provider, "dora") == ANN
    fleet.vault.delete(f"users/dora/providers/{provider}")
    for number in (0, 1):
        assert until(lambda n=number: fleet.read_with(provider, "dora", n) == HOUSE_KEY, at_most_ms=SOON_MS)  # type: ignore[misc] # bound


def test_a_rotated_one_is_used_within_a_refresh_though_the_old_is_still_good(fleet: Fleet) -> None:
    provider = fleet.provider(ANN, BOB)
    fleet.entrust("emil", provider, ANN)
    assert fleet.read_with(provider, "emil") == ANN
    fleet.entrust("emil", provider, BOB)
    for number in (0, 1):
        assert until(lambda n=number: fleet.read_with(provider, "emil", n) == BOB, at_most_ms=SOON_MS)  # type: ignore[misc] # bound


def test_a_refused_one_is_its_owners_affair_alone(fleet: Fleet) -> None:
    provider = fleet.provider()
    fleet.entrust("fay", provider, ANN)
    assert fleet.read_with(provider) == HOUSE_KEY
    for number in range(30):
        assert fleet.read(provider, "fay", number % 2).status == 503
    for number in (0, 1):
        told = fleet.health(provider, number)
        assert (told["breaker"], told["failures"], told["health"]) == ("closed", 0, "ok")
        assert told["last_outcome"] in {"ok", None}, "the other instance has called for the house, or nobody has"
        assert warnings(fleet.read(provider, None, number)) == []
    assert ANN in {presented(call) for call in fleet.calls(provider)}


def test_his_pages_lead_on_for_him_alone(fleet: Fleet) -> None:
    first, second = fleet.provider(ANN), fleet.provider(ANN)
    fleet.entrust("gil", first, ANN)
    query = f"&provider={second}&limit=1"
    cursor = fleet.read(first, "gil", 0, query).json["next_cursor"]
    further = f"{query}&cursor={cursor}"
    assert fleet.read(first, "gil", 1, further).status == 200
    for other in ("hal", None):
        refused = fleet.read(first, other, 1, further)
        assert (refused.status, refused.json["code"]) == (422, "cursor-mismatch")


def test_a_stranger_reads_with_the_house_while_vault_is_sealed_and_is_told(
    fleet: Fleet, vault_server: VaultServer
) -> None:
    provider = fleet.provider(ANN)
    fleet.entrust("ida", provider, ANN)
    assert fleet.read_with(provider) == HOUSE_KEY
    vault_server.seal()
    try:
        reply = fleet.read(provider, "ida")
        assert (reply.status, fleet.credential_of(reply, provider)) == (200, HOUSE_KEY)
        assert warnings(reply) == ["no-credential"]
        assert warnings(fleet.read(provider)) == []
    finally:
        vault_server.unseal()
    assert until(lambda: fleet.read_with(provider, "ida") == ANN, at_most_ms=SOON_MS)


def test_no_name_and_no_credential_is_seen_from_outside(fleet: Fleet, redis_server: RedisServer) -> None:
    provider = fleet.provider(ANN)
    fleet.entrust("somebody-by-name", provider, ANN)
    reply = fleet.read(provider, "somebody-by-name")
    assert fleet.credential_of(reply, provider) == ANN
    pages = [fleet.instances[0].ask(path).body for path in ("/api/v2/providers/health", "/health", "/metrics")]
    logs = [instance.log.read_bytes() for instance in fleet.instances]
    with Redis.from_url(redis_server.url(FLEET_DATABASE)) as redis:
        stored = [key + redis.dump(key) for key in redis.scan_iter()]
    everything = [reply.body, json.dumps(dict(reply.headers)).encode(), *pages, *logs, *stored]
    for secret in (ANN, BOB, HOUSE_KEY):
        assert not [text for text in everything if secret.encode() in text]
    assert not [text for text in [*pages, *logs] if b"somebody-by-name" in text]
