"""The client of Vault, on a real one: its login is kept, and whatever Vault does has a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatespec.clock import MonotonicClock, until
from reference_gateway.adapters.vault import HvacVault, VaultAccess
from reference_gateway.core.credentials.paths import segment, user_folder, user_path
from reference_gateway.core.credentials.ports import VaultAway, VaultDenied
from reference_gateway.core.credentials.secret import Secret
from tests.gateway_credentials.reading import read_until
from tests.servers import running_vault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from gatespec.stack.nursery import Nursery
    from gatespec.stack.vault import VaultServer
    from gatespec.stack.vault_api import VaultShare

TOKEN_S = 2
LOGIN, RENEW = "auth/approle/login", "auth/token/renew-self"
CLOCK = MonotonicClock()


@pytest.fixture(scope="module")
def breakable(stack_nursery: Nursery) -> Iterator[VaultServer]:
    """This file's own, to seal and to kill; each test mends what it broke."""
    with running_vault(stack_nursery, "vault-to-break") as server:
        yield server


@pytest.fixture(scope="module")
def share(breakable: VaultServer) -> VaultShare:
    return breakable.share("clients", token_s=TOKEN_S)


def client_of(share: VaultShare, secret_id: str = "") -> HvacVault:
    access = VaultAccess(share.address, share.mount, Secret(share.role_id), Secret(secret_id or share.secret_id))
    return HvacVault(access, CLOCK.now_ms)


@pytest.fixture
async def vault(share: VaultShare) -> AsyncIterator[HvacVault]:
    client = client_of(share)
    yield client
    await client.close()


def logins(server: VaultServer, offset: int) -> list[str]:
    """Which of the paths about tokens were asked, in order."""
    asked = (e["request"]["path"] for e in server.audited(offset) if e["type"] == "request")
    return [path for path in asked if path in {LOGIN, RENEW}]


def accessors(server: VaultServer) -> set[str]:
    """Of every token that is good now."""
    return set(server.client.auth.token.list_accessors()["data"]["keys"])


async def test_a_secret_is_read_listed_written_and_deleted(vault: HvacVault, share: VaultShare) -> None:
    share.put("providers/lambda", {"api_key": "k-1"})
    found = await vault.read("providers/lambda")
    assert found == {"api_key": Secret("k-1")}
    assert "k-1" not in repr(found)
    assert await vault.read("providers/none") is None
    await vault.write("users/ann/providers/verda", {"client_id": Secret("i"), "client_secret": Secret("s")})
    assert share.get("users/ann/providers/verda") == {"client_id": "i", "client_secret": "s"}
    assert list(await vault.names("users/ann/providers")) == ["verda"]
    assert list(await vault.names("users/nobody/providers")) == []
    assert await vault.delete("users/ann/providers/verda") is True
    assert await vault.delete("users/ann/providers/verda") is False
    assert list(await vault.names("users/ann/providers")) == []


async def test_the_newest_version_is_read(vault: HvacVault, share: VaultShare) -> None:
    for key in ("first", "second"):
        share.put("providers/rotated", {"api_key": key})
    assert await vault.read("providers/rotated") == {"api_key": Secret("second")}


@pytest.mark.parametrize("sub", ["ann", "a/b", "..", ".", "%2e%2e", "a b", "ü", "auth0|x", "a?b#c", "-"])
async def test_a_subject_of_any_spelling_has_a_folder_of_his_own(vault: HvacVault, sub: str) -> None:
    await vault.write(user_path(sub, "lambda"), {"api_key": Secret(sub)})
    assert list(await vault.names(user_folder(sub))) == [segment("lambda")]
    assert await vault.read(user_path(sub, "lambda")) == {"api_key": Secret(sub)}
    await vault.delete(user_path(sub, "lambda"))


@pytest.mark.parametrize("fields", [{}, {"api_key": 5}, {"api_key": None}, {"nested": {"api_key": "x"}}])
async def test_what_is_no_credential_is_none(vault: HvacVault, share: VaultShare, fields: dict[str, str]) -> None:
    share.put("providers/odd", fields)
    assert await vault.read("providers/odd") is None


async def test_the_token_is_renewed_before_it_ends(vault: HvacVault, share: VaultShare, breakable: VaultServer) -> None:
    share.put("providers/lambda", {"api_key": "k"})
    began = breakable.audit_log.stat().st_size
    await read_until(vault, lambda: logins(breakable, began).count(RENEW) >= 3, at_most_ms=10 * TOKEN_S * 1000)
    asked = logins(breakable, began)
    assert asked[0] == LOGIN
    assert asked.count(LOGIN) == 1, "a renewed token needs no other login"


async def test_a_token_that_ended_is_bought_anew(vault: HvacVault, share: VaultShare, breakable: VaultServer) -> None:
    share.put("providers/lambda", {"api_key": "k"})
    before = accessors(breakable)
    await vault.read("providers/lambda")
    (bought,) = accessors(breakable) - before
    began = breakable.audit_log.stat().st_size
    assert until(lambda: bought not in accessors(breakable), at_most_ms=10 * TOKEN_S * 1000)
    assert await vault.read("providers/lambda") is not None
    assert logins(breakable, began) == [LOGIN]


async def test_a_token_that_was_revoked_is_bought_anew(vault: HvacVault, share: VaultShare) -> None:
    share.put("providers/lambda", {"api_key": "k"})
    await vault.read("providers/lambda")
    share.server.client.sys.revoke_prefix("auth/approle/login/")
    assert await vault.read("providers/lambda") is not None


async def test_a_role_that_is_refused_is_vault_away_and_nothing_is_told_of_it(share: VaultShare) -> None:
    stranger = client_of(share, "a-secret-id-of-nobody")
    with pytest.raises(VaultAway) as refused:
        await stranger.read("providers/lambda")
    assert "a-secret-id-of-nobody" not in f"{refused.value!r} {refused.value.__cause__!r} {refused.value.__context__!r}"
    await stranger.close()


async def test_another_mount_is_denied(share: VaultShare) -> None:
    other = HvacVault(
        VaultAccess(share.address, "elsewhere", Secret(share.role_id), Secret(share.secret_id)), CLOCK.now_ms
    )
    with pytest.raises(VaultDenied):
        await other.read("providers/lambda")
    await other.close()


async def test_a_seal_and_a_kill_are_vault_away_and_pass(
    vault: HvacVault, share: VaultShare, breakable: VaultServer
) -> None:
    share.put("providers/lambda", {"api_key": "k"})
    await vault.read("providers/lambda")
    breakable.seal()
    with pytest.raises(VaultAway):
        await vault.read("providers/lambda")
    breakable.unseal()
    assert await vault.read("providers/lambda") is not None
    breakable.kill()
    with pytest.raises(VaultAway):
        await vault.read("providers/lambda")
    breakable.start()
    breakable.ready()
    assert await vault.read("providers/lambda") is not None


async def test_a_vault_that_hangs_is_given_up(vault: HvacVault, share: VaultShare, breakable: VaultServer) -> None:
    share.put("providers/lambda", {"api_key": "k"})
    breakable.pause()
    try:
        with pytest.raises(VaultAway):
            await vault.read("providers/lambda")
    finally:
        breakable.resume()
    assert until(lambda: share.get("providers/lambda") is not None, at_most_ms=5_000)
    assert await vault.read("providers/lambda") is not None
