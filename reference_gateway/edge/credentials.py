"""The credentials of one instance, from its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_gateway.adapters.vault import QUESTION_S, HvacVault, VaultAccess
from reference_gateway.core.credentials.manager import Outside, VaultCredentialManager
from reference_gateway.core.credentials.said import Times, patience_of
from reference_gateway.core.credentials.secret import Secret
from reference_gateway.edge import clock
from reference_gateway.edge.settings import whole_ms

if TYPE_CHECKING:
    from reference_gateway.core.cache.ports import Runtime
    from reference_gateway.core.credentials.ports import Vault
    from reference_gateway.edge.settings import Settings

NS_PER_MS = 1_000_000
RESERVE = 4
"""A quarter of the deadline is left for the answer, and for what else a request needs."""


def open_vault(settings: Settings) -> HvacVault:
    """Make the way to Vault; nothing is asked before somebody needs it."""
    access = VaultAccess(
        settings.vault_addr, settings.vault_mount, Secret(settings.vault_role_id), Secret(settings.vault_secret_id)
    )
    deadline_s = float(settings.deadline_s)
    question_s = min(float(QUESTION_S), deadline_s - deadline_s / RESERVE)
    return HvacVault(access, lambda: clock.monotonic_ns() // NS_PER_MS, question_s)


def credentials_of(settings: Settings, vault: Vault, runtime: Runtime) -> VaultCredentialManager:
    """Make what this instance knows of Vault."""
    patience_ms = patience_of(whole_ms(settings.deadline_s))
    times = Times(whole_ms(settings.credential_refresh_s), whole_ms(settings.credential_cache_s), patience_ms)
    return VaultCredentialManager(Outside(vault, runtime), times)
