"""Coming in and going out: passwords, sessions, services, lock-out and revocation, over two instances."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import jwt
import pytest

from gatespec.clock import until
from tests.gateway_edge.edge_wire import AUDIENCE, ISSUER, Instance, run
from tests.gateway_edge.test_edge_openapi import check_operation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.gateway_edge.edge_wire import Reply, Signing

AUTH = "/api/v2/auth"
INVALIDATE = "/internal/v1/cache/invalidate"
REVOKED_MS = 5_000
"""As the contract says."""
FREE_TRIES = 5
_NUMBERS = count(1)

pytestmark = pytest.mark.usefixtures("upstream")


class Person(NamedTuple):
    """A user with a password, and a key."""

    user_id: str
    username: str
    password: str
    api_key: str


class Scene:
    """Two instances of one gateway, and its commands."""

    def __init__(self, pair: tuple[Instance, Instance], environment: dict[str, str]) -> None:
        self.pair = pair
        self.environment = environment

    def command(self, *arguments: str, given: str = "") -> dict[str, Any]:
        done = run(*arguments, environment=self.environment, given=given)
        assert (done.returncode, done.stderr) == (0, "")
        return dict(json.loads(done.stdout.splitlines()[0]))

    def person(self, plan: str = "pro") -> Person:
        made = self.command("users", "create", "--plan", plan, "--password")
        return Person(made["user_id"], made["username"], made["password"], made["api_key"])

    def post(self, name: str, body: Any, who: Mapping[str, str] | None = None, at: int = 0) -> Reply:  # noqa: ANN401 - JSON
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        own = {"X-Forwarded-For": fresh_address(), "Content-Type": "application/json", **(who or {})}
        reply = self.pair[at].ask(f"{AUTH}/{name}", own, "POST", sent)
        check_operation(reply, f"{AUTH}/{name}", "POST")
        return reply

    def login(self, person: Person, at: int = 0) -> dict[str, Any]:
        reply = self.post("login", {"username": person.username, "password": person.password}, at=at)
        assert reply.status == 200, reply.body
        return reply.json

    def refused_everywhere(self, headers: dict[str, str]) -> bool:
        return until(lambda: all(self.status(at, headers) == 401 for at in (0, 1)), at_most_ms=REVOKED_MS)

    def status(self, at: int, headers: dict[str, str]) -> int:
        return self.pair[at].offers("/catalog", {**headers, "X-Forwarded-For": fresh_address()}).status


def fresh_address() -> str:
    number = next(_NUMBERS)
    return f"100.64.{number // 250}.{number % 250}"


def nobody() -> Person:
    """Somebody whom the gateway does not know, and what would be his password."""
    name = f"nobody-{next(_NUMBERS)}"
    return Person("", name, name, "")


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


@pytest.fixture(scope="module")
def scene(start: Callable[..., Instance], environment: dict[str, str]) -> Scene:
    many = {"GATEWAY_RATE_FREE": "100000", "GATEWAY_RATE_PRO": "90000", "GATEWAY_RATE_ENTERPRISE": "100000"}
    return Scene((start(**many), start(**many)), environment)


def test_a_login_is_a_session_with_tokens_that_every_instance_takes(scene: Scene) -> None:
    person = scene.person()
    tokens = scene.login(person)
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)
    for instance in scene.pair:
        reply = instance.offers("/catalog", bearer(tokens))
        assert (reply.status, reply.headers["ratelimit-policy"]) == (200, '"pro";q=90000;w=1')


def test_a_token_says_who_and_is_signed_by_a_published_key(scene: Scene) -> None:
    person = scene.person()
    token = scene.login(person)["access_token"]
    published = {key["kid"]: key for key in scene.pair[1].ask("/.well-known/jwks.json").json["keys"]}
    key = jwt.PyJWK(published[jwt.get_unverified_header(token)["kid"]])
    claims = jwt.decode(token, key, algorithms=["RS256"], audience=AUDIENCE, issuer=ISSUER)
    assert {"sub", "typ", "plan", "scope", "iat", "exp", "jti"} <= claims.keys()
    assert (claims["sub"], claims["typ"], claims["plan"]) == (person.user_id, "user", "pro")


def test_nothing_tells_who_exists(scene: Scene) -> None:
    known, revoked = scene.person(), scene.person()
    scene.command("users", "revoke", "--id", revoked.user_id)
    tries = [
        {"username": known.username, "password": "wrong"},
        {"username": "nobody-at-all", "password": "wrong"},
        {"username": revoked.username, "password": revoked.password},
        {"username": known.username.upper(), "password": "wrong"},
    ]
    replies = [scene.post("login", body) for body in tries]
    assert {reply.status for reply in replies} == {401}
    assert len({json.dumps({**reply.json, "trace_id": ""}) for reply in replies}) == 1
    assert all("www-authenticate" in reply.headers for reply in replies)


def test_a_name_is_the_same_in_every_spelling(scene: Scene) -> None:
    person = scene.person()
    scene.command(
        "users", "set-password", "--id", person.user_id, "--username", f"Ann-{person.user_id}", given="pass\n"
    )
    assert scene.post("login", {"username": f"ANN-{person.user_id}", "password": "pass"}).status == 200


def test_a_refresh_token_is_used_once(scene: Scene) -> None:
    first = scene.login(scene.person())
    second = scene.post("refresh", {"refresh_token": first["refresh_token"]}, at=1)
    assert second.status == 200
    assert second.json["refresh_token"] != first["refresh_token"]
    assert scene.status(0, bearer(second.json)) == 200
    again = scene.post("refresh", {"refresh_token": first["refresh_token"]})
    assert (again.status, again.json["code"]) == (401, "refresh-invalid")
    assert scene.post("refresh", {"refresh_token": second.json["refresh_token"]}).status == 401
    assert scene.refused_everywhere(bearer(second.json))
    assert scene.pair[0].metric('gateway_sign_ins_total{action="refresh",result="reused"}') >= 1


def at_once(asking: Callable[[int], int], times: int) -> list[int]:
    """Ask so often side by side, at both instances; return the statuses."""
    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(asking, range(times)))


def test_of_refreshes_at_once_one_goes_on(scene: Scene) -> None:
    for _ in range(5):
        body = {"refresh_token": scene.login(scene.person())["refresh_token"]}
        statuses = at_once(lambda number, body=body: scene.post("refresh", body, at=number % 2).status, 4)  # type: ignore[misc] # a default binds it
        assert sorted(statuses) == [200, 401, 401, 401]


def test_a_logout_ends_the_session_on_every_instance(scene: Scene) -> None:
    tokens, other = scene.login(scene.person()), scene.login(scene.person())
    assert scene.post("logout", b"", bearer(tokens)).status == 204
    assert scene.status(0, bearer(tokens)) == 401
    assert scene.refused_everywhere(bearer(tokens))
    assert scene.post("refresh", {"refresh_token": tokens["refresh_token"]}).status == 401
    assert scene.status(1, bearer(other)) == 200


def test_a_key_ends_a_session_by_its_refresh_token_and_only_ones_own(scene: Scene) -> None:
    person, stranger = scene.person(), scene.person()
    tokens = scene.login(person)
    named = {"refresh_token": tokens["refresh_token"]}
    assert scene.post("logout", named, {"X-API-Key": stranger.api_key}).status == 204
    assert scene.status(1, bearer(tokens)) == 200
    nameless = scene.post("logout", {}, {"X-API-Key": person.api_key})
    assert (nameless.status, nameless.json["field"]) == (422, "refresh_token")
    assert scene.post("logout", named, {"X-API-Key": person.api_key}).status == 204
    assert scene.refused_everywhere(bearer(tokens))


def test_only_users_log_out(scene: Scene, signing: Signing) -> None:
    assert scene.post("logout", {}).status == 401
    assert scene.post("logout", {}, signing.bearer(typ="service")).status == 403


def test_a_revoked_user_is_refused_everywhere_until_he_is_restored(scene: Scene) -> None:
    person = scene.person()
    tokens, key = scene.login(person), {"X-API-Key": person.api_key}
    assert scene.status(1, key) == 200
    scene.command("users", "revoke", "--id", person.user_id)
    assert scene.refused_everywhere(bearer(tokens))
    assert scene.refused_everywhere(key)
    assert scene.post("refresh", {"refresh_token": tokens["refresh_token"]}).status == 401
    scene.command("users", "restore", "--id", person.user_id)
    assert until(lambda: scene.status(0, key) == scene.status(1, key) == 200, at_most_ms=REVOKED_MS)
    assert scene.status(1, bearer(tokens)) == 401
    assert scene.status(1, bearer(scene.login(person))) == 200


def test_a_token_of_another_issuer_of_our_keys_is_refused_with_its_user(scene: Scene, signing: Signing) -> None:
    person = scene.person()
    token = signing.bearer(sub=person.user_id)
    assert scene.status(0, token) == 200
    scene.command("users", "revoke", "--id", person.user_id)
    assert scene.refused_everywhere(token)


def test_another_password_ends_the_sessions(scene: Scene) -> None:
    person = scene.person()
    tokens = scene.login(person)
    scene.command("users", "set-password", "--id", person.user_id, given="another\n")
    assert scene.refused_everywhere(bearer(tokens))
    assert scene.post("login", {"username": person.username, "password": person.password}).status == 401
    assert scene.post("login", {"username": person.username, "password": "another"}).status == 200


def test_a_keys_plan_is_its_users(scene: Scene) -> None:
    person = scene.person("free")
    scene.command("users", "plan", "--id", person.user_id, "--plan", "pro")

    def plan(at: int) -> str:
        return scene.pair[at].offers("/catalog", {"X-API-Key": person.api_key}).headers["ratelimit-policy"][:5]

    assert until(lambda: plan(0) == plan(1) == '"pro"', at_most_ms=REVOKED_MS)


def test_a_service_gets_a_token_for_its_secret(scene: Scene) -> None:
    service_id = f"airflow-{next(_NUMBERS)}"
    made = scene.command("services", "create", "--id", service_id, "--scope", "operate", "--scope", "read")
    asked = {"service_id": service_id, "secret": made["secret"]}
    issued = scene.post("service-token", asked)
    assert (issued.status, issued.json["scope"]) == (200, "operate read")
    assert "refresh_token" not in issued.json
    invalidated = scene.pair[1].ask(INVALIDATE, bearer(issued.json), "POST", b'{"provider": "lambda"}')
    assert invalidated.status == 202
    assert scene.post("service-token", {**asked, "scope": "read"}).json["scope"] == "read"
    missing = scene.post("service-token", {**asked, "scope": "read write"})
    assert (missing.status, missing.json["code"]) == (403, "scope-missing")
    assert "'write'" in missing.json["detail"]
    wrong = [{**asked, "secret": "gs_wrong"}, {**asked, "service_id": "nobody"}]
    replies = [scene.post("service-token", body) for body in wrong]
    assert [reply.json["code"] for reply in replies] == ["login-invalid", "login-invalid"]


def test_a_revoked_service_is_refused_until_its_secret_is_another(scene: Scene) -> None:
    service_id = f"worker-{next(_NUMBERS)}"
    made = scene.command("services", "create", "--id", service_id, "--scope", "operate")
    asked = {"service_id": service_id, "secret": made["secret"]}
    token = bearer(scene.post("service-token", asked).json)
    scene.command("services", "revoke", "--id", service_id)
    assert scene.refused_everywhere(token)
    assert scene.post("service-token", asked).status == 401
    rotated = scene.command("services", "rotate", "--id", service_id)
    assert scene.post("service-token", asked).status == 401
    assert scene.post("service-token", {**asked, "secret": rotated["secret"]}).status == 200


@pytest.mark.parametrize("known", [True, False])
def test_a_name_is_locked_on_every_instance_after_some_wrong_tries(scene: Scene, *, known: bool) -> None:
    person = scene.person() if known else nobody()
    body = {"username": person.username, "password": "wrong"}
    assert [scene.post("login", body, at=number % 2).status for number in range(FREE_TRIES)] == [401] * FREE_TRIES
    locked = scene.post("login", {**body, "password": person.password}, at=1)
    assert (locked.status, locked.json["code"]) == (429, "login-locked")
    assert int(locked.headers["retry-after"]) >= 1
    assert until(lambda: scene.post("login", {**body, "password": person.password}).status != 429, at_most_ms=5_000)
    assert scene.post("login", {**body, "password": "wrong"}).status == (401 if known else 429)


def test_guesses_side_by_side_slip_through_no_more_than_one_after_another(scene: Scene) -> None:
    body = {"username": scene.person().username, "password": "wrong"}
    statuses = at_once(lambda number: scene.post("login", body, at=number % 2).status, 24)
    assert set(statuses) == {401, 429}
    assert statuses.count(401) <= FREE_TRIES + 2  # one after 1 s and one after 2 s more, on a slow machine


def test_whoever_sprays_names_is_locked_by_address(scene: Scene) -> None:
    address = {"X-Forwarded-For": fresh_address()}

    def guess() -> int:
        body = {"username": f"sprayed-{next(_NUMBERS)}", "password": "wrong"}
        return scene.post("login", body, address).status

    statuses = [guess() for _ in range(25)]
    assert statuses[:20] == [401] * 20
    assert 429 in statuses[20:]
    assert scene.login(scene.person())  # from elsewhere


def test_a_right_password_forgets_the_wrong_ones(scene: Scene) -> None:
    person = scene.person()
    for _ in range(3):
        assert [scene.post("login", {"username": person.username, "password": "x"}).status for _ in range(4)] == [
            401
        ] * 4
        scene.login(person)


@pytest.mark.parametrize(
    ("name", "body", "status", "field"),
    [
        ("login", b"", 400, None),
        ("login", b"{", 400, None),
        ("login", b"[]", 400, None),
        ("login", b"null", 400, None),
        ("login", b"\xff\xfe", 400, None),
        ("login", {}, 422, "username"),
        ("login", {"username": "a"}, 422, "password"),
        ("login", {"username": None, "password": "x"}, 422, "username"),
        ("login", {"username": ["a"], "password": "x"}, 422, "username"),
        ("login", {"username": "a\x00b", "password": "x"}, 422, "username"),
        ("login", {"username": "a\r\nSet-Cookie: x", "password": "x"}, 422, "username"),
        ("login", {"username": "a" * 65, "password": "x"}, 422, "username"),
        ("login", {"username": "a", "password": ""}, 422, "password"),
        ("login", {"username": "a", "password": "x" * 1025}, 422, "password"),
        ("login", {"username": "a", "password": "x", "plan": "enterprise"}, 422, "plan"),
        ("login", b'{"username": "a", "password": "\\ud800"}', 400, None),
        ("login", b'{"a":' * 5000, 400, None),
        ("refresh", {"refresh_token": 7}, 422, "refresh_token"),
        ("refresh", {"refresh_token": "gr_" + "x" * 300}, 422, "refresh_token"),
        ("refresh", {"refresh_token": "gr_\u00e9"}, 422, "refresh_token"),
        ("refresh", {"refresh_token": "gr_unknown"}, 401, "refresh_token"),
        ("refresh", {"token": "x"}, 422, "refresh_token"),
        ("service-token", {"service_id": "a"}, 422, "secret"),
        ("service-token", {"service_id": "a", "secret": "b", "scope": ["operate"]}, 422, "scope"),
        ("service-token", {"service_id": "a", "secret": "b", "scope": "a\nb"}, 422, "scope"),
        ("service-token", {"service_id": "a\x00", "secret": "b"}, 422, "service_id"),
    ],
)
def test_a_wrong_body_is_refused_by_its_field(
    scene: Scene,
    name: str,
    body: Any,  # noqa: ANN401 - JSON
    status: int,
    field: str | None,
) -> None:
    reply = scene.post(name, body)
    assert (reply.status, reply.json.get("field")) == (status, field), reply.body


def test_a_credential_that_proves_nothing_is_refused_beside_a_good_password(scene: Scene) -> None:
    person = scene.person()
    body = {"username": person.username, "password": person.password}
    assert scene.post("login", body, {"Authorization": "Bearer x"}).status == 401


def test_no_log_line_holds_a_secret(scene: Scene) -> None:
    person = scene.person()
    tokens = scene.login(person)
    scene.post("refresh", {"refresh_token": tokens["refresh_token"]})
    scene.post("refresh", {"refresh_token": tokens["refresh_token"]})
    scene.post("login", {"username": person.username, "password": "a-wrong-password"})
    said = "".join(instance.log.read_text() for instance in scene.pair)
    secrets = (person.password, tokens["access_token"], tokens["refresh_token"], person.api_key, "a-wrong-password")
    assert [secret for secret in secrets if secret in said] == []


def test_without_a_database_nobody_signs_in_and_reads_go_on(unreached: Instance) -> None:
    def ask(name: str, body: bytes) -> Reply:
        return unreached.ask(f"{AUTH}/{name}", {"X-Forwarded-For": fresh_address()}, "POST", body)

    for name, body in (
        ("login", b'{"username": "a", "password": "b"}'),
        ("refresh", b'{"refresh_token": "gr_x"}'),
        ("service-token", b'{"service_id": "a", "secret": "b"}'),
    ):
        reply = ask(name, body)
        assert (reply.status, reply.json["code"], reply.headers["retry-after"]) == (503, "database-unavailable", "1")


def test_without_a_private_key_no_token_is_issued(environment: dict[str, str], tmp_path: Path) -> None:
    kept = {name: value for name, value in environment.items() if name != "GATEWAY_JWT_PRIVATE_KEY_FILE"}
    instance = Instance(kept, tmp_path / "log").until_ready()
    try:
        statuses = {
            name: instance.ask(f"{AUTH}/{name}", {"X-Forwarded-For": fresh_address()}, "POST", b"{}").status
            for name in ("login", "refresh", "service-token", "logout")
        }
        assert statuses == {"login": 404, "refresh": 404, "service-token": 404, "logout": 401}
    finally:
        assert instance.stop() == 0
