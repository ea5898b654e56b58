"""What the judge asks of any Vault that it may administer: one it started, one in a container, one that is there."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import hvac
import requests
from hvac.exceptions import InvalidPath, InvalidRequest, VaultError

from gatespec.clock import until
from gatespec.errors import unable
from gatespec.ports import Untestable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ANSWER_S = 20
"""How long the judge waits for one answer: a seal takes about a second, a busy disk longer."""
OPEN_MS = 20_000
"""How long a server may take from its key to its first answer: it elects itself as a leader."""
MOUNTED_MS = 5_000
"""How long a new mount may take until it keeps versions: it refuses writes until then."""
TOKEN_S = 1200
"""How long a login's token lives, where a lane asks for no other time."""
UNSEALED, STANDBY = 200, 429
POLICY = """
path "{mount}/data/*" {{ capabilities = ["create", "read", "update", "delete"] }}
path "{mount}/metadata/*" {{ capabilities = ["read", "list", "delete"] }}
"""
"""What a gateway may do: everything with the secrets under its mount, and nothing else."""


@dataclass(frozen=True)
class VaultShare:
    """One lane's own part of a Vault: a KV v2 mount, empty, and an AppRole that may use it."""

    server: VaultApi = field(repr=False)
    address: str
    """`http://host:port`, as its gateway is told: perhaps of a proxy in front of it."""
    mount: str
    role_id: str = field(repr=False)
    secret_id: str = field(repr=False)

    def settings(self) -> dict[str, str]:
        """The same under the contract's names."""
        return {
            "GATEWAY_VAULT_ADDR": self.address,
            "GATEWAY_VAULT_ROLE_ID": self.role_id,
            "GATEWAY_VAULT_SECRET_ID": self.secret_id,
            "GATEWAY_VAULT_MOUNT": self.mount,
        }

    def put(self, path: str, fields: Mapping[str, str]) -> None:
        """Write a new version of a secret."""
        kv = self.server.client.secrets.kv.v2
        kv.create_or_update_secret(path, secret=dict(fields), mount_point=self.mount)

    def get(self, path: str) -> dict[str, str] | None:
        """Its newest version; None where there is none."""
        kv = self.server.client.secrets.kv.v2
        with suppress(InvalidPath):
            read = kv.read_secret_version(path, mount_point=self.mount, raise_on_deleted_version=True)
            return dict(read["data"]["data"])
        return None

    def delete(self, path: str) -> None:
        """Delete every version of it."""
        self.server.client.secrets.kv.v2.delete_metadata_and_all_versions(path, mount_point=self.mount)


class VaultApi:
    """A client with the root token, or one that may as much: the judge's alone."""

    def __init__(self, name: str, url: str = "", token: str | None = None) -> None:
        self.name = name
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of this machine's has no way to its loopback address
        self.client = hvac.Client(url=url, token=token, timeout=ANSWER_S, session=self._session)

    @property
    def url(self) -> str:
        """Where clients connect."""
        return str(self.client.url)

    @property
    def address(self) -> str:
        """Its host and port."""
        return urlsplit(self.url).netloc

    def initialise(self) -> str | None:
        """Make its keys, the first time, and become root; the one unseal key, None where somebody had it already."""
        if self.client.sys.is_initialized():
            return None
        made = self.client.sys.initialize(secret_shares=1, secret_threshold=1)
        self.client.token = made["root_token"]
        return str(made["keys"][0])

    def unseal_with(self, key: str) -> None:
        """Give it its key, and wait until it answers again."""
        with suppress(VaultError, requests.RequestException):
            self.client.sys.submit_unseal_key(key)
        if not until(lambda: self.health() == UNSEALED, at_most_ms=OPEN_MS):
            raise unable("vault-sealed", f"{self.name} did not open within {OPEN_MS // 1000} s")

    def accept_logins(self) -> None:
        """Have it know AppRole."""
        if "approle/" not in self.client.sys.list_auth_methods()["data"]:
            self.client.sys.enable_auth_method("approle")

    def mount(self, name: str) -> None:
        """Mount a KV v2 engine under this name, empty, and wait until it takes writes."""
        with suppress(VaultError):
            self.client.sys.disable_secrets_engine(name)
        self.client.sys.enable_secrets_engine("kv", path=name, options={"version": "2"})
        if not until(lambda: self._keeps_versions(name), at_most_ms=MOUNTED_MS):
            raise unable("vault-slow", f"the mount {name} was not ready within {MOUNTED_MS // 1000} s")

    def login(self, name: str, *, token_s: int = TOKEN_S) -> tuple[str, str]:
        """A new login, role id and secret id, that may use the mount of this name; its tokens live for `token_s`."""
        self.client.sys.create_or_update_policy(name, POLICY.format(mount=name))
        roles = self.client.auth.approle
        roles.create_or_update_approle(name, token_policies=[name], token_ttl=f"{token_s}s")
        role = roles.read_role_id(name)["data"]["role_id"]
        return str(role), str(roles.generate_secret_id(name)["data"]["secret_id"])

    def share(self, name: str, *, token_s: int = TOKEN_S) -> VaultShare:
        """Lend a mount of this name, emptied, and a new login for it."""
        self.mount(name)
        return VaultShare(self, self.url, name, *self.login(name, token_s=token_s))

    def forget(self, name: str) -> None:
        """Take back what was lent under this name."""
        with suppress(VaultError, requests.RequestException):
            self.client.sys.disable_secrets_engine(name)
            self.client.auth.approle.delete_role(name)
            self.client.sys.delete_policy(name)

    @property
    def audit_log(self) -> Path:
        """Its file of one JSON line for each request and each response."""
        raise Untestable(f"{self.name} is not the judge's: its audit log is out of reach")

    def audited(self, offset: int = 0) -> Iterator[dict[str, Any]]:
        """Its audited requests and responses from this byte on; the last line may still be being written."""
        with self.audit_log.open("rb") as lines:
            lines.seek(offset)
            for line in lines:
                if line.endswith(b"\n"):
                    yield json.loads(line)

    def seal(self) -> None:
        """Have it keep its secrets from everyone; takes about a second."""
        raise Untestable(f"{self.name} is not the judge's: others may need it open")

    def unseal(self) -> None:
        """Open it again."""
        raise Untestable(f"{self.name} is not the judge's: it has no key of it")

    def _keeps_versions(self, mount: str) -> bool:
        try:
            self.client.secrets.kv.v2.create_or_update_secret("ready", secret={"is": "it"}, mount_point=mount)
            self.client.secrets.kv.v2.delete_metadata_and_all_versions("ready", mount_point=mount)
        except InvalidRequest:
            return False
        return True

    def health(self) -> int | None:
        """Its own word: 200 open, 429 standby, 501 not initialised, 503 sealed; None where nothing answers."""
        try:
            return self._session.get(f"{self.url}/v1/sys/health", timeout=1.0).status_code
        except requests.RequestException:
            return None
