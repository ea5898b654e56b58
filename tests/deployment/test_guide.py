"""What the guide has people type fits the manifests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from k8s.check.rendered import OVERLAYS
from tests.deployment.manifests import of_kind, rendered
from tests.repository.checkout import ROOT
from tests.repository.pages import read, shell_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

GUIDE = read(ROOT / "docs" / "guides" / "kubernetes.md")
LINES = list(shell_lines(GUIDE))
PRODUCTION = rendered("production")


def put_into_vault() -> set[tuple[str, str]]:
    """Every key of every secret that the guide writes."""
    return {
        (words[4], pair.partition("=")[0])
        for words in LINES
        if words[:4] == ["vault", "kv", "put", "-mount=secret"]
        for pair in words[5:]
    }


def read_from_vault() -> Iterator[tuple[str, str]]:
    for one in of_kind(PRODUCTION, "ExternalSecret"):
        yield from ((row["remoteRef"]["key"], row["remoteRef"]["property"]) for row in one["spec"]["data"])


def test_what_is_put_into_vault_is_what_is_read_there() -> None:
    assert put_into_vault() == set(read_from_vault())


def test_whoever_reads_it_may_and_may_read_nothing_else() -> None:
    (store,) = of_kind(PRODUCTION, "SecretStore")
    vault = store["spec"]["provider"]["vault"]
    (policy,) = re.findall(r'^path "(\S+)\*"', GUIDE.text, re.MULTILINE)
    assert all(f"{vault['path']}/data/{key}".startswith(policy) for key, _ in read_from_vault())
    (role,) = [words for words in LINES if words[:2] == ["vault", "write"]]
    login = vault["auth"]["kubernetes"]
    assert role[2] == f"auth/{login['mountPath']}/role/{login['role']}"
    assert f"bound_service_account_names={login['serviceAccountRef']['name']}" in role
    assert f"bound_service_account_namespaces={store['metadata']['namespace']}" in role


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_object_that_is_named_exists(overlay: str) -> None:
    there = {(one["kind"].lower(), one["metadata"]["name"]) for one in rendered(overlay)}
    named = re.findall(r"\b(job|statefulset|service)/([a-z0-9-]+)", GUIDE.text)
    assert len(named) >= 5
    assert set(named) <= there


def test_each_folder_and_file_of_a_command_exists() -> None:
    paths = [word for words in LINES for word in words if word.startswith("k8s/")]
    assert len(paths) >= 4
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_callers_bear_the_label_that_the_policy_asks_for() -> None:
    (policy,) = [one for one in of_kind(PRODUCTION, "NetworkPolicy") if one["metadata"]["name"] == "gateway"]
    ((key, value),) = policy["spec"]["ingress"][0]["from"][0]["namespaceSelector"]["matchLabels"].items()
    assert f"kubectl label namespace ingress-nginx {key}={value}" in GUIDE.text
