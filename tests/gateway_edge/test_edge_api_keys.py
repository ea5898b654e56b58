"""API keys as their users make, list and revoke them, over two instances."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from gatespec.clock import until
from tests.gateway_edge.test_edge_openapi import check_operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gateway_edge.edge_wire import Instance, Reply, Signing

PATH = "/api/v2/auth/api-keys"
ONE = f"{PATH}/{{id}}"
REVOKED_MS = 5_000
KEYS_MAX = 100
_NUMBERS = count(1)

Who = dict[str, str]


class Keys:
    """Two instances, and somebody new whenever one is needed."""

    def __init__(self, pair: tuple[Instance, Instance], signing: Signing) -> None:
        self.pair = pair
        self.signing = signing

    def user(self, **claims: str) -> Who:
        return self.signing.bearer(sub=f"keeper-{next(_NUMBERS)}", **claims)

    def ask(self, method: str, who: Who, key_id: str = "", body: Any = None, at: int = 0) -> Reply:  # noqa: ANN401 - JSON
        path = f"{PATH}/{key_id}" if key_id else PATH
        sent = b"" if body is None else json.dumps(body).encode()
        reply = self.pair[at].ask(path, who, method, sent)
        check_operation(reply, ONE if key_id else PATH, method)
        return reply

    def make(self, who: Who, name: str = "nightly", at: int = 0) -> dict[str, Any]:
        reply = self.ask("POST", who, body={"name": name}, at=at)
        assert reply.status == 201, reply.body
        return reply.json

    def status(self, key: str, at: int) -> int:
        return self.pair[at].offers("/catalog", {"X-API-Key": key}).status


@pytest.fixture(scope="module")
def keys(start: Callable[..., Instance], signing: Signing) -> Keys:
    many = {"GATEWAY_RATE_FREE": "100000", "GATEWAY_RATE_PRO": "100000", "GATEWAY_RATE_ENTERPRISE": "100000"}
    return Keys((start(**many), start(**many)), signing)


@pytest.mark.usefixtures("upstream")
def test_a_key_is_shown_once_and_proves_its_user_everywhere(keys: Keys) -> None:
    who = keys.user(plan="pro")
    made = keys.make(who)
    assert (made["name"], made["plan"]) == ("nightly", "pro")
    assert [keys.status(made["api_key"], at) for at in (0, 1)] == [200, 200]
    listed = keys.ask("GET", who, at=1)
    assert listed.json["items"] == [{name: made[name] for name in ("id", "name", "created_at")}]
    assert made["api_key"].encode() not in listed.body


@pytest.mark.usefixtures("upstream")
def test_a_revoked_key_is_refused_everywhere(keys: Keys) -> None:
    who = keys.user()
    made, other = keys.make(who), keys.make(who, "other")
    assert [keys.status(made["api_key"], at) for at in (0, 1)] == [200, 200]
    assert keys.ask("DELETE", who, made["id"]).status == 204
    assert keys.status(made["api_key"], 0) == 401
    assert until(lambda: keys.status(made["api_key"], 1) == 401, at_most_ms=REVOKED_MS)
    assert keys.status(other["api_key"], 1) == 200
    assert [item["id"] for item in keys.ask("GET", who).json["items"]] == [other["id"]]
    assert keys.ask("DELETE", who, made["id"]).status == 404


def test_anothers_key_is_as_one_that_is_not_there(keys: Keys) -> None:
    owner, stranger = keys.user(), keys.user()
    made = keys.make(owner)
    replies = [keys.ask("DELETE", stranger, key_id) for key_id in (made["id"], "0" * 16, "no-id-at-all")]
    assert {reply.status for reply in replies} == {404}
    assert len({json.dumps({**reply.json, "trace_id": ""}) for reply in replies}) == 1
    assert keys.ask("GET", stranger).json == {"items": []}
    assert [item["id"] for item in keys.ask("GET", owner).json["items"]] == [made["id"]]


def test_a_key_makes_and_revokes_keys_of_its_user(keys: Keys) -> None:
    who = keys.user()
    first = keys.make(who)
    second = keys.make({"X-API-Key": first["api_key"]}, "by-key", at=1)
    assert [item["name"] for item in keys.ask("GET", who).json["items"]] == ["nightly", "by-key"]
    assert keys.ask("DELETE", {"X-API-Key": second["api_key"]}, first["id"]).status == 204


def test_a_user_has_so_many_keys(keys: Keys) -> None:
    who = keys.user()
    made = [keys.make(who, f"key {number}") for number in range(KEYS_MAX)]
    full = keys.ask("POST", who, body={"name": "one more"})
    assert (full.status, full.json["code"]) == (409, "keys-exhausted")
    assert keys.ask("DELETE", who, made[0]["id"]).status == 204
    keys.make(who, "one more")


def test_keys_are_for_users(keys: Keys, address: dict[str, str]) -> None:
    for method in ("GET", "POST"):
        assert keys.ask(method, address, body={"name": "x"}).json["code"] == "token-missing"
        assert keys.ask(method, keys.user(typ="service"), body={"name": "x"}).json["code"] == "user-required"
    assert keys.ask("DELETE", keys.user(typ="agent"), "0" * 16).status == 403


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"), ({"name": ""}, "name"), ({"name": None}, "name"), ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "name"), ({"name": "a\x00"}, "name"), ({"name": "x", "plan": "enterprise"}, "plan"),
    ],
)  # fmt: skip # a word a line would be a page
def test_a_wrong_body_of_a_key_is_refused_by_its_field(keys: Keys, body: dict[str, Any], field: str) -> None:
    reply = keys.ask("POST", keys.user(), body=body)
    assert (reply.status, reply.json["field"]) == (422, field)


def test_without_a_database_no_key_is_made(unreached: Instance, signing: Signing) -> None:
    reply = unreached.ask(PATH, signing.bearer(), "POST", b'{"name": "x"}')
    assert (reply.status, reply.json["code"], reply.headers["retry-after"]) == (503, "database-unavailable", "1")
