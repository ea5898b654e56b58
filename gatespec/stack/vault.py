"""Vault, or the server that has its API: open and audited; each lane has a mount and a login of its own."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import hvac
import requests
from hvac.exceptions import InvalidPath, InvalidRequest, VaultError

from gatespec import verdict
from gatespec.clock import until
from gatespec.errors import unable
from gatespec.stack import ports
from gatespec.stack.environment import base_environment
from gatespec.stack.native import NativeService
from gatespec.stack.process import Command

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from gatespec.stack.finder import Server
    from gatespec.stack.nursery import Nursery

ANSWER_S = 20
"""How long the judge waits for one answer: a seal takes about a second, a busy disk longer."""
OPEN_MS = 20_000
"""How long a server may take from its key to its first answer: it elects itself as a leader."""
MOUNTED_MS = 5_000
"""How long a new mount may take until it keeps versions: it refuses writes until then."""
TOKEN_S = 1200
"""How long a login's token lives, where a lane asks for no other time."""
UNSEALED, STANDBY = 200, 429
OPENBAO = "OpenBao"
POLICY = """
path "{mount}/data/*" {{ capabilities = ["create", "read", "update", "delete"] }}
path "{mount}/metadata/*" {{ capabilities = ["read", "list", "delete"] }}
"""
"""What a gateway may do: everything with the secrets under its mount, and nothing else."""


@dataclass(frozen=True)
class VaultShare:
    """One lane's own part of a Vault: a KV v2 mount, empty, and an AppRole that may use it."""

    server: VaultServer = field(repr=False)
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


class VaultServer(NativeService):
    """One server with its data in a folder; what was written survives a kill, and so does its audit log."""

    def __init__(self, nursery: Nursery, server: Server, name: str = "vault") -> None:
        super().__init__(nursery, name)
        self._server = server
        self._unseal_key = ""
        self._cluster_port = ports.free_port()
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of this machine's has no way to its loopback address
        self.client = hvac.Client(timeout=ANSWER_S, session=self._session)
        """With the root token: the judge's alone."""

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"http://{self.address}"

    @property
    def audit_log(self) -> Path:
        """One JSON line for each request and each response; secrets in it are HMACs."""
        return self._nursery.room(self.name) / "audit.log"

    def audited(self, offset: int = 0) -> Iterator[dict[str, Any]]:
        """Its entries from this byte on; the last line may still be being written."""
        with self.audit_log.open("rb") as lines:
            lines.seek(offset)
            for line in lines:
                if line.endswith(b"\n"):
                    yield json.loads(line)

    def ready(self) -> None:
        """Wait until it answers; initialise it the first time, and unseal it."""
        super().ready()
        self.client.url = self.url
        if not self.client.sys.is_initialized():
            made = self.client.sys.initialize(secret_shares=1, secret_threshold=1)
            self._unseal_key, self.client.token = made["keys"][0], made["root_token"]
        self.unseal()
        if "file/" not in self._audits():
            self.client.sys.enable_audit_device("file", options={"file_path": str(self.audit_log)}, path="file")
        if "approle/" not in self.client.sys.list_auth_methods()["data"]:
            self.client.sys.enable_auth_method("approle")

    def seal(self) -> None:
        """Have it keep its secrets from everyone; takes about a second."""
        self.client.sys.seal()

    def unseal(self) -> None:
        """Give it its key, and wait until it answers again."""
        with suppress(VaultError, requests.RequestException):
            self.client.sys.submit_unseal_key(self._unseal_key)
        if not until(lambda: self._health() == UNSEALED, at_most_ms=OPEN_MS):
            raise unable("vault-sealed", f"{self.name} did not open within {OPEN_MS // 1000} s", tried=self.tail())

    def share(self, name: str, *, token_s: int = TOKEN_S) -> VaultShare:
        """Lend a mount of this name, emptied, and a new login for it whose tokens live for `token_s`."""
        with suppress(VaultError):
            self.client.sys.disable_secrets_engine(name)
        self.client.sys.enable_secrets_engine("kv", path=name, options={"version": "2"})
        self.client.sys.create_or_update_policy(name, POLICY.format(mount=name))
        roles = self.client.auth.approle
        roles.create_or_update_approle(name, token_policies=[name], token_ttl=f"{token_s}s")
        role = roles.read_role_id(name)["data"]["role_id"]
        secret = roles.generate_secret_id(name)["data"]["secret_id"]
        if not until(lambda: self._keeps_versions(name), at_most_ms=MOUNTED_MS):
            raise unable("vault-slow", f"the mount {name} was not ready within {MOUNTED_MS // 1000} s")
        return VaultShare(self, self.url, name, role, secret)

    def described(self) -> verdict.Service:
        """Server, version, why, address."""
        found = self._server
        return verdict.Service(found.role, found.name, found.version, found.why, self.address)

    def _keeps_versions(self, mount: str) -> bool:
        try:
            self.client.secrets.kv.v2.create_or_update_secret("ready", secret={"is": "it"}, mount_point=mount)
            self.client.secrets.kv.v2.delete_metadata_and_all_versions("ready", mount_point=mount)
        except InvalidRequest:
            return False
        return True

    def _audits(self) -> Mapping[str, object]:
        found: Mapping[str, object] = self.client.sys.list_enabled_audit_devices()["data"]
        return found

    def _command(self, port: int) -> Command:
        room = self._nursery.room(self.name)
        (room / "data").mkdir(exist_ok=True)
        file = room / "vault.hcl"
        file.write_text(self._config(port, room), encoding="utf-8")
        return Command(self.name, (str(self._server.path), "server", f"-config={file}"), room, base_environment())

    def _config(self, port: int, room: Path) -> str:
        """Vault takes its audit device from the API alone, OpenBao from its file alone."""
        here, cluster = f"{ports.LOOPBACK}:{port}", f"{ports.LOOPBACK}:{self._cluster_port}"
        audit = f'audit "file" "file" {{\n  options {{\n    file_path = "{self.audit_log}"\n  }}\n}}\n'
        return (
            f'ui = false\napi_addr = "http://{here}"\ncluster_addr = "http://{cluster}"\n'
            f'storage "raft" {{\n  path = "{room}/data"\n  node_id = "{self.name}"\n  performance_multiplier = 1\n}}\n'
            f'listener "tcp" {{\n  address = "{here}"\n  cluster_address = "{cluster}"\n  tls_disable = true\n}}\n'
        ) + (audit if self._server.name == OPENBAO else "disable_mlock = true\n")

    def _answers(self) -> bool:
        return self._health() is not None

    def _health(self) -> int | None:
        """Its own word: 200 open, 429 standby, 501 not initialised, 503 sealed; None where nothing answers."""
        try:
            return self._session.get(f"{self.url}/v1/sys/health", timeout=1.0).status_code
        except requests.RequestException:
            return None
