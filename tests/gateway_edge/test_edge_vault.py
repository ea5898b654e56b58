"""A running gateway and a real Vault: what is told of it, and of a credential that its API cannot be shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from gatespec.clock import until
from gatespec.stack.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gatespec.stack.vault import VaultServer
    from gatespec.stack.vault_api import VaultShare
    from tests.gateway_edge.edge_wire import Instance, Upstream

CANARY = "canary-of-an-unfit-key"
SOON_MS = 10_000
"""A gateway looks for a Vault that was away once a second."""
WELL, UNFIT, NONE = "well", "unfit", "none"


@pytest.fixture(scope="module")
def share(vault_server: VaultServer) -> VaultShare:
    share = vault_server.share("edge-vault")
    share.put(f"providers/{WELL}", {"api_key": "k"})
    share.put(f"providers/{UNFIT}", {"misnamed": CANARY})
    return share


@pytest.fixture(scope="module")
def providers_file(shared_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("providers") / "three.toml"
    row = '[[provider]]\nname = "{0}"\nadapter = "lambda"\nendpoint = [{{ url = "{1}/{0}" }}]\n'
    path.write_text("".join(row.format(name, shared_upstream.url) for name in (WELL, UNFIT, NONE)))
    return path


@pytest.fixture(scope="module")
def gateway(start: Callable[..., Instance], share: VaultShare, providers_file: Path) -> Instance:
    return start(GATEWAY_PROVIDERS_FILE=str(providers_file), GATEWAY_RATE_FREE="100000", **share.settings())


@pytest.fixture(scope="module")
def lonely(start: Callable[..., Instance], share: VaultShare, providers_file: Path) -> Instance:
    """A gateway whose Vault nobody answers for."""
    settings = {**share.settings(), "GATEWAY_VAULT_ADDR": f"http://127.0.0.1:{free_port()}"}
    return start(GATEWAY_PROVIDERS_FILE=str(providers_file), GATEWAY_RATE_FREE="100000", **settings)


pytestmark = pytest.mark.usefixtures("upstream")


def warned(reply: Any) -> dict[str, str]:  # noqa: ANN401 - a Reply
    return {each["provider"]: each["code"] for each in json.loads(reply.body)["warnings"]}


def said(instance: Instance, message: str) -> list[dict[str, Any]]:
    lines = map(json.loads, instance.log.read_text().splitlines())
    return [line for line in lines if line["message"] == message]


def test_what_cannot_be_shown_is_told_apart_from_what_fails(gateway: Instance) -> None:
    reply = gateway.offers()
    assert (reply.status, warned(reply)) == (200, {UNFIT: "no-credential", NONE: "no-credential"})
    for name in (UNFIT, NONE):
        assert gateway.metric(f'gateway_provider_rejections_total{{provider="{name}",why="no-credential"}}') >= 1
    assert [line["provider"] for line in said(gateway, "credential lacks what its provider is shown")] == [UNFIT]
    assert CANARY not in gateway.log.read_text() + reply.body.decode()


def test_questions_are_counted_by_how_they_end(gateway: Instance) -> None:
    gateway.offers()
    assert gateway.metric('gateway_vault_questions_total{op="read",outcome="ok"}') >= 2
    assert gateway.metric('gateway_vault_questions_total{op="read",outcome="absent"}') >= 1
    assert gateway.metric('gateway_vault_question_duration_seconds_count{op="read"}') >= 3
    assert gateway.metric("gateway_vault_away") == 0
    assert json.loads(gateway.ask("/health").body)["dependencies"]["vault"] == "ok"


def test_a_vault_that_is_not_there_is_told_and_every_answer_comes_all_the_same(lonely: Instance) -> None:
    for _ in range(20):
        assert lonely.offers().status == 503
    assert until(lambda: lonely.metric("gateway_vault_away") == 1, at_most_ms=SOON_MS)
    health = lonely.ask("/health")
    assert (health.status, json.loads(health.body)["dependencies"]["vault"]) == (200, "away")
    assert until(lambda: bool(said(lonely, "vault question failed")), at_most_ms=SOON_MS)
    (line,) = said(lonely, "vault question failed")
    assert (line["op"], line["outcome"], line["level"]) == ("read", "away", "warning")


def test_neither_the_role_nor_its_secret_is_in_a_log(gateway: Instance, lonely: Instance, share: VaultShare) -> None:
    gateway.offers()
    lonely.offers()
    logs = gateway.log.read_text() + lonely.log.read_text()
    assert [word for word in (share.role_id, share.secret_id) if word in logs] == []
