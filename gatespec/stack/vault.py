"""Vault, or the server that has its API: open and audited; each lane has a mount and a login of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec import verdict
from gatespec.stack import ports
from gatespec.stack.environment import base_environment
from gatespec.stack.native import NativeService
from gatespec.stack.process import Command
from gatespec.stack.vault_api import VaultApi

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatespec.stack.finder import Server
    from gatespec.stack.nursery import Nursery

OPENBAO = "OpenBao"


class VaultServer(NativeService, VaultApi):
    """One server with its data in a folder; what was written survives a kill, and so does its audit log."""

    def __init__(self, nursery: Nursery, server: Server, name: str = "vault") -> None:
        NativeService.__init__(self, nursery, name)
        VaultApi.__init__(self, name)
        self._server = server
        self._unseal_key = ""
        self._cluster_port = ports.free_port()

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"http://{self.address}"

    @property
    def audit_log(self) -> Path:
        """One JSON line for each request and each response; secrets in it are HMACs."""
        return self._nursery.room(self.name) / "audit.log"

    def ready(self) -> None:
        """Wait until it answers; initialise it the first time, and unseal it."""
        super().ready()
        self.client.url = self.url
        self._unseal_key = self.initialise() or self._unseal_key
        self.unseal()
        if "file/" not in self._audits():
            self.client.sys.enable_audit_device("file", options={"file_path": str(self.audit_log)}, path="file")
        self.accept_logins()

    def seal(self) -> None:
        """Have it keep its secrets from everyone; takes about a second."""
        self.client.sys.seal()

    def unseal(self) -> None:
        """Give it its key, and wait until it answers again."""
        self.unseal_with(self._unseal_key)

    def described(self) -> verdict.Service:
        """Server, version, why, address."""
        found = self._server
        return verdict.Service(found.role, found.name, found.version, found.why, self.address)

    def _audits(self) -> Mapping[str, object]:
        found: Mapping[str, object] = self.client.sys.list_enabled_audit_devices()["data"]
        return found

    def _command(self, port: int) -> Command:
        room = self._nursery.room(self.name)
        (room / "data").mkdir(exist_ok=True)
        file = room / "vault.hcl"
        file.write_text(self._config(port, room), encoding="utf-8")
        argv = (str(self._server.path), "server", f"-config={file}")
        return Command(self.name, argv, room, base_environment(), image=self._server.image)

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
        return self.health() is not None
