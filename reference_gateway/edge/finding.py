"""What is known of each provider that a read asks, within its deadline; and whether that is still the newest."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from reference_gateway.core.cache.entry import earliest_ms, key_of
from reference_gateway.core.cache.tiers import Pending
from reference_gateway.core.credentials.manager import HOUSES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.core.cache.entry import Entry, Lifetimes
    from reference_gateway.core.cache.ports import Runtime
    from reference_gateway.core.cache.shown import Shown
    from reference_gateway.core.cache.tiers import MultiTierCache
    from reference_gateway.core.credentials.ports import Credentials, Owner

MARGIN: Final = 10
"""A tenth of the deadline, at most `MARGIN_MAX_MS`, is left for the answer itself and its way out."""
MARGIN_MAX_MS: Final = 250
SIGHTINGS_MAX: Final = 256
"""Sets of providers whose newness is watched: one for each way to filter by provider that is in use."""


@dataclass(slots=True, eq=False)
class Sighting:
    """Some providers' entries, as they were seen together: what is made of them is good while it is `current`."""

    entries: dict[str, Entry]
    """By their keys."""
    lifetimes: Lifetimes
    watch_from_ms: int
    """From here on each reader may be the one who refreshes early."""
    current: bool = True


class Finding:
    """Finds what reads show."""

    def __init__(
        self,
        names: Sequence[str],
        cache: MultiTierCache,
        credentials: Credentials,
        runtime: Runtime,
        deadline_ms: int,
    ) -> None:
        self.names = tuple(names)
        self.credentials = credentials
        self.cache = cache
        self._runtime = runtime
        self._deadline_ms = deadline_ms - min(deadline_ms // MARGIN, MARGIN_MAX_MS)
        self._sightings: OrderedDict[tuple[frozenset[str], int], Sighting] = OrderedDict()
        cache.on_change(self._changed)

    async def find(self, names: Sequence[str], user: str = "", ttl_ms: int | None = None) -> list[Shown]:
        """Begin for all providers before the first is waited for; wait as long as a request may take.

        `user` reads with his own credentials where he has some; `ttl_ms` is for what is derived from the lists: None is
        their own.
        """
        until_ms = self._runtime.now_ms() + self._deadline_ms
        owners = await self._owners(names, user)
        begun = [self.cache.begin(n, owner=o.name, ttl_ms=ttl_ms) for n, o in zip(names, owners, strict=True)]
        found = [await self.cache.wait(b, until_ms) if isinstance(b, Pending) else b for b in begun]
        return [replace(f, unsure=True) if o.unsure else f for f, o in zip(found, owners, strict=True)]

    def shows_houses(self, user: str, names: Sequence[str]) -> bool:
        """Say at once whether a reader is surely shown the house's lists of all these providers."""
        if not user or self.credentials.is_plain(user):
            return True
        known = self.credentials.known_owners(user, names)
        return known is not None and all(owner == HOUSES for owner in known)

    async def _owners(self, names: Sequence[str], user: str) -> Sequence[Owner]:
        if not user:
            return [HOUSES] * len(names)
        known = self.credentials.known_owners(user, names)
        return await self.credentials.owners(user, names) if known is None else known

    def sight(self, shown: Sequence[Shown], ttl_ms: int | None = None) -> Sighting | None:
        """Watch what was shown, some of it and all of it fresh; None where that is not the newest any more."""
        entries = {key_of(each.provider, each.owner): each.entry for each in shown if each.entry is not None}
        lifetimes = self.cache.lifetimes if ttl_ms is None else self.cache.lifetimes.with_ttl(ttl_ms)
        if any(self.cache.newest(key) is not entry for key, entry in entries.items()):
            return None
        name = (frozenset(entries), lifetimes.ttl_ms)
        sighting = self._sightings.get(name)
        if sighting is None:
            watch_from_ms = min(earliest_ms(entry, lifetimes) for entry in entries.values())
            sighting = self._sightings[name] = Sighting(entries, lifetimes, watch_from_ms)
            self._bound()
        self._sightings.move_to_end(name)
        return sighting

    def expires_ms(self, sighting: Sighting) -> int:
        """Say at which moment of the monotonic clock the first of the entries expires."""
        return min(map(sighting.lifetimes.fresh_until_ms, sighting.entries.values()))

    def refresh_early(self, sighting: Sighting) -> None:
        """Let one reader of ready bytes draw, as whoever reads the entries themselves does."""
        self.cache.refresh_early(sighting.entries, sighting.lifetimes)

    def _bound(self) -> None:
        while len(self._sightings) > SIGHTINGS_MAX:
            _, oldest = self._sightings.popitem(last=False)
            oldest.current = False

    def _changed(self, key: str) -> None:
        for name, sighting in tuple(self._sightings.items()):
            if key in sighting.entries:
                sighting.current = False
                del self._sightings[name]
