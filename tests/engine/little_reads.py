"""A right read path in few lines, written apart from the reference: what the judge's own tests are played on.

Every rule is one overridable line, so that a wrong gateway is a subclass that gets it wrong.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from math import inf
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from gatespec.read_ports import Answered, UpstreamRequest
from tests.engine.little_parts import Away, Entry, Flight, Instance, Part
from tests.engine.virtual_tasks import Scheduler, until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gatespec.read_ports import Asked, Declared, Life, StoreState, Upstream
    from tests.engine.virtual_tasks import Task

PROBE_MS = 100
LIST_PATH = "/api/v1/instance-types"


class LittleReads:
    """A component driver whose reads are right."""

    ask: Callable[[int, str, str, UpstreamRequest], Upstream]
    throw: Callable[[], float]

    def __init__(self, *, clock: Any, instances: int, settings: Mapping[str, str], redis_url: str | None) -> None:  # noqa: ANN401 - the judge's own
        self.given = {"clock": clock, "instances": instances, "settings": settings, "redis_url": redis_url}
        ms = {name: round(float(text) * 1000) for name, text in settings.items() if name.endswith("_S") and text}
        self.ttl, self.stale, self.lease = (ms[f"GATEWAY_{n}_S"] for n in ("TTL_PRICING", "STALE", "LEASE"))
        self.static = ms["GATEWAY_TTL_STATIC_S"]
        self.deadline, self.timeout = ms["GATEWAY_DEADLINE_S"], ms["GATEWAY_UPSTREAM_TIMEOUT_S"]
        self.budget = ms["GATEWAY_REDIS_BUDGET_S"]
        self.beta = float(settings["GATEWAY_XFETCH_BETA"])
        self.l1: dict[str, Entry] = {}
        self.leases: dict[str, tuple[object, int]] = {}
        self.state: StoreState = "well"
        self.tasks = Scheduler(clock)
        self.instances = [Instance(number=number) for number in range(instances)]
        for instance in self.instances:
            self.tasks.add(instance)
        self.answers: list[Answered] = []
        self.declared: dict[str, Declared] = {}

    def open_reads(
        self,
        *,
        ask: Callable[[int, str, str, UpstreamRequest], Upstream],
        left: Callable[[int], None],
        dice: Callable[[], float],
    ) -> LittleReads:
        del left  # it gives up at the time-out, as whoever says nothing
        opened = type(self)(**self.given)
        opened.ask, opened.throw = ask, dice
        return opened

    def declare(self, providers: Sequence[Declared]) -> None:
        self.declared.update({provider.name: provider for provider in providers})

    def call(self, instance: int, name: str) -> Upstream:
        provider = self.declared[name]
        bearer = {"authorization": f"Bearer {provider.credential['api_key']}"}
        return self.ask(instance, name, provider.endpoints[0][0], UpstreamRequest("GET", LIST_PATH, bearer))

    def close(self) -> None:
        self.answers.clear()

    # What the judge does.

    @property
    def now(self) -> int:
        return self.tasks.now

    def submit(self, asked: Asked) -> None:
        self.tasks.start(self.instances[asked.instance], self.answer(self.instances[asked.instance], asked))

    def run(self, until_ms: int) -> list[Answered]:
        self.tasks.run(until_ms)
        answered, self.answers = self.answers, []
        return answered

    def store(self, state: StoreState) -> None:
        self.state = state

    def life(self, instance: int, life: Life) -> None:
        who = self.instances[instance]
        who.life = life
        if life == "killed":
            who.waiting, who.l2, who.flights, who.away = [], {}, {}, False

    # The shared store.

    def redis(self, instance: Instance, does: Callable[[], Any]) -> Task:
        """Ask the store; raise `Away` if it is known to be away, refuses, or says nothing within the budget."""
        if not instance.away and self.state == "well":
            return does()
        if not instance.away:
            if self.state == "hanging":
                yield until(self.now + self.budget)
            self.lost(instance)
        raise Away

    def lost(self, instance: Instance) -> None:
        instance.away = True
        self.tasks.start(instance, self.probe(instance))

    def probe(self, instance: Instance) -> Task:
        while instance.away:
            yield until(self.now + PROBE_MS)
            instance.away = self.state != "well"

    # Entries.

    def expires(self, entry: Entry) -> int:
        return entry.fetched_ms + self.ttl

    def is_fresh(self, entry: Entry | None) -> bool:
        return entry is not None and not entry.invalid and self.now < self.expires(entry)

    def good_enough(self, entry: Entry | None) -> bool:
        """Whether a reader need not wait for the leader: expired less than one TTL ago, or invalidated."""
        return entry is not None and self.now < self.expires(entry) + self.ttl

    def is_due_early(self, entry: Entry) -> bool:
        ahead = entry.delta_ms * self.beta * -math.log(1 - self.throw())
        return ahead > 0 and self.now + ahead >= self.expires(entry)

    def last_known(self, entries: list[Entry | None]) -> Entry | None:
        known = [e for e in entries if e and self.now < e.fetched_ms + self.stale]
        return max(known, key=lambda e: e.fetched_ms, default=None)

    def look(self, instance: Instance, name: str) -> Task:
        """L2, then L1, which fills L2; returns the newest entry and the members of Cache-Status."""
        mine = instance.l2.get(name)
        if mine and self.is_fresh(mine):
            return mine, (self.member("l2", mine),)
        try:
            shared = yield from self.redis(instance, lambda: self.l1.get(name))
        except Away:
            return mine, ("l2; fwd=miss",)
        tier = "l1; fwd=miss"
        if shared:
            self.fill(instance, name, shared)
            tier = self.member("l1", shared) if self.is_fresh(shared) else tier
        return self.last_known([mine, shared]), (tier, "l2; fwd=miss; stored")

    def member(self, tier: str, entry: Entry) -> str:
        return f"{tier}; hit; ttl={(self.expires(entry) - self.now) // 1000}"

    def fill(self, instance: Instance, name: str, entry: Entry) -> None:
        instance.l2[name] = entry

    # Requests.

    def answer(self, instance: Instance, asked: Asked) -> Task:
        began, target = self.now, urlsplit(asked.path)
        names = [value for name, value in parse_qsl(target.query) if name == "provider"]
        if target.path.startswith("/internal/"):
            yield from self.invalidate(instance, json.loads(asked.body)["provider"])
            self.say(asked, 202, {})
            return
        if target.path.endswith("/catalog"):
            yield from self.catalogue(instance, asked)
            return
        parts: dict[str, Part] = {}
        yield from self.gather(instance, names, parts, began + self.deadline)
        for name in names:
            if name not in parts:
                parts[name] = self.stand_in(instance, name, "timeout", ())
        self.reply(asked, {name: parts[name] for name in names})

    def gather(self, instance: Instance, names: list[str], parts: dict[str, Part], last_ms: int) -> Task:
        """Read all side by side, until the deadline."""
        for name in names:
            self.tasks.start(instance, self.read(instance, name, parts))
        yield (lambda: len(parts) == len(names)), last_ms

    def read(self, instance: Instance, name: str, parts: dict[str, Part]) -> Task:
        entry, tiers = yield from self.look(instance, name)
        if self.is_fresh(entry):
            if self.is_due_early(entry):
                self.refresh(instance, name)
            parts[name] = Part(entry, self.warning_for(entry), tiers)
            return
        flight, led = self.refresh(instance, name)
        yield (lambda: flight.over or flight.leads is not None), inf
        waits = led and flight.leads and not (entry and entry.invalid)
        if not flight.over and not waits and self.good_enough(entry):
            parts[name] = Part(entry, "stale", tiers)
            return
        yield (lambda: flight.over), inf
        if flight.entry:
            parts[name] = Part(flight.entry, "" if self.is_fresh_enough(flight.entry) else "stale", tiers)
        else:
            parts[name] = self.stand_in(instance, name, self.why(flight), tiers)

    def why(self, flight: Flight) -> str:
        return "timeout" if flight.timed_out else "breaker-open" if flight.refused else "unavailable"

    def warning_for(self, entry: Entry) -> str:
        """What is said of something fresh: nothing."""
        del entry
        return ""

    def is_fresh_enough(self, entry: Entry) -> bool:
        """Whether what was fetched just now is shown as fresh: with a TTL of 0 it is, to those who waited for it."""
        return self.is_fresh(entry) or entry.fetched_ms == self.now

    def stand_in(self, instance: Instance, name: str, code: str, tiers: tuple[str, ...]) -> Part:
        """The last known offers, else nothing, each with its warning."""
        shared = None if instance.away or self.state != "well" else self.l1.get(name)
        known = self.last_known([instance.l2.get(name), shared])
        return Part(known, "stale" if known else code, tiers)

    # The catalogue.

    def catalogue(self, instance: Instance, asked: Asked) -> Task:
        """Made of lists that are young enough for it; the others are read anew."""
        known = {name: self.newest(instance, name) for name in sorted({*self.l1, *instance.l2})}
        parts: dict[str, Part] = {}
        old = [name for name, entry in known.items() if not self.is_young(entry)]
        yield from self.gather(instance, old, parts, self.now + self.deadline)
        entries = {name: self.newest(instance, name) for name in known}
        stale = [name for name, entry in entries.items() if self.calls_stale(entry)]
        warnings = [self.warning(name, Part(entries[name], "stale")) for name in stale]
        self.say(asked, 200, {"providers": list(known), "warnings": warnings}, cache_status="l2; fwd=miss")

    def newest(self, instance: Instance, name: str) -> Entry:
        found = [entries[name] for entries in (instance.l2, self.l1) if name in entries]
        return max(found, key=lambda entry: entry.fetched_ms)

    def is_young(self, entry: Entry) -> bool:
        """Whether the catalogue may be made of it."""
        return self.now < entry.fetched_ms + self.static

    def calls_stale(self, entry: Entry) -> bool:
        """Whether the catalogue says that it is not as it is now."""
        return not self.is_young(entry)

    def invalidate(self, instance: Instance, name: str) -> Task:
        for entries in self.holders(instance):
            if name in entries:
                entries[name] = replace(entries[name], invalid=True)
        self.after_invalidation(instance, name)
        yield until(self.now)

    def holders(self, instance: Instance) -> list[dict[str, Entry]]:
        """Who hears of an invalidation: everybody, at once."""
        del instance
        return [self.l1, *(each.l2 for each in self.instances)]

    def after_invalidation(self, instance: Instance, name: str) -> None:
        self.refresh(instance, name)

    # Flights.

    def refresh(self, instance: Instance, name: str) -> tuple[Flight, bool]:
        """The instance's one flight for this key, and whether it was started now."""
        if name in instance.flights:
            return instance.flights[name], False
        flight = instance.flights[name] = Flight()
        self.tasks.start(instance, self.fly(instance, name, flight))
        return flight, True

    def fly(self, instance: Instance, name: str, flight: Flight) -> Task:
        token = object()
        while not flight.over:  # a lease that is not renewed ends, and then this instance leads
            try:
                flight.leads = yield from self.redis(instance, lambda: self.take_lease(name, token))
            except Away:
                flight.leads = True
            if flight.leads:
                yield from self.lead(instance, name, flight, token)
                flight.over = True
            else:
                yield from self.follow(instance, name, flight)
        instance.flights.pop(name, None)

    def take_lease(self, name: str, token: object) -> bool:
        held = self.leases.get(name)
        if held and self.now < held[1]:
            return False
        self.leases[name] = (token, self.now + self.lease)
        return True

    def lead(self, instance: Instance, name: str, flight: Flight, token: object) -> Task:
        began, met = self.now, self.call(instance.number, name)
        after = inf if met.after_ms is None else met.after_ms
        yield until(began + min(after, self.timeout))
        flight.timed_out = after >= self.timeout
        cents = None if flight.timed_out else self.heard(name, met)
        if cents is not None:
            flight.entry = Entry(cents, self.dated(began), self.now - began)
            yield from self.keep(instance, name, flight.entry, token)
        if self.leases.get(name, (None, 0))[0] is token:
            del self.leases[name]

    def heard(self, name: str, met: Upstream) -> int | None:
        """What a list says: its one price; None for what is no list."""
        del name
        return read_cents(met)

    def dated(self, began_ms: int) -> int:
        """From when on an entry ages: its arrival here; its call's beginning would be as right."""
        del began_ms
        return self.now

    def keep(self, instance: Instance, name: str, entry: Entry, token: object) -> Task:
        """Write L1, unless the lease was lost meanwhile, and then L2."""
        try:
            accepted = yield from self.redis(instance, lambda: self.write(name, entry, token))
        except Away:
            accepted = True
        if accepted:
            self.fill(instance, name, entry)

    def write(self, name: str, entry: Entry, token: object) -> bool:
        if self.leases.get(name, (None, 0))[0] is not token:
            return False
        self.l1[name] = entry
        return True

    def follow(self, instance: Instance, name: str, flight: Flight) -> Task:
        """Wait for the leader's entry, or for the end of its lease."""
        known, held = self.l1.get(name), self.leases[name]
        yield (lambda: self.l1.get(name) is not known or self.leases.get(name) is not held), held[1]
        if (entry := self.l1.get(name)) is not known and entry is not None:
            self.fill(instance, name, entry)
            flight.entry, flight.over = entry, True

    # Answers.

    def reply(self, asked: Asked, parts: Mapping[str, Part]) -> None:
        if not any(part.entry for part in parts.values()):
            self.nothing_known(asked, parts)
            return
        warnings = [self.warning(name, part) for name, part in parts.items() if part.warning]
        items = [
            {"provider": name, "price_per_hour": part.entry.cents / 100} for name, part in parts.items() if part.entry
        ]
        tiers = ", ".join(next(iter(parts.values())).tiers) if len(parts) == 1 else ""
        self.say(asked, 200, {"items": items, "warnings": warnings}, cache_status=tiers)

    def nothing_known(self, asked: Asked, parts: Mapping[str, Part]) -> None:
        late = any(part.warning == "timeout" for part in parts.values())
        self.say(asked, 504 if late else 503, {}, retry_after="" if late else "1")

    def warning(self, name: str, part: Part) -> dict[str, Any]:
        as_of = self.moment(part.entry.fetched_ms) if part.entry else None
        return {"code": part.warning, "provider": name, "detail": "as said", "as_of": as_of}

    def moment(self, at_ms: int) -> str:
        return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()

    def say(self, asked: Asked, status: int, body: Any, **fields: str) -> None:  # noqa: ANN401 - JSON
        headers = {name.replace("_", "-"): text for name, text in fields.items() if text}
        self.answers.append(Answered(asked.ticket, self.now, status, headers, self.written(body)))

    def written(self, body: Any) -> bytes:  # noqa: ANN401 - JSON
        return json.dumps(body).encode()


def read_cents(met: Upstream) -> int | None:
    """The one price of a provider's list; None for anything else, as for an item that is none."""
    if met.status != 200:
        return None
    try:
        (item,) = json.loads(met.body)["data"].values()
        return int(item["instance_type"]["price_cents_per_hour"])
    except (ValueError, TypeError, KeyError):
        return None
