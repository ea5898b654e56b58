"""What is an answer of Vault's, and what only stands where one should: a proxy's page, another service's not-found.

Nothing that Vault did not say is taken for its word: that a credential is gone, or that a user never had one, ends
calls, and changes with whose credential somebody reads.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reference_gateway.core.credentials.ports import VaultAway

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hvac.exceptions import InvalidPath


def data_of(said: object) -> Mapping[str, Any]:
    """Return what an answer holds; raises `VaultAway` where it is none of Vault's."""
    data = said.get("data") if isinstance(said, dict) else None
    if not isinstance(data, dict):
        raise VaultAway("what answers is not Vault")
    return data


def check_absent(error: InvalidPath) -> None:
    """Raise `VaultAway` unless a 404 says that there is nothing at a path: Vault names no error then.

    It names one where nothing is mounted, and tells of its deletion where the newest version was deleted.
    """
    told = _decoded(error.text)
    if not isinstance(told, dict) or told.get("errors") or not {"errors", "data"} & told.keys():
        raise VaultAway("what answers is not this mount")


def _decoded(text: str | None) -> object:
    try:
        return json.loads(text or "")
    except ValueError:
        return None
