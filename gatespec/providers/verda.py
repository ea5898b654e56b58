"""Verda's API v1 on the wire; paths and words are spec/providers/verda.toml's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

from gatespec.providers.questions import text, told
from gatespec.providers.tabled import OK, TabledDialect
from gatespec.providers.tables import regions_of, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gatespec.providers.catalogue import Machine
    from gatespec.providers.dialect import Answer, Asking
    from gatespec.providers.ledger import Kind
    from gatespec.providers.simulator import Provider


class Verda(TabledDialect):
    """OAuth2 client credentials buy a token; a list is three documents, and prices are text."""

    adapter: ClassVar = "verda"
    series: ClassVar = "datacrunch/on-demand"
    sells_tokens: ClassVar = True

    def render(
        self, machine: Machine, regions: Sequence[str], sold_out: Sequence[str]
    ) -> Iterable[tuple[str, str, str]]:
        """A type; where it can be had stands in another document."""
        del regions, sold_out
        name = _type_name(machine)
        shown = {
            "id": f"00000000-0000-4000-8000-{machine.number:012d}",
            "instance_type": name,
            "model": machine.model["name"],
            "name": machine.model["name"],
            "manufacturer": machine.maker,
            "price_per_hour": f"{machine.usd:f}",
            "spot_price": None,
            "cpu": {"description": f"{machine.vcpus} CPU", "number_of_cores": machine.vcpus},
            "gpu": {"description": f"{machine.gpus}x {machine.model['name']}", "number_of_gpus": machine.gpus},
            "gpu_memory": {"description": "", "size_in_gigabytes": machine.model["memory_gb"] * machine.gpus},
            "memory": {"description": "", "size_in_gigabytes": machine.memory_gib},
            "storage": {"description": f"{machine.storage_gib}GB NVMe", "size_in_gigabytes": machine.storage_gib},
            "currency": "usd",
        }
        yield "instance-types", name, json.dumps(shown)

    def items(self, machines: Iterable[Machine], closed: Iterable[str]) -> dict[str, dict[str, str]]:
        """Types, and a row of availability per location that is not closed."""
        rented, without = list(machines), set(closed)
        found = super().items(rented, without)
        if rented:
            found["instance-availability"] = self._rows(rented, without)
            found["spot-availability"] = {}
        return found

    def _rows(self, machines: Sequence[Machine], closed: set[str]) -> dict[str, str]:
        places = {
            name: [m for m in machines if name in self.places(m)] for name in self.regions() if name not in closed
        }
        return {
            f"od:{name}": json.dumps({"location_code": name, "availabilities": [_type_name(m) for m in there]})
            for name, there in places.items()
        }

    def kind_of(self, asking: Asking) -> Kind:
        """A token request is no call."""
        return "token" if _is_token(asking) else super().kind_of(asking)

    def credential_of(self, asking: Asking) -> str:
        """Of a token request the client's secret or the refresh token, else the token."""
        if not _is_token(asking):
            return super().credential_of(asking)
        asked = told(asking)
        return text(asked, "client_secret") or text(asked, "refresh_token")

    def answer(self, provider: Provider, asking: Asking, serial: int) -> Answer:
        """Sell tokens, and answer whoever has one that is good."""
        return self._token(provider, asking) if _is_token(asking) else super().answer(provider, asking, serial)

    def knows(self, provider: Provider, asking: Asking) -> bool:
        """Whether a token was sold and still is good."""
        return provider.tokens.admits(self.credential_of(asking))

    def _token(self, provider: Provider, asking: Asking) -> Answer:
        secret = self._client(provider, asking)
        if not secret:
            return self.refusal("bad_client")
        token, refresh = provider.tokens.sell(secret)
        sold = {
            "access_token": token,
            "refresh_token": refresh,
            "scope": "cloud-api-v1",
            "token_type": "Bearer",
            "expires_in": provider.script.token_lifetime_s or table("verda")["auth"]["token_lifetime_s"],
        }
        return OK, json.dumps(sold).encode()

    def _client(self, provider: Provider, asking: Asking) -> str:
        """The secret of the client that asks for a token, by itself or with a refresh token; empty where it may not."""
        asked, known = told(asking), self.development_credential()
        secret = ""
        if asked.get("grant_type") == "refresh_token":
            secret = provider.tokens.bought_with(text(asked, "refresh_token"))
        elif asked.get("grant_type") == "client_credentials" and asked.get("client_id") == known["client_id"]:
            secret = text(asked, "client_secret")
        return secret if provider.accepts(secret, known["client_secret"]) else ""

    def probe_body(self) -> bytes:
        """Its locations."""
        return json.dumps(
            [{"code": name, "name": name, "country_code": name[:2]} for name in regions_of("verda")]
        ).encode()


def _type_name(machine: Machine) -> str:
    return f"{machine.gpus}{machine.gpu.replace('-', '.').upper()}.{machine.vcpus}V"


def _is_token(asking: Asking) -> bool:
    auth = table("verda")["auth"]
    return (asking.method, asking.path) == (auth["token_method"], auth["token_path"])
