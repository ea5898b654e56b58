"""Where credentials lie under Vault's mount. Source: the contract's section 4."""

from __future__ import annotations


def house_path(provider: str) -> str:
    """The house's credential for a provider."""
    return f"providers/{provider}"


def user_folder(user: str) -> str:
    """All credentials of a user's own."""
    return f"users/{user}/providers"


def user_path(user: str, provider: str) -> str:
    """A user's own credential for a provider."""
    return f"{user_folder(user)}/{provider}"


def path_of(provider: str, user: str | None) -> str:
    """A user's own credential for a provider, or for None the house's."""
    return house_path(provider) if user is None else user_path(user, provider)
