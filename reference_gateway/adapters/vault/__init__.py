"""Vault: a client of its API, and the login that keeps it open."""

from reference_gateway.adapters.vault.client import QUESTION_S, HvacVault
from reference_gateway.adapters.vault.login import VaultAccess

__all__ = ["QUESTION_S", "HvacVault", "VaultAccess"]
