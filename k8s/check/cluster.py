"""etcd and kube-apiserver on the loopback address: a cluster without nodes, whose answers are those of a real one."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gatespec.errors import unable
from gatespec.stack.environment import base_environment
from gatespec.stack.native import NativeService
from gatespec.stack.ports import LOOPBACK, accepts, free_port
from gatespec.stack.process import Command
from k8s.check.build import built
from k8s.check.rendered import Manifest, kubectl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from gatespec.stack.nursery import Nursery

READY_S = 120.0
"""The API server writes its own objects first: 5 s on a quiet machine."""
ASK_S = 60
ESTABLISH_S = 30
KEY_BITS = 2048


class Etcd(NativeService):
    """What the API server keeps its objects in."""

    def _command(self, port: int) -> Command:
        etcd = shutil.which("etcd")
        if etcd is None:
            hint = "install it (Debian: etcd-server), or put an etcd 3.4 or newer on PATH"
            raise unable("etcd-missing", "there is no `etcd` for kube-apiserver to write to", tried="PATH", hint=hint)
        here, peers = f"http://{LOOPBACK}:{port}", f"http://{LOOPBACK}:{free_port()}"
        own = ("--listen-client-urls", here, "--advertise-client-urls", here, "--listen-peer-urls", peers)
        first = ("--initial-advertise-peer-urls", peers, "--initial-cluster", f"default={peers}")
        argv = (etcd, "--data-dir", str(self._nursery.room(self.name)), *own, *first)
        return Command(self.name, argv, self._nursery.folder, base_environment())

    def _answers(self) -> bool:
        return accepts(self.port)


class ApiServer(NativeService):
    """A kube-apiserver that knows one person, who may do everything."""

    ready_s = READY_S

    def __init__(self, nursery: Nursery, binary: Path, etcd: Etcd) -> None:
        super().__init__(nursery, "kube-apiserver")
        self._binary, self._etcd, self._token = binary, etcd, secrets.token_hex(32)

    @property
    def kubeconfig(self) -> Path:
        """How kubectl finds it and is known to it."""
        server = {"server": f"https://{self.address}", "certificate-authority": str(self._room / "apiserver.crt")}
        said = {
            "clusters": [{"name": "check", "cluster": server}],
            "users": [{"name": "check", "user": {"token": self._token}}],
            "contexts": [{"name": "check", "context": {"cluster": "check", "user": "check"}}],
            "current-context": "check",
        }
        path = self._room / "kubeconfig"
        path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **said}), encoding="utf-8")
        return path

    @property
    def _room(self) -> Path:
        return self._nursery.room(self.name)

    def _command(self, port: int) -> Command:
        keys = _key_pair(self._room)
        tokens = self._room / "tokens.csv"
        tokens.write_text(f"{self._token},check,check,system:masters\n", encoding="utf-8")
        said = {
            "etcd-servers": f"http://{self._etcd.address}",
            "bind-address": LOOPBACK,
            "advertise-address": LOOPBACK,
            "secure-port": port,
            "cert-dir": self._room,
            "token-auth-file": tokens,
            "authorization-mode": "RBAC",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": keys,
            "service-account-signing-key-file": keys,
            "service-cluster-ip-range": "10.96.0.0/16",
            "endpoint-reconciler-type": "none",
        }
        argv = (str(self._binary), *(f"--{name}={value}" for name, value in said.items()))
        return Command(self.name, argv, self._nursery.folder, base_environment())

    def _answers(self) -> bool:
        return accepts(self.port) and ask(self.kubeconfig, "get", "--raw=/readyz").taken


def _key_pair(room: Path) -> Path:
    """Write an RSA key; the API server takes its public half from the same file."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    path = room / "service-accounts.pem"
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return path


@dataclass(frozen=True)
class Answer:
    """Whether the API server took it without a warning, and all that was said."""

    taken: bool
    said: str


def ask(kubeconfig: Path, *words: str, given: Iterable[Manifest] = ()) -> Answer:
    """Ask one question by kubectl; objects go in by stdin."""
    argv = [str(kubectl()), f"--kubeconfig={kubeconfig}", f"--request-timeout={ASK_S}s", *words]
    done = subprocess.run(
        argv, input=yaml.safe_dump_all(given), capture_output=True, text=True, timeout=2 * ASK_S, check=False
    )
    return Answer(done.returncode == 0 and "Warning:" not in done.stderr, done.stdout + done.stderr)


@contextmanager
def running(nursery: Nursery) -> Iterator[ApiServer]:
    """Start both, lend the API server, end both."""
    etcd = Etcd(nursery, "etcd")
    server = ApiServer(nursery, built(), etcd)
    for service in (etcd, server):
        service.start()
        service.ready()
    try:
        yield server
    finally:
        server.stop()
        etcd.stop()
