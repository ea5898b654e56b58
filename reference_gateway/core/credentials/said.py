"""What Vault last said of some paths: read by one flight each, believed for a while, kept longer while Vault is away.

Whoever needs a word that is due waits for the next one, but never long: what is known goes on counting.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from reference_gateway.core.credentials.lately import Lately
from reference_gateway.core.credentials.ports import VaultAway, VaultDenied

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reference_gateway.core.cache.ports import Gate, Runtime

Value = TypeVar("Value")
AHEAD: Final = 5
"""The last fifth of a word's time is used to hear the next one in the background: who is often asked never waits."""
LOOK_MS: Final = 1_000
"""How often Vault is looked for while it is away, and asked again for what it denied."""


class Times(NamedTuple):
    """How long a word counts, in ms."""

    refresh_ms: int
    """After so long Vault is asked again."""
    keep_ms: int
    """So long the last word counts while Vault is away, from when it was asked."""
    patience_ms: int
    """So long somebody waits who needs a word."""


PATIENCE: Final = 5
PATIENCE_MAX_MS: Final = 1_000


def patience_of(deadline_ms: int) -> int:
    """A fifth of what a request may take, and at most a second: who it is and with what he reads are two questions."""
    return min(PATIENCE_MAX_MS, deadline_ms // PATIENCE)


@dataclass(frozen=True, slots=True)
class Word(Generic[Value]):
    """One answer of Vault's."""

    value: Value
    asked_ms: int
    """When it was asked for it: whatever changed later is not in it."""


class Vaulted:
    """Whether Vault answers: known for all paths together, so that its absence costs one time-out and not each."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.away = False

    def lost(self, look: Callable[[], Awaitable[object]]) -> None:
        """Take note that it did not answer, and look for it until it does."""
        if not self.away:
            self.away = True
            self._runtime.start(self._look_for_it(look))

    async def _look_for_it(self, look: Callable[[], Awaitable[object]]) -> None:
        while self.away:
            await self._runtime.gate().passed(LOOK_MS)
            self.away = not await _answers(look)


async def _answers(look: Callable[[], Awaitable[object]]) -> bool:
    try:
        await look()
    except VaultDenied:
        return True
    except VaultAway:
        return False
    return True


@dataclass(slots=True)
class _Flight:
    begun_ms: int
    landed: Gate
    overtaken: bool = False
    """Whether what it brings is older than what is known by now."""


class Said(Generic[Value]):
    """The last words on at most `paths_max` paths; the one that was unused for longest is forgotten first."""

    def __init__(
        self, ask: Callable[[str], Awaitable[Value]], vault: Vaulted, runtime: Runtime, times: Times, paths_max: int
    ) -> None:
        """`ask` raises `VaultAway`."""
        self._ask = ask
        self._vault = vault
        self._runtime = runtime
        self._times = times
        self._paths_max = paths_max
        self._words: OrderedDict[str, Word[Value]] = OrderedDict()
        self._flights: dict[str, _Flight] = {}
        self._denied = Lately(runtime, LOOK_MS, paths_max)

    def at_once(self, path: str) -> Word[Value] | None:
        """Return a word that is not due; None where somebody must wait."""
        word = self._words.get(path)
        if word is None or (age_ms := self._age_ms(word)) >= self._times.refresh_ms:
            return None
        if age_ms >= self._times.refresh_ms - self._times.refresh_ms // AHEAD:
            self._join(path)
        self._words.move_to_end(path)
        return word

    def known(self, path: str) -> Word[Value] | None:
        """Return the newest word, however old, and ask nobody."""
        return self._words.get(path)

    async def last(self, path: str) -> Word[Value] | None:
        """Return the newest word that counts, waiting for one that is due; None where there is none."""
        word = await self.newest(path)
        return word if word is not None and self.counts(word) else None

    async def newest(self, path: str) -> Word[Value] | None:
        """Return the newest word, however old, waiting for one that is due; None where there never was one."""
        word = self.at_once(path)
        if word is None:
            await self._heard(path)
            word = self._words.get(path)
        return word

    def counts(self, word: Word[Value]) -> bool:
        """Whether it may still be gone by."""
        return self._age_ms(word) < self._times.keep_ms

    async def anew(self, path: str) -> Word[Value] | None:
        """Ask Vault now, whatever is known; None where it did not answer in time."""
        asked_ms = self._runtime.now_ms()
        flight = self._flights.get(path)
        if flight is not None and flight.begun_ms < asked_ms:
            await flight.landed.passed(self._times.patience_ms)
        await self._heard(path)
        word = self._words.get(path)
        return None if word is None or word.asked_ms < asked_ms else word

    def put(self, path: str, value: Value, asked_ms: int) -> None:
        """Take note of what is so since `asked_ms`; a look that is still under way may bring what was so before."""
        if (flight := self._flights.get(path)) is not None:
            flight.overtaken = True
        self._note(path, value, asked_ms)

    def _note(self, path: str, value: Value, asked_ms: int) -> None:
        self._words[path] = Word(value, asked_ms)
        self._words.move_to_end(path)
        while len(self._words) > self._paths_max:
            self._words.popitem(last=False)

    async def _heard(self, path: str) -> None:
        if self._vault.away or self._denied.had(path):
            return
        await self._join(path).landed.passed(self._times.patience_ms)

    def _join(self, path: str) -> _Flight:
        flight = self._flights.get(path)
        if flight is None:
            flight = self._flights[path] = _Flight(self._runtime.now_ms(), self._runtime.gate())
            self._runtime.start(self._fly(path, flight))
        return flight

    async def _fly(self, path: str, flight: _Flight) -> None:
        try:
            if not self._vault.away:
                value = await self._ask(path)
                if not flight.overtaken:
                    self._note(path, value, flight.begun_ms)
        except VaultDenied:
            self._denied.note(path)  # only this path is not told: what was known of it counts on
        except VaultAway:
            self._vault.lost(lambda: self._ask(path))
        finally:
            del self._flights[path]
            flight.landed.open()

    def _age_ms(self, word: Word[Value]) -> int:
        return self._runtime.now_ms() - word.asked_ms
