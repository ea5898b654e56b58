"""Right places and users' own keys in few lines: the little read path, with a bound on what is in flight."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from tests.engine.little_reads import LittleReads

if TYPE_CHECKING:
    from gatespec.read_ports import Asked, Upstream
    from tests.engine.little_parts import Flight, Instance, Part
    from tests.engine.virtual_tasks import Task

OWNER = "|"


@dataclass
class Places:
    """One provider's at one instance."""

    taken: int = 0
    waiting: int = 0


class LittlePlaces(LittleReads):
    """A component driver that bounds its calls in flight, and those that wait."""

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - the judge's own
        super().__init__(**given)
        self.places: defaultdict[tuple[int, str], Places] = defaultdict(Places)

    def answer(self, instance: Instance, asked: Asked) -> Task:
        """As without owners, under a key of the user's own where he has a credential of his own."""
        began, own = self.now, asked.credential["own"].split()
        names = [value for name, value in parse_qsl(urlsplit(asked.path).query) if name == "provider"]
        keys = {name: f"{name}{OWNER}{asked.credential['name']}" if name in own else name for name in names}
        parts: dict[str, Part] = {}
        yield from self.gather(instance, list(keys.values()), parts, began + self.deadline)
        told = {name: parts.get(key) or self.stand_in(instance, key, "timeout", ()) for name, key in keys.items()}
        self.reply(asked, told)

    def call(self, instance: int, name: str) -> Upstream:
        return super().call(instance, name.partition(OWNER)[0])

    def lead(self, instance: Instance, name: str, flight: Flight, token: object) -> Task:
        provider = name.partition(OWNER)[0]
        if (yield from self.take_place(instance, provider)):
            yield from super().lead(instance, name, flight, token)
            self.give_back(instance, provider, flight)
        elif self.leases.get(name, (None, 0))[0] is token:
            del self.leases[name]

    def take_place(self, instance: Instance, provider: str) -> Task:
        """Whether there is one, at once or before the deadline."""
        places, declared = self.places[instance.number, provider], self.declared[provider]
        if places.taken >= self.limit(provider):
            if places.waiting >= declared.queue:
                return False
            places.waiting += 1
            yield (lambda: places.taken < self.limit(provider)), self.now + self.deadline
            places.waiting -= 1
            if places.taken >= self.limit(provider):
                return False
        places.taken += 1
        return True

    def limit(self, provider: str) -> int:
        return self.declared[provider].concurrency

    def give_back(self, instance: Instance, provider: str, flight: Flight) -> None:
        """Whatever became of the call."""
        del flight
        self.places[instance.number, provider].taken -= 1
