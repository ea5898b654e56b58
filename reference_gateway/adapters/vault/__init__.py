"""Vault: a client of its API, and the login that keeps it open."""

from reference_gateway.adapters.vault.client import HvacVault
from reference_gateway.adapters.vault.login import VaultAccess

__all__ = ["HvacVault", "VaultAccess"]
