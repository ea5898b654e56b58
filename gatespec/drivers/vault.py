"""A lane's Vault as the judge's read driver breaks it: through the proxy and by its own seal."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

import requests

from gatespec.clock import until
from gatespec.errors import unable
from gatespec.proxy.faults import Fault
from gatespec.stack import ports

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.proxy.client import Line
    from gatespec.read_ports import VaultState
    from gatespec.stack.vault_api import VaultShare

FAULTS: Mapping[VaultState, tuple[Fault, ...]] = {"refusing": (Fault("cut"),), "hanging": (Fault("blackhole"),)}
SHOWN_MS = 10_000
"""How long a state may take to show from outside; a seal takes a second."""
LOOK_S = 0.5
OPEN, SEALED = 200, 503
RENEWED = frozenset({"auth/token/renew-self"})


class Vault:
    """The Vault of one lane, behind the lane's proxy."""

    def __init__(self, share: VaultShare, line: Line) -> None:
        self.share = share
        self.state: VaultState = "well"
        self._line = line
        self._read_to = 0  # who reads everything as it starts has asked before anybody looked
        self._renewals = 0
        self.reads: Counter[str] = Counter()
        """How often each path was read since the lane began, by the audit log."""

    def become(self, state: VaultState) -> None:
        """Change, and return when it shows; raise `unable` where it does not."""
        if self.state == "sealed":
            self.share.server.unseal()
        if state == "sealed":
            self.share.server.seal()
        self._line.impose(*FAULTS.get(state, ()))
        if not until(lambda: self._is(state), at_most_ms=SHOWN_MS):
            raise unable(
                "fault-without-effect", f"Vault should be {state}, and is not, seen from where its clients are"
            )
        self.state = state

    def turn_the_page(self) -> None:
        """Hear of renewals from now on."""
        self.catch_up()
        self._renewals = 0

    def renewals(self) -> int:
        """How often a token was renewed since this was last asked."""
        self.catch_up()
        seen, self._renewals = self._renewals, 0
        return seen

    def catch_up(self) -> None:
        """Take in what was audited since the last time."""
        began, self._read_to = self._read_to, self._audited_bytes()
        data = f"{self.share.mount}/data/"
        for entry in self.share.server.audited(began):
            if entry.get("type") != "response" or entry.get("error"):
                continue
            path, operation = entry["request"]["path"], entry["request"]["operation"]
            self._renewals += path in RENEWED
            if operation == "read" and path.startswith(data):
                self.reads[path.removeprefix(data)] += 1

    def _audited_bytes(self) -> int:
        return self.share.server.audit_log.stat().st_size

    def _is(self, state: VaultState) -> bool:
        if state == "refusing":
            return not ports.accepts(self._line.port)
        said = self._said()
        return said is None if state == "hanging" else said == (SEALED if state == "sealed" else OPEN)

    def _said(self) -> int | None:
        with suppress(requests.RequestException), requests.Session() as session:
            session.trust_env = False
            url = f"http://{self._line.address}/v1/sys/health?standbyok=true"
            return session.get(url, timeout=LOOK_S).status_code
        return None
