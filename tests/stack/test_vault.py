"""Vault on this machine: opened, shared out, sealed, killed and found again with what it held."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hvac
import pytest
from hvac.exceptions import Forbidden, VaultDown

from tests.servers import running_vault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatespec.stack.nursery import Nursery
    from gatespec.stack.vault import VaultServer
    from gatespec.stack.vault_api import VaultShare


@pytest.fixture(scope="module")
def vault(stack_nursery: Nursery) -> Iterator[VaultServer]:
    with running_vault(stack_nursery, "vault-of-tests") as server:
        yield server


def client(share: VaultShare) -> hvac.Client:
    """Whoever logs in as the lane's gateway."""
    found = hvac.Client(url=share.address)
    found.auth.approle.login(share.role_id, share.secret_id)
    return found


def read(who: hvac.Client, share: VaultShare, path: str) -> object:
    kv = who.secrets.kv.v2
    return kv.read_secret_version(path, mount_point=share.mount, raise_on_deleted_version=True)["data"]["data"]


def test_a_share_reads_its_own_mount_and_no_other(vault: VaultServer) -> None:
    one, other = vault.share("one"), vault.share("other")
    one.put("providers/lambda", {"api_key": "k"})
    other.put("providers/lambda", {"api_key": "of another"})
    gateway = client(one)
    assert read(gateway, one, "providers/lambda") == {"api_key": "k"}
    with pytest.raises(Forbidden):
        read(gateway, other, "providers/lambda")


def test_a_share_lent_again_is_empty(vault: VaultServer) -> None:
    vault.share("again").put("providers/lambda", {"api_key": "k"})
    assert vault.share("again").get("providers/lambda") is None


def test_a_token_lives_as_long_as_was_asked_and_is_renewed(vault: VaultServer) -> None:
    share = vault.share("short", token_s=7)
    found = client(share)
    assert found.auth.token.lookup_self()["data"]["creation_ttl"] == 7
    assert found.auth.token.renew_self()["auth"]["lease_duration"] == 7


def test_a_seal_keeps_everyone_out_until_it_is_broken(vault: VaultServer) -> None:
    share = vault.share("sealed")
    share.put("providers/lambda", {"api_key": "k"})
    gateway = client(share)
    vault.seal()
    with pytest.raises(VaultDown):
        read(gateway, share, "providers/lambda")
    vault.unseal()
    assert read(gateway, share, "providers/lambda") == {"api_key": "k"}


def test_a_kill_loses_nothing(vault: VaultServer) -> None:
    share = vault.share("killed")
    share.put("providers/lambda", {"api_key": "k"})
    gateway = client(share)
    vault.kill()
    vault.start()
    vault.ready()
    assert read(gateway, share, "providers/lambda") == {"api_key": "k"}


def test_the_audit_log_says_who_read_what_and_no_secret(vault: VaultServer) -> None:
    share = vault.share("audited")
    share.put("providers/lambda", {"api_key": "a-canary-that-nobody-shall-see"})
    began = vault.audit_log.stat().st_size
    read(client(share), share, "providers/lambda")
    paths = [entry["request"]["path"] for entry in vault.audited(began)]
    assert paths.count("audited/data/providers/lambda") == 2  # the request and its response
    assert "a-canary-that-nobody-shall-see" not in vault.audit_log.read_text()
