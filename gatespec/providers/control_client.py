"""The judge's hand on the simulated providers: typed, synchronous, one connection per word."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from gatespec.errors import unable
from gatespec.providers.ledger import Call
from gatespec.providers.script import EVERYBODY, PricesRequest, Script, ScriptRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TIMEOUT_S = 10.0
"""A control request takes a millisecond; this long only where the machine is drowning or the simulators are dead."""


@dataclass(frozen=True)
class Prices:
    """What a provider asks for now."""

    series: str
    day: str
    days_left: int
    """How often the replay can still go on."""
    cents: Mapping[str, int]
    """US cents an hour of the whole machine, by instance type."""


class ProvidersControl:
    """The control API at `base_url`; every failure is `unable` with the field that was refused."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80

    def ready(self) -> bool:
        """Whether the simulators answer."""
        try:
            return bool(self._ask("GET", "/_control/ready")["ready"])
        except OSError:
            return False

    def ledger(self, provider: str | None = None, kind: str | None = None, *, after: int = 0) -> list[Call]:
        """Calls in order of arrival, with a number above `after`; raise `unable` if the ledger had to drop any."""
        asked = {"provider": provider, "kind": kind, "after": after, "credentials": 1}
        said = self._ask("GET", "/_control/ledger", {name: value for name, value in asked.items() if value is not None})
        if said["dropped"]:
            raise unable(
                "ledger-overflow",
                f"the simulated providers received {said['dropped']} calls more than their ledger holds",
                hint="clear the ledger between examples: what it dropped cannot be judged",
            )
        return [Call(**call) for call in said["calls"]]

    def clear_ledger(self, provider: str | None = None) -> int:
        """Forget calls, of one provider or all; return how many."""
        asked = {} if provider is None else {"provider": provider}
        return int(self._ask("DELETE", "/_control/ledger", asked)["cleared"])

    def script(self, providers: str | Iterable[str], script: Script) -> None:
        """Change how providers behave: the fields that `script` sets; `"*"` tells everybody."""
        told = script.model_dump(include=script.model_fields_set)
        self._tell("/_control/script", ScriptRequest(providers=_names(providers), **told))

    def forget_script(self, providers: str = EVERYBODY) -> None:
        """Let a provider, or everybody, behave as on the first day; prices stay."""
        self._ask("DELETE", "/_control/script", {"provider": providers})

    def faults_left(self, provider: str) -> list[int | None]:
        """How often each scripted fault will still be played: 0 is the evidence that it bit."""
        left: list[int | None] = self._ask("GET", "/_control/script", {"provider": provider})["faults_left"]
        return left

    def prices(self, provider: str) -> Prices:
        """What a provider asks for now, overrides included."""
        return Prices(**self._ask("GET", "/_control/prices", {"provider": provider}))

    def set_prices(self, providers: str | Iterable[str], **changes: Any) -> None:  # noqa: ANN401 - PricesRequest checks
        """Change prices: `series`, `day`, `advance`, `cents` as in `PricesRequest`."""
        self._tell("/_control/prices", PricesRequest(providers=_names(providers), **changes))

    def replay(self, providers: str | Iterable[str] = EVERYBODY, *, days: int = 1) -> None:
        """Go on to the prices of the series' next day, or `days` later."""
        self.set_prices(providers, advance=days)

    def _tell(self, path: str, asked: ScriptRequest | PricesRequest) -> None:
        self._ask("POST", path, body=asked.model_dump_json(exclude_unset=True))

    def _ask(self, method: str, path: str, query: Mapping[str, Any] | None = None, body: str | None = None) -> Any:  # noqa: ANN401 - JSON
        connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
        try:
            connection.request(method, f"{path}?{urlencode(query or {})}", body)
            answer = connection.getresponse()
            return _read(method, path, answer.status, answer.read())
        finally:
            connection.close()


def _names(providers: str | Iterable[str]) -> list[str]:
    return [providers] if isinstance(providers, str) else list(providers)


def _read(method: str, path: str, status: int, body: bytes) -> Any:  # noqa: ANN401 - JSON
    if status == http.client.OK:
        return json.loads(body)
    raise unable(
        "providers-control",
        f"the simulated providers refused {method} {path} with {status}: {body[:500].decode('utf-8', 'replace')}",
    )
