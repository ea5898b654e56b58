"""The judge's hand on the simulated providers: typed and synchronous."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode, urlsplit

from gatespec.errors import unable
from gatespec.providers.ledger import Call
from gatespec.providers.script import EVERYBODY, EnlistRequest, PricesRequest, Script, ScriptRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

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
    usd: Mapping[str, str]
    """USD an hour, exact."""


class ProvidersControl:
    """The control API at `base_url`; every failure is `unable` with the field that was refused.

    One connection per word; as a context it keeps one for all of its words, which makes them three times as fast.
    """

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._kept: http.client.HTTPConnection | None = None

    def __enter__(self) -> Self:
        self._kept = self._connection()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._kept is not None:
            self._kept.close()
        self._kept = None

    def ready(self) -> bool:
        """Whether the simulators answer."""
        try:
            return bool(self._ask("GET", "/_control/ready")["ready"])
        except OSError:
            return False

    def enlist(self, providers: Iterable[str], adapter: str = "lambda") -> None:
        """Have these simulated too, speaking that API; one that is known already stays as it is."""
        self._tell("/_control/providers", EnlistRequest(providers=list(providers), adapter=adapter))

    def ledger(
        self, provider: str | Iterable[str] | None = None, kind: str | None = None, *, after: int = 0
    ) -> list[Call]:
        """Calls in order of arrival, with a number above `after`; raise `unable` if the ledger had to drop any."""
        named = None if provider is None else _names(provider)
        asked = {"provider": named, "kind": kind, "after": after, "credentials": 1}
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

    def script(self, providers: str | Iterable[str], script: Script) -> int:
        """Change how providers behave: the fields that `script` sets; `"*"` tells everybody.

        Return the number of the last call that arrived before the change.
        """
        told = script.model_dump(include=script.model_fields_set)
        said = self._tell("/_control/script", ScriptRequest(providers=_names(providers), **told))
        return int(said["last_call"])

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

    def _tell(self, path: str, asked: EnlistRequest | ScriptRequest | PricesRequest) -> Any:  # noqa: ANN401 - JSON
        return self._ask("POST", path, body=asked.model_dump_json(exclude_unset=True))

    def _ask(self, method: str, path: str, query: Mapping[str, Any] | None = None, body: str | None = None) -> Any:  # noqa: ANN401 - JSON
        connection = self._kept or self._connection()
        try:
            sent = None if body is None else body.encode()  # else the library writes Latin-1
            status, said = _exchanged(connection, method, f"{path}?{urlencode(query or {}, doseq=True)}", sent)
        finally:
            if connection is not self._kept:
                connection.close()
        return _read(method, path, status, said)

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)


def _exchanged(
    connection: http.client.HTTPConnection, method: str, target: str, body: bytes | None
) -> tuple[int, bytes]:
    """Ask once more where a kept connection was closed between two words; whatever else fails ends the connection."""
    began_connected = connection.sock is not None
    try:
        connection.request(method, target, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except ConnectionError:
        connection.close()
        if not began_connected:
            raise
    except (OSError, http.client.HTTPException):
        connection.close()
        raise
    return _exchanged(connection, method, target, body)


def _names(providers: str | Iterable[str]) -> list[str]:
    return [providers] if isinstance(providers, str) else list(providers)


def _read(method: str, path: str, status: int, body: bytes) -> Any:  # noqa: ANN401 - JSON
    if status == http.client.OK:
        return json.loads(body)
    raise unable(
        "providers-control",
        f"the simulated providers refused {method} {path} with {status}: {body[:500].decode('utf-8', 'replace')}",
    )
