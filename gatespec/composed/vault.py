"""`python -m gatespec.composed.vault`: keep the local stack's Vault open, and let the gateway in.

A Vault that starts again is sealed, and this stack has nobody with the keys at hand: this process has them, and no
other does. In production people or a cloud's key service unseal it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hvac.exceptions import VaultError

from gatespec.clock import until
from gatespec.composed import places
from gatespec.errors import GatespecError, unable
from gatespec.providers.simulator import house_credential
from gatespec.stack.vault_api import UNSEALED, VaultApi, VaultShare
from gatespec.vault_paths import house_path

if TYPE_CHECKING:
    from typing import NoReturn

KEYS = places.VAULT / places.KEYS
LOGIN = places.GATEWAY / "vault.env"
OPEN = Path("/tmp/open")  # noqa: S108 - a tmpfs of this container's own; its health check looks for it
LOOK_MS = 2_000
STARTS_MS = 60_000
ALL_TIME_S = 768 * 3600
"""How long a login's token may live: Vault's own most."""


def main() -> int:
    """Open it now, and whenever it is found closed."""
    vault = VaultApi("vault", places.VAULT_URL)
    try:
        _open(vault)
        _let_in(vault)
        OPEN.touch()
        _keep(vault)
    except GatespecError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the container's log
        return int(error.exit_code)


def _open(vault: VaultApi) -> None:
    if not until(lambda: vault.health() is not None, at_most_ms=STARTS_MS):
        raise unable("vault-silent", f"nothing answers at {vault.url}", hint="docker compose logs vault")
    if key := vault.initialise():
        places.write(KEYS, json.dumps({"key": key, "root_token": vault.client.token}), 0o600)
    keys = _keys()
    vault.client.token = keys["root_token"]
    if vault.health() != UNSEALED:
        vault.unseal_with(keys["key"])


def _keys() -> dict[str, Any]:
    try:
        keys: dict[str, Any] = json.loads(KEYS.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        lost = "Vault has data, and the keys to it are lost"
        hint = "begin anew: docker compose down -v, then docker compose up --wait"
        raise unable("vault-keys-lost", lost, tried=str(KEYS), hint=hint) from error
    return keys


def _let_in(vault: VaultApi) -> None:
    """Have a mount, a login for the gateway, and the house's credentials; what is there already stays."""
    vault.accept_logins()
    if f"{places.MOUNT}/" not in vault.client.sys.list_mounted_secrets_engines()["data"]:
        vault.mount(places.MOUNT)
        LOGIN.unlink(missing_ok=True)
    if not LOGIN.exists():
        role, secret = vault.login(places.MOUNT, token_s=ALL_TIME_S)
        given = {"GATEWAY_VAULT_ROLE_ID": role, "GATEWAY_VAULT_SECRET_ID": secret}
        places.write(LOGIN, places.as_shell(given), 0o640)
    share = VaultShare(vault, vault.url, places.MOUNT, "", "")
    for name in places.providers():
        if share.get(house_path(name)) is None:
            share.put(house_path(name), house_credential(name, name))


def _keep(vault: VaultApi) -> NoReturn:
    while True:  # until the container ends
        until(lambda: vault.health() != UNSEALED, at_most_ms=LOOK_MS)
        if vault.health() not in {UNSEALED, None}:
            try:
                vault.unseal_with(_keys()["key"])
            except (VaultError, GatespecError) as error:
                print(f"not open yet: {error}", file=sys.stderr)  # noqa: T201 - as above


if __name__ == "__main__":
    sys.exit(main())
