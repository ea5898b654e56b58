"""`Idempotency-Key` on every POST, over two instances and one PostgreSQL. The contract's P23."""

from __future__ import annotations

import json
import threading
from itertools import count
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest
from psycopg.sql import SQL

from reference_gateway.edge.idempotency import SECRETS
from tests.gateway_edge.test_edge_openapi import check_operation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.gateway_edge.edge_wire import Instance, Reply, Signing

KEYS = "/api/v2/auth/api-keys"
INVALIDATE = "/internal/v1/cache/invalidate"
INTEGRATIONS = "/api/v2/providers/config/integrations"
_NUMBERS = count(1)

Who = dict[str, str]


class Twice:
    """Two instances, and the table between them."""

    def __init__(self, pair: tuple[Instance, Instance], signing: Signing, database: str) -> None:
        self.pair = pair
        self.signing = signing
        self.database = database

    def user(self) -> Who:
        return self.signing.bearer(sub=f"repeater-{next(_NUMBERS)}")

    def post(self, who: Who, key: str | None, body: Any, path: str = KEYS, at: int = 0) -> Reply:  # noqa: ANN401 - JSON
        headers = {**who, "Content-Type": "application/json", **({} if key is None else {"Idempotency-Key": key})}
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        reply = self.pair[at].ask(path, headers, "POST", sent)
        check_operation(reply, path, "POST")
        return reply

    def keys_of(self, who: Who) -> int:
        return len(self.pair[0].ask(KEYS, who).json["items"])

    def rows(self, query: LiteralString) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database) as connection:
            return connection.execute(query).fetchall()

    def change(self, assignments: LiteralString, made: Mapping[str, str]) -> None:
        """Change what is remembered of the operation that made a key."""
        with psycopg.connect(self.database) as connection:
            query = SQL("UPDATE store_operation SET {} WHERE operation LIKE %s").format(SQL(assignments))
            connection.execute(query, (f"{made['id']}%",))


@pytest.fixture(scope="module")
def twice(start: Callable[..., Instance], signing: Signing, environment: dict[str, str]) -> Twice:
    many = {"GATEWAY_RATE_FREE": "100000", "GATEWAY_RATE_PRO": "100000", "GATEWAY_RATE_ENTERPRISE": "100000"}
    return Twice((start(**many), start(**many)), signing, environment["GATEWAY_DATABASE_URL"])


@pytest.fixture
def key() -> str:
    return f"key-{next(_NUMBERS)}"


def test_a_repeat_acts_once_and_repeats_the_answer_without_its_secret(twice: Twice, key: str) -> None:
    who = twice.user()
    first = twice.post(who, key, {"name": "a"})
    again = twice.post(who, key, {"name": "a"}, at=1)
    assert (first.status, again.status) == (201, 201)
    assert again.json == {**first.json, "api_key": None}
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["x-trace-id"] != first.headers["x-trace-id"]
    assert twice.keys_of(who) == 1


def test_without_a_key_each_acts(twice: Twice) -> None:
    who = twice.user()
    assert [twice.post(who, None, {"name": "a"}).status for _ in range(2)] == [201, 201]
    assert twice.keys_of(who) == 2


def test_another_body_is_refused(twice: Twice, key: str) -> None:
    who = twice.user()
    assert twice.post(who, key, {"name": "a"}).status == 201
    other = twice.post(who, key, {"name": "b"}, at=1)
    assert (other.status, other.json["code"], other.json["field"]) == (422, "idempotency-mismatch", "Idempotency-Key")
    assert twice.keys_of(who) == 1


def test_a_key_is_of_one_identity_and_one_route(twice: Twice, key: str) -> None:
    who, other = twice.user(), twice.user()
    assert twice.post(who, key, {"name": "a"}).status == 201
    assert twice.post(other, key, {"name": "b"}).status == 201
    assert twice.post(who, key, {"provider": "nobody", "credential": {}}, INTEGRATIONS).json["field"] == "provider"
    made = twice.post(who, None, {"name": "by key"}).json["api_key"]
    assert twice.post({"X-API-Key": made}, key, {"name": "c"}).status == 201
    assert (twice.keys_of(who), twice.keys_of(other)) == (3, 1)


def test_of_many_at_once_one_acts(twice: Twice) -> None:
    for _ in range(5):
        who, key = twice.user(), f"key-{next(_NUMBERS)}"
        replies: list[Reply] = []
        asking = [
            threading.Thread(target=lambda at=at: replies.append(twice.post(who, key, {"name": "a"}, at=at % 2)))  # noqa: B023 - joined in this turn
            for at in range(8)
        ]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
        assert {reply.status for reply in replies} <= {201, 409}
        assert {reply.json["code"] for reply in replies if reply.status == 409} <= {"idempotency-running"}
        shown = [reply.json["api_key"] for reply in replies if reply.status == 201]
        assert sum(secret is not None for secret in shown) == 1
        assert twice.keys_of(who) == 1


def test_while_the_first_runs_a_repeat_is_told_so_and_after_its_lease_goes_on_with_the_same(
    twice: Twice, key: str
) -> None:
    who = twice.user()
    first = twice.post(who, key, {"name": "a"}).json
    twice.change("status = NULL, body = NULL, headers = NULL, running_until_ms = 9e12::bigint", first)
    running = twice.post(who, key, {"name": "a"}, at=1)
    assert (running.status, running.json["code"]) == (409, "idempotency-running")
    twice.change("running_until_ms = 1", first)
    resumed = twice.post(who, key, {"name": "a"}, at=1)
    assert (resumed.status, resumed.json["id"]) == (201, first["id"])
    assert resumed.json["api_key"] not in {None, first["api_key"]}
    assert twice.keys_of(who) == 1
    proves = [twice.pair[1].ask(KEYS, {"X-API-Key": made["api_key"]}).status for made in (first, resumed.json)]
    assert proves == [401, 200]


def test_a_refusal_by_the_body_is_repeated_with_its_own_trace(twice: Twice, key: str) -> None:
    who = twice.user()
    first, again = (twice.post(who, key, {"name": ""}) for _ in range(2))
    assert (first.status, again.status) == (422, 422)
    assert again.json == {**first.json, "trace_id": again.headers["x-trace-id"]}


@pytest.mark.usefixtures("upstream")
def test_operators_repeat_too(twice: Twice, key: str) -> None:
    who = twice.signing.bearer(typ="service", scope="operate")
    first, again = (twice.post(who, key, {"provider": "lambda"}, INVALIDATE, at=at) for at in (0, 1))
    assert (first.status, again.status, again.body) == (202, 202, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    assert twice.post(who, key, {"provider": "lambda-02"}, INVALIDATE).status == 422


@pytest.mark.parametrize("bad", ["", " ", "a b", "x" * 256, '"open', '""'])
def test_a_malformed_key_is_refused_by_its_name(twice: Twice, bad: str) -> None:
    reply = twice.post(twice.user(), bad, {"name": "a"})
    assert (reply.status, reply.json["code"], reply.json["field"]) == (400, "header-invalid", "Idempotency-Key")


def test_a_quoted_key_is_what_it_quotes(twice: Twice, key: str) -> None:
    who = twice.user()
    assert twice.post(who, key, {"name": "a"}).status == 201
    assert twice.post(who, f'"{key}"', {"name": "a"}).headers["idempotency-replayed"] == "true"


def test_after_its_time_a_key_is_new(twice: Twice, key: str) -> None:
    who = twice.user()
    first = twice.post(who, key, {"name": "a"}).json
    twice.change("forget_ms = 1", first)
    assert twice.post(who, key, {"name": "b"}).status == 201
    assert twice.keys_of(who) == 2


def test_nothing_secret_is_kept(twice: Twice, key: str) -> None:
    who = twice.user()
    secret = twice.post(who, key, {"name": "a"}).json["api_key"]
    rows = twice.rows("SELECT operation, headers, convert_from(body, 'UTF8') FROM store_operation WHERE status = 201")
    assert rows
    assert not any(secret in str(row) or key in str(row) for row in rows)


def test_without_a_database_nothing_is_done_with_a_key(unreached: Instance, signing: Signing, key: str) -> None:
    who = {**signing.bearer(typ="service", scope="operate"), "Idempotency-Key": key}
    reply = unreached.ask(INVALIDATE, who, "POST", b'{"provider": "lambda"}')
    assert (reply.status, reply.json["code"], reply.headers["retry-after"]) == (503, "database-unavailable", "1")


def test_every_post_is_documented_with_the_key_and_every_secret_is_known(document: dict[str, Any]) -> None:
    posts = {path: item["post"] for path, item in document["paths"].items() if "post" in item}
    named = {
        path for path, post in posts.items() if {"$ref": "#/components/parameters/IdempotencyKey"} in post["parameters"]
    }
    assert named == posts.keys()
    bodies = [post["responses"][status] for post in posts.values() for status in post["responses"] if status[0] == "2"]
    schemas = [body["content"]["application/json"]["schema"] for body in bodies if "content" in body]
    once = {
        name
        for schema in schemas
        for name, row in schema["properties"].items()
        if row.get("type") == ["string", "null"]
    }
    assert once == {"access_token", "refresh_token", "api_key"}
    assert once <= SECRETS


@pytest.fixture(scope="module")
def document(twice: Twice) -> dict[str, Any]:
    return twice.pair[0].ask("/api/v2/openapi.json").json
