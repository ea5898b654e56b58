"""What a started gateway stands on: its stack, its stores, and the providers that it is told of."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gatespec.providers.simulator import house_credential
from gatespec.read_ports import Shape
from gatespec.stack.providers_file import Provider, write_providers_file
from gatespec.vault_paths import house_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.stack.fault_lines import FaultLines
    from gatespec.stack.gateway import Deployment
    from gatespec.stack.lane_secrets import LaneSecrets
    from gatespec.stack.pool import ProviderPool
    from gatespec.stack.servers import Servers, Stores

WRITERS = 8
"""Credentials that are written to Vault side by side: a pool has hundreds."""
PROVIDERS_FILE = "GATEWAY_PROVIDERS_FILE"


@dataclass(frozen=True)
class Ground:
    """What a started gateway stands on."""

    stack: Servers
    stores: Stores
    deployment: Deployment
    lines: FaultLines | None = None
    """None where the gateway goes straight to its stores."""
    pool: ProviderPool | None = None
    secrets: LaneSecrets | None = None
    house: dict[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    """The house's first credential for each provider: one of its own, so that it tells where it came from."""

    def declare_providers(self) -> None:
        """Write the providers file: the simulated one of each adapter, which bears its name, and the pool.

        The house's credential of each lies in Vault.
        """
        providers = [Provider(each, Shape(each)) for each in self.stack.providers]
        providers += [Provider(*each) for each in (self.pool.declared() if self.pool else ())]
        with ThreadPoolExecutor(WRITERS) as writers:
            list(writers.map(self._entrust, providers))
        file = Path(self.deployment.settings[PROVIDERS_FILE])
        write_providers_file(file, providers, self.stack.simulators.url)

    def _entrust(self, provider: Provider) -> None:
        if provider.name not in self.house:
            self.house[provider.name] = self._canary(provider)
        self.stores.vault.put(house_path(provider.name), self.house[provider.name])

    def _canary(self, provider: Provider) -> Mapping[str, str]:
        credential = house_credential(provider.name, provider.shape.adapter)
        if self.secrets:
            self.secrets.canaries.add("provider-credential", list(credential.values())[-1])
        return credential

    def renew_pool(self, pool: ProviderPool) -> None:
        """Have as many providers as before, that nobody read; a gateway reads the file when it is started again."""
        pool.refill()
        self.declare_providers()
