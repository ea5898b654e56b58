"""`python -m gatespec.composed.secrets`: make what is secret in the local stack, the first time, and hand it out.

It runs as root, with no more of root's powers than to give files away: every other container reads its own alone.
"""

from __future__ import annotations

import os
import secrets
import sys
from typing import TYPE_CHECKING

from gatespec.composed import places
from gatespec.read_ports import Shape
from gatespec.stack.keys import SigningKey, make_signing_key
from gatespec.stack.providers_file import Provider, write_providers_file

if TYPE_CHECKING:
    from pathlib import Path

TO_OWNER, TO_GROUP = 0o400, 0o640


def main() -> int:
    """Make what is missing; what is there stays as it is."""
    _own(places.POSTGRES, places.POSTGRES_UID, places.POSTGRES_UID)
    _own(places.VAULT, places.JUDGE_UID, places.JUDGE_UID)
    _own(places.GATEWAY, places.JUDGE_UID, places.GATEWAY_GID)
    password = _password(places.POSTGRES / places.PASSWORD)
    _settings(places.GATEWAY, password)
    return 0


def _own(folder: Path, uid: int, gid: int) -> None:
    folder.chmod(0o750)
    os.chown(folder, uid, gid)


def _password(file: Path) -> str:
    if not file.exists():
        places.write(file, secrets.token_urlsafe(24), TO_OWNER)
        os.chown(file, places.POSTGRES_UID, places.POSTGRES_UID)
    return file.read_text(encoding="utf-8")


def _settings(folder: Path, password: str) -> None:
    """The gateway's: where its services are, and whom it trusts."""
    key = _signing_key(folder)
    database = f"postgresql://{places.OWNER}:{password}@{places.POSTGRES_HOST}/{places.DATABASE}"
    given = {
        "GATEWAY_DATABASE_URL": database,
        "GATEWAY_REDIS_URL": places.REDIS_URL,
        "GATEWAY_VAULT_ADDR": places.VAULT_URL,
        "GATEWAY_VAULT_MOUNT": places.MOUNT,
        "GATEWAY_PROVIDERS_FILE": str(folder / "providers.toml"),
        **key.settings(),
    }
    places.write(folder / "settings.env", places.as_shell(given), TO_GROUP)
    simulated = [Provider(name, Shape(name)) for name in places.providers()]
    write_providers_file(folder / "providers.toml", simulated, places.SIMULATORS_URL)
    for file in folder.iterdir():
        if file.name != "vault.env":
            file.chmod(TO_GROUP)
            os.chown(file, places.JUDGE_UID, places.GATEWAY_GID)


def _signing_key(folder: Path) -> SigningKey:
    there = SigningKey.lying_in(folder)
    return there if there.private_key_file.exists() else make_signing_key(folder)


if __name__ == "__main__":
    sys.exit(main())
