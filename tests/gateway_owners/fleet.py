"""Two running gateways on one Redis, PostgreSQL and Vault, and simulated providers that say which credential came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatespec.providers.script import Script

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.providers.control_client import ProvidersControl
    from gatespec.providers.ledger import Call
    from gatespec.stack.vault_api import VaultShare
    from tests.gateway_edge.edge_wire import Instance, Reply, Signing

POOL = 24
START_S = 30.0
END_S = 10.0
TTL_S = 0.3
REFRESH_S = 0.5
SOON_MS = 15_000
"""Until a change in Vault is seen by all: a refresh, a list's time, and a busy machine."""
HOUSE_KEY = "house-key-that-nobody-shall-see"
FIRST_CENTS = 100_000
"""A list's price is so many cents and the number of its call."""

NAMES = [f"lambda-{number:03}" for number in range(POOL)]


def providers_file(base_url: str) -> str:
    """Every provider of the pool."""
    return "\n".join(
        f'[[provider]]\nname = "{name}"\nadapter = "lambda"\nendpoint = [{{ url = "{base_url}/{name}" }}]'
        for name in NAMES
    )


@dataclass
class Fleet:
    """What a test has in its hands."""

    instances: tuple[Instance, ...]
    vault: VaultShare
    control: ProvidersControl
    signing: Signing
    unused: list[str]

    def provider(self, *accepted: str) -> str:
        """A provider that nobody has read, which lets the house in and whoever has one of these credentials."""
        name = self.unused.pop()
        self.accept(name, *accepted)
        return name

    def accept(self, provider: str, *accepted: str) -> None:
        self.control.script(provider, Script(credentials=[HOUSE_KEY, *accepted], serial_cents=FIRST_CENTS))

    def entrust(self, user: str, provider: str, key: str) -> None:
        """Put a user's own credential into Vault."""
        self.vault.put(f"users/{user}/providers/{provider}", {"api_key": key})

    def read(self, provider: str, user: str | None = None, instance: int = 0, query: str = "") -> Reply:
        headers = {} if user is None else self.signing.bearer(sub=user)
        return self.instances[instance].offers(f"?provider={provider}{query}", headers)

    def credential_of(self, reply: Reply, provider: str) -> str:
        """With which credential the list was read that an answer shows."""
        [item] = reply.json["items"]
        serial = round(item["price_per_hour"] * 100) - FIRST_CENTS
        return next(presented(call) for call in self.calls(provider) if call.serial == serial)

    def read_with(self, provider: str, user: str | None = None, instance: int = 0) -> str:
        """With which credential somebody reads; empty where he is shown nothing."""
        reply = self.read(provider, user, instance)
        return self.credential_of(reply, provider) if reply.status == 200 and reply.json["items"] else ""

    def calls(self, provider: str) -> list[Call]:
        return self.control.ledger(provider, "list")

    def health(self, provider: str, instance: int = 0) -> Mapping[str, Any]:
        told = self.instances[instance].ask("/api/v2/providers/health").json["providers"]
        found: Mapping[str, Any] = next(each for each in told if each["name"] == provider)
        return found


def presented(call: Call) -> str:
    """The key that a call showed."""
    return call.credential.removeprefix("Bearer ")


def warnings(reply: Reply) -> list[str]:
    return [each["code"] for each in reply.json["warnings"]]
