"""The login at a real Vault, by every kind of token that a role may give, and what a refusal costs Vault."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import pytest

from gatespec.clock import MonotonicClock
from reference_gateway.adapters.vault import HvacVault, VaultAccess
from reference_gateway.core.credentials.ports import VaultDenied
from reference_gateway.core.credentials.secret import Secret
from tests.gateway_credentials.reading import read_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gatespec.stack.vault import VaultServer
    from gatespec.stack.vault_api import VaultApi, VaultShare

_NUMBERS = itertools.count()
CLOCK = MonotonicClock()
LATER_MS = 61_000
"""After this a refusal may be for want of a policy that the role has got since."""
TOKENS = 3
"""So many are bought one after the other: the second and the third before anybody notices."""
SOON_MS = 30_000


@pytest.fixture
def share(vault_server: VaultServer) -> VaultShare:
    """A role of each test's own: what one changes no other meets."""
    share = vault_server.share(f"logins-{next(_NUMBERS)}")
    share.put("providers/lambda", {"api_key": "k"})
    return share


class Skewed:
    """The machine's clock, and what a test adds."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def now_ms(self) -> int:
        return CLOCK.now_ms() + self.ahead_ms


@pytest.fixture
def clock() -> Skewed:
    return Skewed()


@pytest.fixture
async def vault(share: VaultShare, clock: Skewed) -> AsyncIterator[HvacVault]:
    access = VaultAccess(share.address, share.mount, Secret(share.role_id), Secret(share.secret_id))
    vault = HvacVault(access, clock.now_ms)
    yield vault
    await vault.close()


def change_role(share: VaultShare, **about: object) -> None:
    """Change what tokens the role gives from now on."""
    kept = {"token_policies": [share.mount], **about}
    share.server.client.auth.approle.create_or_update_approle(share.mount, **kept)


def logins(server: VaultApi, offset: int) -> int:
    asked = (e["request"]["path"] for e in server.audited(offset) if e["type"] == "request")
    return sum(path == "auth/approle/login" for path in asked)


@pytest.mark.parametrize(
    "about",
    [
        {"token_ttl": "2s", "token_max_ttl": "3s"},
        {"token_ttl": "2s", "token_type": "batch"},
        {"token_ttl": "2s", "token_num_uses": 3},
    ],
    ids=["with-a-longest-life", "not-renewable", "of-three-uses"],
)
async def test_a_token_that_cannot_be_kept_is_bought_anew_before_anybody_notices(
    vault: HvacVault, share: VaultShare, about: dict[str, object]
) -> None:
    change_role(share, **about)
    began = share.server.audit_log.stat().st_size
    reads = await read_until(vault, lambda: logins(share.server, began) >= TOKENS, at_most_ms=SOON_MS)
    assert logins(share.server, began) < reads


async def test_a_path_that_a_policy_denies_does_not_have_a_token_bought_each_time(
    vault: HvacVault, share: VaultShare
) -> None:
    await vault.read("providers/lambda")
    began = share.server.audit_log.stat().st_size
    policy = f'path "{share.mount}/data/*" {{ capabilities = ["read"] }}'
    share.server.client.sys.create_or_update_policy(share.mount, policy)
    for _ in range(10):
        with pytest.raises(VaultDenied):
            await vault.names("users/ann/providers")
    assert logins(share.server, began) == 0
    assert await vault.read("providers/lambda") is not None


async def test_a_policy_that_a_role_has_got_since_counts_after_a_while(
    vault: HvacVault, share: VaultShare, clock: Skewed
) -> None:
    change_role(share, token_policies=["default"])
    with pytest.raises(VaultDenied):
        await vault.read("providers/lambda")
    change_role(share)
    with pytest.raises(VaultDenied):
        await vault.read("providers/lambda")
    clock.ahead_ms = LATER_MS
    assert await vault.read("providers/lambda") is not None


async def test_what_every_thread_needs_is_bought_once(vault: HvacVault, share: VaultShare) -> None:
    began = share.server.audit_log.stat().st_size
    found = await asyncio.gather(*(vault.read("providers/lambda") for _ in range(40)))
    assert None not in found
    assert logins(share.server, began) == 1
