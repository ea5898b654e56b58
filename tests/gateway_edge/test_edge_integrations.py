"""Users bring credentials of their own: they go to Vault, are used for them alone, and never come back."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from gatespec.clock import until
from gatespec.providers.control_client import ProvidersControl
from gatespec.providers.dialects import DIALECTS
from gatespec.providers.script import Script
from gatespec.stack.providers_file import Provider, write_providers_file
from gatespec.stack.simulators import Simulators
from tests.gateway_edge.test_edge_openapi import DOCUMENT, check_operation
from tests.servers import running_vault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatespec.stack.nursery import Nursery
    from gatespec.stack.redis import RedisServer
    from gatespec.stack.vault import VaultServer
    from gatespec.stack.vault_api import VaultShare
    from tests.gateway_edge.edge_wire import Instance, Reply, Signing

PATH = "/api/v2/providers/config/integrations"
ONE = f"{PATH}/{{provider}}"
NAMES = [f"p{number}" for number in range(1, 31)]
OAUTH = "oauth"
HOUSE: str = next(iter(DIALECTS["lambda"].development_credential().values()))
OWN = "a-key-of-anns-own"
OTHER = "another-key-of-anns"
JSON = {"Content-Type": "application/json"}
DATABASE = 62
SOON_MS = 5_000
ASKED: set[tuple[str, str, int]] = set()
"""Path, method and status of every answer that was checked here."""


@dataclass
class Scene:
    """Two instances of one gateway, its providers and its Vault."""

    pair: tuple[Instance, Instance]
    control: ProvidersControl
    vault: VaultServer
    share: VaultShare
    signing: Signing
    numbers: defaultdict[str, count[int]]

    def fresh(self) -> str:
        """A provider that accepts Ann's keys beside the house's, and that nobody read."""
        name = f"p{next(self.numbers['provider'])}"
        self.control.script(name, Script(credentials=[HOUSE, OWN, OTHER]))
        return name

    def user(self) -> tuple[str, dict[str, str]]:
        """Somebody new, and what proves him."""
        subject = f"user-{next(self.numbers['user'])}"
        return subject, self.signing.bearer(sub=subject)

    def shown(self, name: str) -> list[str]:
        """Which keys the provider was shown, in order."""
        return [call.credential for call in self.control.ledger(name, "list")]

    def ask(self, method: str, who: dict[str, str], provider: str = "", body: Any = None, at: int = 0) -> Reply:  # noqa: ANN401 - JSON
        path = f"{PATH}/{provider}" if method == "DELETE" else PATH
        sent = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        reply = self.pair[at].ask(path, {**JSON, **who}, method, sent)
        check_operation(reply, ONE if method == "DELETE" else PATH, method)
        ASKED.add((ONE if method == "DELETE" else PATH, method.lower(), reply.status))
        return reply

    def bring(self, who: dict[str, str], provider: str, key: str = OWN, at: int = 0) -> Reply:
        return self.ask("POST", who, body={"provider": provider, "credential": {"api_key": key}}, at=at)


@pytest.fixture(scope="module")
def own_vault(stack_nursery: Nursery) -> Iterator[VaultServer]:
    with running_vault(stack_nursery, "vault-of-integrations") as server:
        yield server


@pytest.fixture(scope="module")
def scene(  # noqa: PLR0913, PLR0917 - all that a gateway stands on
    start: Callable[..., Instance],
    stack_nursery: Nursery,
    redis_server: RedisServer,
    own_vault: VaultServer,
    signing: Signing,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Scene]:
    share = own_vault.share("integrations")
    for name in NAMES:
        share.put(f"providers/{name}", {"api_key": HOUSE})
    simulators = Simulators(stack_nursery, NAMES)
    simulators.start()
    simulators.ready()
    file = tmp_path_factory.mktemp("integrations") / "providers.toml"
    write_providers_file(file, map(Provider, NAMES), simulators.url)
    with file.open("a") as more:
        more.write(
            f'[[provider]]\nname = "{OAUTH}"\nadapter = "verda"\nendpoint = [{{ url = "http://127.0.0.1:9" }}]\n'
        )
    settings = {
        "GATEWAY_PROVIDERS_FILE": str(file),
        "GATEWAY_REDIS_URL": redis_server.url(DATABASE),
        "GATEWAY_REDIS_BUDGET_S": "1",
        "GATEWAY_RATE_FREE": "100000",
        "GATEWAY_RATE_ENTERPRISE": "100000",
        "GATEWAY_CREDENTIAL_REFRESH_S": "1",
        **share.settings(),
    }
    pair = start(**settings), start(**settings)
    yield Scene(pair, ProvidersControl(simulators.url), own_vault, share, signing, defaultdict(lambda: count(1)))
    simulators.stop()


def test_what_a_user_brings_is_in_vault_and_in_no_answer(scene: Scene) -> None:
    (subject, ann), name = scene.user(), scene.fresh()
    kept = scene.bring(ann, name)
    assert (kept.status, kept.json) == (201, {"provider": name, "fields": ["api_key"]})
    assert scene.share.get(f"users/{subject}/providers/{name}") == {"api_key": OWN}
    listed = scene.ask("GET", ann)
    assert (listed.status, listed.json) == (200, {"items": [{"provider": name}]})
    assert OWN not in str(kept) + str(listed)
    assert kept.headers["cache-control"] == listed.headers["cache-control"] == "no-store"


def test_he_reads_with_it_at_once_and_nobody_else_does(scene: Scene) -> None:
    (_, ann), (_, bob), name = scene.user(), scene.user(), scene.fresh()
    for who in (ann, bob, {}):
        assert scene.pair[0].offers(f"?provider={name}", who).status == 200
    assert scene.shown(name) == [HOUSE]
    scene.bring(ann, name)
    for who in (ann, bob, {}, ann):
        assert scene.pair[0].offers(f"?provider={name}", who).status == 200
    assert scene.shown(name) == [HOUSE, OWN]


def test_another_instance_hears_of_it_within_a_refresh(scene: Scene) -> None:
    (_, ann), name = scene.user(), scene.fresh()
    scene.pair[1].offers(f"?provider={name}", ann)
    scene.bring(ann, name)
    assert until(
        lambda: bool(scene.pair[1].offers(f"?provider={name}", ann)) and OWN in scene.shown(name), at_most_ms=SOON_MS
    )


def test_a_users_api_key_stands_for_him(scene: Scene, new_key: Callable[..., dict[str, str]]) -> None:
    made, name = new_key("enterprise"), scene.fresh()
    key = {"X-API-Key": made["api_key"]}
    assert scene.bring(key, name).status == 201
    assert scene.share.get(f"users/{made['user_id']}/providers/{name}") == {"api_key": OWN}
    scene.pair[0].offers(f"?provider={name}", key)
    assert scene.shown(name) == [OWN]


def test_a_second_one_takes_the_place_of_the_first(scene: Scene) -> None:
    (_, ann), name = scene.user(), scene.fresh()
    scene.bring(ann, name)
    scene.pair[0].offers(f"?provider={name}", ann)
    assert scene.bring(ann, name, OTHER).status == 201
    assert until(lambda: scene.shown(name)[-1:] == [OTHER], at_most_ms=SOON_MS), "his list is read anew with it"


def test_what_he_deletes_is_gone_and_he_reads_with_the_houses(scene: Scene) -> None:
    (subject, ann), name = scene.user(), scene.fresh()
    scene.bring(ann, name)
    scene.pair[0].offers(f"?provider={name}", ann)
    assert (scene.ask("DELETE", ann, name).status, scene.ask("DELETE", ann, name).status) == (204, 404)
    assert scene.share.get(f"users/{subject}/providers/{name}") is None
    assert scene.ask("GET", ann).json == {"items": []}
    scene.pair[0].offers(f"?provider={name}", ann)
    assert scene.shown(name) == [OWN, HOUSE]


def test_a_foreign_one_is_as_one_that_there_is_not(scene: Scene) -> None:
    (_, ann), (_, bob), name = scene.user(), scene.user(), scene.fresh()
    scene.bring(ann, name)
    foreign, unknown = scene.ask("DELETE", bob, name), scene.ask("DELETE", bob, "never-heard-of")
    told = [{k: v for k, v in reply.json.items() if k != "trace_id"} for reply in (foreign, unknown)]
    assert (foreign.status, told[0]) == (404, told[1])
    assert scene.ask("GET", bob).json == {"items": []}
    assert scene.ask("GET", ann).json == {"items": [{"provider": name}]}


def test_his_cursor_is_nobody_elses(scene: Scene) -> None:
    (_, ann), (_, bob), name = scene.user(), scene.user(), scene.fresh()
    scene.bring(ann, name)
    query = f"?provider={name}&limit=1"
    cursor = scene.pair[0].offers(query, ann).json["next_cursor"]
    further = [scene.pair[n].offers(f"{query}&cursor={cursor}", who) for n, who in enumerate((ann, bob))]
    assert [(reply.status, reply.json.get("code")) for reply in further] == [(200, None), (422, "cursor-mismatch")]
    everybodys = scene.pair[0].offers(query).json["next_cursor"]
    assert scene.pair[1].offers(f"{query}&cursor={everybodys}", ann).status == 200


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"provider": "p1"}, "field-invalid", "credential"),
        ({"credential": {"api_key": OWN}}, "field-invalid", "provider"),
        ({"provider": "nobody", "credential": {"api_key": OWN}}, "field-invalid", "provider"),
        ({"provider": "p1", "credential": {}}, "field-invalid", "credential.api_key"),
        ({"provider": OAUTH, "credential": {"client_id": OWN}}, "field-invalid", "credential.client_secret"),
        ({"provider": OAUTH, "credential": {"api_key": OWN}}, "field-unknown", "credential"),
        ({"provider": "p1", "credential": {"api_key": OWN, "more": OWN}}, "field-unknown", "credential"),
        ({"provider": "p1", "credential": {"api_key": ""}}, "field-invalid", "credential"),
        ({"provider": "p1", "credential": {"api_key": f"{OWN}\n"}}, "field-invalid", "credential"),
        ({"provider": "p1", "credential": {"api_key": f"{OWN}é"}}, "field-invalid", "credential"),
        ({"provider": "p1", "credential": {"api_key": OWN * 500}}, "field-invalid", "credential"),
        ({"provider": "p1", "credential": {"api_key": None}}, "field-invalid", "credential"),
        ({"provider": "p1", "credential": {"api_key": [OWN]}}, "field-invalid", "credential"),
        ({"provider": "p1", "credential": OWN}, "field-invalid", "credential"),
        ({"provider": "p1", "credential": {"api_key": OWN}, "colour": 1}, "field-unknown", "colour"),
        ({"provider": 5, "credential": {"api_key": OWN}}, "field-invalid", "provider"),
    ],
)
def test_what_is_wrong_is_named_and_no_value_is_repeated(scene: Scene, body: Any, code: str, field: str) -> None:  # noqa: ANN401 - JSON
    subject, ann = scene.user()
    refused = scene.ask("POST", ann, body=body)
    assert (refused.status, refused.json["code"], refused.json["field"]) == (422, code, field)
    assert OWN not in str(refused)
    assert list(scene.ask("GET", ann).json["items"]) == []
    assert OWN not in scene.pair[0].log.read_text()
    assert scene.share.get(f"users/{subject}/providers/p1") is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'{"provider": "p1",}', b"\xff\xfe", b"[" * 50_000])
def test_what_is_no_json_object_is_refused(scene: Scene, body: bytes) -> None:
    refused = scene.ask("POST", scene.user()[1], body=body)
    assert (refused.status, refused.json["code"]) in {(400, "request-malformed"), (422, "field-unknown")}


def test_another_media_type_is_refused(scene: Scene) -> None:
    refused = scene.ask("POST", {**scene.user()[1], "Content-Type": "text/plain"}, body=b"{}")
    assert (refused.status, refused.json["field"]) == (400, "Content-Type")


def test_it_is_for_users_alone(scene: Scene) -> None:
    service = scene.signing.bearer(typ="service", scope="operate")
    for method in ("GET", "POST", "DELETE"):
        assert [scene.ask(method, who, "p1", {}).status for who in ({}, {"Authorization": "Bearer x"})] == [401, 401]
        assert [
            scene.ask(method, who, "p1", {}).json["code"] for who in (service, scene.signing.bearer(typ="agent"))
        ] == ["user-required"] * 2


def test_a_vault_that_is_away_is_said_and_nothing_is_changed(scene: Scene) -> None:
    (subject, ann), name = scene.user(), scene.fresh()
    scene.bring(ann, name)
    scene.vault.seal()
    try:
        for method in ("GET", "POST", "DELETE"):
            body = {"provider": name, "credential": {"api_key": OTHER}}
            refused = scene.ask(method, ann, name, body)
            assert (refused.status, refused.json["code"], refused.headers["retry-after"]) == (
                503,
                "vault-unavailable",
                "1",
            )
        assert scene.pair[0].offers(f"?provider={name}", ann).status == 200
    finally:
        scene.vault.unseal()
    assert scene.share.get(f"users/{subject}/providers/{name}") == {"api_key": OWN}
    assert until(lambda: scene.ask("GET", ann).status == 200, at_most_ms=SOON_MS)


def test_whoever_may_not_is_answered_as_the_document_says(
    scene: Scene, unreached: Instance, slow_window: Instance
) -> None:
    away = unreached.ask(PATH, {"X-API-Key": "gk_0123456789abcdef_" + "A" * 43, "X-Forwarded-For": "198.18.7.7"})
    limited = [slow_window.ask(PATH, {"X-Forwarded-For": "198.18.7.8"}) for _ in range(6)][-1]
    for reply in (away, limited):
        check_operation(reply, PATH, "GET")
    assert (away.status, limited.status) == (503, 429)
    for method, path in (("GET", PATH), ("POST", PATH), ("DELETE", f"{PATH}/p1")):
        template = ONE if method == "DELETE" else PATH
        sent = {
            400: ({"Authorization": "Bearer x", "X-API-Key": "x"}, path),
            413: ({"Content-Length": "1048577"}, path),
            414: ({}, f"{path}?{'a' * 9000}"),
            431: ({"X-Big": "x" * 40_000}, path),
        }
        for status, (headers, target) in sent.items():
            reply = scene.pair[0].ask(target, headers, method)
            assert reply.status == status
            check_operation(reply, template, method)


def test_other_methods_are_refused(scene: Scene) -> None:
    for path in (PATH, f"{PATH}/p1"):
        refused = scene.pair[0].ask(path, method="PATCH")
        assert refused.status == 405
        assert set(refused.headers["allow"].split(", ")) == ({"DELETE"} if path != PATH else {"GET", "HEAD", "POST"})


def test_every_success_of_the_document_was_seen() -> None:
    said = {
        (path, m, int(s)) for path in (PATH, ONE) for m, op in DOCUMENT["paths"][path].items() for s in op["responses"]
    }
    assert {each for each in said if each[2] < 300} <= ASKED
    assert {(p, m, s) for p, m, s in ASKED if s >= 300} <= said
