"""What Prometheus and the log are told of Vault: how its answers end and how long they take, never what or whose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeVar

import structlog
from prometheus_client import Gauge

from reference_gateway.core.credentials.lately import Lately
from reference_gateway.core.credentials.ports import VaultAway, VaultDenied
from reference_gateway.edge import clock
from reference_gateway.edge.tallies import Durations, Tally

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from prometheus_client import CollectorRegistry

    from reference_gateway.core.cache.ports import Runtime
    from reference_gateway.core.credentials.ports import Credential, Vault

Result = TypeVar("Result")
Op = Literal["read", "list", "write", "delete"]
NS_PER_S: Final = 1_000_000_000
SAID_MS: Final = 60_000
"""One line so often for each kind of failure: a Vault that is away is looked for once a second."""
KINDS_MAX: Final = 8
"""Of lines: an operation, and how it ended."""
_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5)
"""Up to where a question is given up."""


class WatchedVault:
    """The port `Vault` over another, counting; it tells no path, for that names a user."""

    def __init__(self, vault: Vault, registry: CollectorRegistry, runtime: Runtime) -> None:
        self._vault = vault
        self._registry = registry
        self._said = Lately(runtime, SAID_MS, KINDS_MAX)
        self._log = structlog.get_logger()
        self._questions = Tally("gateway_vault_questions", "Questions to Vault that ended", "op", "outcome")
        self._durations = Durations(
            "gateway_vault_question_duration_seconds", "Time of a question to Vault", "op", _BUCKETS_S
        )
        registry.register(self._questions)
        registry.register(self._durations)

    def watch_away(self, is_away: Callable[[], bool]) -> None:
        """Show whether this instance goes by what Vault last said."""
        gauge = Gauge("gateway_vault_away", "Whether Vault is known not to answer", registry=self._registry)
        gauge.set_function(lambda: float(is_away()))

    async def read(self, path: str) -> Credential | None:
        """As the port."""
        return await self._watch("read", self._vault.read(path), lambda found: found is not None)

    async def names(self, folder: str) -> Sequence[str]:
        """As the port."""
        return await self._watch("list", self._vault.names(folder), bool)

    async def write(self, path: str, credential: Credential) -> None:
        """As the port."""
        await self._watch("write", self._vault.write(path, credential), lambda _: True)

    async def delete(self, path: str) -> bool:
        """As the port."""
        return await self._watch("delete", self._vault.delete(path), bool)

    async def _watch(self, op: Op, answer: Awaitable[Result], is_there: Callable[[Result], bool]) -> Result:
        began_ns = clock.monotonic_ns()
        try:
            found = await answer
        except VaultAway as error:
            self._fail(op, error)
            raise
        else:
            self._questions.add(op, "ok" if is_there(found) else "absent")
            return found
        finally:
            self._durations.add(op, (clock.monotonic_ns() - began_ns) / NS_PER_S)

    def _fail(self, op: Op, error: VaultAway) -> None:
        outcome = "denied" if isinstance(error, VaultDenied) else "away"
        self._questions.add(op, outcome)
        kind = f"{op} {outcome}"
        if not self._said.had(kind):
            self._said.note(kind)
            self._log.warning("vault question failed", op=op, outcome=outcome, why=str(error))
