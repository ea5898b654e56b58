"""The little read path with what stands before its calls: breakers, polls, probes, and keys of one's own.

Written apart from the reference and from the judge's oracle; every rule is one overridable line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, urlsplit

from gatespec.read_ports import UpstreamRequest
from tests.engine.little_parts import Away, Flight, Instance, Part
from tests.engine.little_reads import LittleReads
from tests.engine.virtual_tasks import until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatespec.read_ports import Asked, Declared, Life, Upstream
    from tests.engine.virtual_tasks import Task

Outcome = Literal["succeeded", "failed", "uncounted"]
OWN = " of "
PROBE_PATH = "/api/v1/images"
UNCOUNTED = frozenset({401, 403, 429})


@dataclass
class Breaker:
    """What all instances know of one provider; changed by nobody but itself."""

    window: int
    failures: int
    open_ms: int
    trials: int
    trial_ms: int
    state: Literal["closed", "open", "half-open"] = "closed"
    period: int = 0
    since: int = 0
    results: list[bool] = field(default_factory=list)
    admitted: list[int] = field(default_factory=list)
    """When each trial of this period began."""
    pending: set[int] = field(default_factory=set)
    """Trials without a result, by their place among those."""

    def becomes(self, state: Literal["closed", "open", "half-open"], now: int) -> None:
        self.state, self.since = state, now
        self.period += 1
        self.admitted, self.pending = [], set()
        self.results = []

    def settle(self, now: int) -> None:
        """Give up trials whose time is up."""
        due = [self.admitted[place] + self.trial_ms for place in self.pending]
        if self.state == "half-open" and due and min(due) <= now:
            self.becomes("open", min(due))

    def admit(self, now: int) -> tuple[int, int] | None:
        """The period and the trial's place where a call may begin."""
        self.settle(now)
        if self.state == "open" and now >= self.since + self.open_ms:
            self.becomes("half-open", now)
        if self.state == "closed":
            return self.period, 0
        if self.state == "open" or not self.may_try():
            return None
        self.admitted.append(now)
        self.pending.add(len(self.admitted) - 1)
        return self.period, len(self.admitted) - 1

    def may_try(self) -> bool:
        return len(self.admitted) < self.trials

    def counts(self, period: int) -> bool:
        return period == self.period

    def finish(self, admission: tuple[int, int], outcome: Outcome, now: int) -> None:
        self.settle(now)
        period, place = admission
        if not self.counts(period):
            return
        if self.state == "closed":
            self.count(outcome, now)
        elif self.state == "half-open" and place in self.pending:
            self.tried(place, outcome, now)

    def count(self, outcome: Outcome, now: int) -> None:
        if outcome == "uncounted":
            return
        self.results = [*self.results, outcome == "failed"][-self.window :]
        if self.is_full():
            self.becomes("open", now)

    def is_full(self) -> bool:
        return len(self.results) >= self.window and sum(self.results) >= self.failures

    def tried(self, place: int, outcome: Outcome, now: int) -> None:
        if outcome != "succeeded":
            self.becomes("open", now)
            return
        self.pending.discard(place)
        if len(self.admitted) - len(self.pending) >= self.trials:
            self.becomes("closed", now)


class LittleCalls(LittleReads):
    """A component driver whose calls are right as well."""

    breaker_kind: type[Breaker] = Breaker

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - the judge's own
        super().__init__(**given)
        told = given["settings"]

        def number(name: str) -> float:
            return float(told[f"GATEWAY_{name}"])

        def ms(name: str) -> int:
            return round(number(name + "_S") * 1000)

        window = int(number("BREAKER_WINDOW"))
        self.rules = (
            window,
            -int(-number("BREAKER_FAILURE_RATE") * window // 1),
            ms("BREAKER_OPEN"),
            int(number("BREAKER_TRIALS")),
            ms("BREAKER_TRIAL"),
        )
        self.poll_ms, self.health_ms = ms("POLL"), ms("HEALTH_INTERVAL")
        self.breakers: dict[str, Breaker] = {}
        self.own: dict[tuple[int, str], Breaker] = {}
        """With the store away each instance goes by its own."""
        self.turns: dict[str, int] = {}
        self.met: dict[tuple[int, str], Upstream] = {}

    # Breakers.

    def shared(self, provider: str) -> Breaker:
        return self.breakers.setdefault(provider, self.breaker_kind(*self.rules))

    def breaker(self, instance: Instance, provider: str) -> Task:
        """The shared one, or with the store away this instance's own."""
        try:
            return (yield from self.redis(instance, lambda: self.shared(provider)))
        except Away:
            return self.own.setdefault((instance.number, provider), self.breaker_kind(*self.rules))

    def life(self, instance: int, life: Life) -> None:
        super().life(instance, life)
        if life == "killed":
            self.own = {key: breaker for key, breaker in self.own.items() if key[0] != instance}

    def lead(self, instance: Instance, name: str, flight: Flight, token: object) -> Task:
        breaker = yield from self.breaker(instance, provider_of(name))
        admission = breaker.admit(self.now)
        if admission is None:
            flight.refused = True
            if self.leases.get(name, (None, 0))[0] is token:
                del self.leases[name]
            return
        yield from super().lead(instance, name, flight, token)
        breaker = yield from self.breaker(instance, provider_of(name))
        breaker.finish(admission, self.outcome(instance, name, flight), self.now)

    def outcome(self, instance: Instance, name: str, flight: Flight) -> Outcome:
        if flight.timed_out or flight.entry:
            return "failed" if flight.timed_out else "succeeded"
        return self.outcome_of(self.met[instance.number, name].status)

    def outcome_of(self, status: int | None) -> Outcome:
        return "uncounted" if status in UNCOUNTED else "failed"

    def call(self, instance: int, name: str) -> Upstream:
        self.met[instance, name] = super().call(instance, provider_of(name))
        return self.met[instance, name]

    # Keys of one's own.

    def answer(self, instance: Instance, asked: Asked) -> Task:
        own = set(asked.credential.get("own", "").split())
        yield from super().answer(instance, asked) if not own else self.answer_with_own(instance, asked, own)

    def answer_with_own(self, instance: Instance, asked: Asked, own: set[str]) -> Task:
        who = asked.credential["name"]
        names = [value for name, value in parse_qsl(urlsplit(asked.path).query) if name == "provider"]
        keys = [f"{name}{OWN}{who}" if name in own else name for name in names]
        parts: dict[str, Part] = {}
        yield from self.gather(instance, keys, parts, self.now + self.deadline)
        found = {key: parts.get(key) or self.stand_in(instance, key, "timeout", ()) for key in keys}
        self.reply(asked, {provider_of(key): part for key, part in found.items()})

    # Polls and probes.

    def declare(self, providers: Sequence[Declared]) -> None:
        super().declare(providers)
        for instance in self.instances:
            for provider in providers:
                self.begin_rounds(instance, provider)

    def begin_rounds(self, instance: Instance, provider: Declared) -> None:
        poll_ms = self.poll_ms if provider.poll_s is None else round(provider.poll_s * 1000)
        if poll_ms:
            self.tasks.start(instance, self.rounds(instance, provider.name, "poll", poll_ms))
        if self.health_ms:
            self.tasks.start(instance, self.rounds(instance, provider.name, "probe", self.health_ms))

    def rounds(self, instance: Instance, name: str, what: str, every_ms: int) -> Task:
        """Each is done once in so long, by whichever instance comes first."""
        while True:
            yield until(self.now + every_ms)
            if self.turns.get(what + name, -1) < self.now:
                self.turns[what + name] = self.now + every_ms - 1
                yield from self.poll(instance, name) if what == "poll" else self.look_after(instance, name)

    def poll(self, instance: Instance, name: str) -> Task:
        self.refresh(instance, name)
        yield until(self.now)

    def look_after(self, instance: Instance, name: str) -> Task:
        breaker = yield from self.breaker(instance, name)
        breaker.settle(self.now)
        if breaker.state != "open":
            self.ask_for_images(instance, name)

    def ask_for_images(self, instance: Instance, name: str) -> Upstream:
        provider = self.declared[name]
        bearer = {"authorization": f"Bearer {provider.credential['api_key']}"}
        return self.ask(instance.number, name, provider.endpoints[0][0], UpstreamRequest("GET", PROBE_PATH, bearer))


def provider_of(key: str) -> str:
    """Whose list it is, whoever's key."""
    return key.partition(OWN)[0]
