"""The read path's component tier: the target's own reads driver, in process, under a virtual clock."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from inspect import signature
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar

from gatespec.clock import VirtualClock
from gatespec.drivers.component import SCENE_MS
from gatespec.drivers.moods import Mood
from gatespec.drivers.played_secrets import PlayedSecrets
from gatespec.drivers.played_vault import PlayedVault
from gatespec.drivers.upstreams import Upstreams
from gatespec.identities import Numbers, fresh_address
from gatespec.ports import Exchange, Identity, Request, Span, Untestable
from gatespec.read_ports import HOUSE, PLAIN, Asked, Disturbance
from gatespec.vault_paths import house_path, path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gatespec.ports import Binding, Kind, Plan, Tier
    from gatespec.read_ports import (
        Act,
        Answered,
        Failing,
        Life,
        ReadsDriver,
        Shape,
        StoreState,
        UpstreamCall,
        VaultState,
    )

STEP_MS = 5
"""How far the clock goes on while an answer is awaited: what is heard meanwhile says its own moment."""
STEPS_MIN = 50
"""Whoever has waited long is waited for in longer steps: a step is at most this part of the wait so far."""
BREATH_MS = 1
"""What is asked after an answer is asked at a later moment: else nobody could tell from the record which came first."""
PLAY_MAX_MS = 20_000
"""Four times the longest that any request may take: what is not answered by then never will be."""
NO_VAULT = (
    "the component driver's open_reads takes no vault, so where its credentials come from cannot be judged in process"
)
NO_READS = "the component driver has no open_reads, so what it reads cannot be judged in process"
INVALIDATE_PATH = "/internal/v1/cache/invalidate"


class InProcessReadGateway:
    """Instances that share a store and a clock, with providers in the judge's hand."""

    tier: ClassVar[Tier] = "component"

    def __init__(
        self, make: Callable[..., Any], *, settings: Mapping[str, str], instances: int, redis_url: str | None
    ) -> None:
        """Raise `Untestable` where the driver has no read path."""
        self.binding: Binding = "redis" if redis_url else "pure"
        self.instances = instances
        self.clock = VirtualClock()
        self.disturbances: list[Disturbance] = []
        self._upstreams = Upstreams(self.clock, int(Decimal(settings["GATEWAY_UPSTREAM_TIMEOUT_S"]) * 1000))
        self._random = Random(0)  # noqa: S311 - dice, not secrets
        self._fresh = Numbers()
        self._tickets = count(1)
        self._heard: dict[int, Answered] = {}
        self._own: dict[str, set[str]] = {}
        self._vault = PlayedVault()
        self._reads_vault = False
        self.secret_ways = PlayedSecrets(redis_url, self._disturbed)
        """What P19 needs of this door."""
        self._component = make(clock=self.clock, instances=instances, settings=dict(settings), redis_url=redis_url)
        self._driver = self._open()

    def _open(self) -> ReadsDriver:
        opens = getattr(self._component, "open_reads", None)
        if opens is None:
            self._component.close()
            raise Untestable(NO_READS)
        given = {"ask": self._upstreams.ask, "left": self._upstreams.left, "dice": self._random.random}
        self._reads_vault = "vault" in signature(opens).parameters
        driver: ReadsDriver = opens(**given, **({"vault": self._vault.ask} if self._reads_vault else {}))
        return driver

    def begin(self) -> None:
        """Open everything anew, so that no story hears of another, and turn to the next whole minute but one."""
        self._driver.close()
        self._upstreams.forget()
        self._own.clear()
        self._vault.forget()
        self.secret_ways.begin()
        now = self.clock.now_ms()
        self.clock.advance((now // SCENE_MS + 2) * SCENE_MS - now)
        self._driver = self._open()
        self.disturbances.clear()
        self._heard.clear()
        self.dice(0)
        self._fresh.begin()

    def fresh(self, kind: Kind, plan: Plan) -> Identity:
        """Make up an identity that was never seen."""
        number = next(self._fresh)
        return Identity(kind, fresh_address(number) if kind == "ip" else f"{kind}-{number}", plan)

    def play(self, requests: Sequence[Request]) -> list[Exchange]:
        """Hand each in at its delay, and let time pass until all are answered, at most `PLAY_MAX_MS`."""
        return self.during(requests)

    def during(self, requests: Sequence[Request], *acts: Act) -> list[Exchange]:
        """As `play`; of one moment the requests come first."""
        began, sent = self.clock.now_ms(), dict[int, tuple[int, int]]()
        due: list[tuple[int, int | Act]] = [(r.delay_ms, place) for place, r in enumerate(requests)]
        due += [(act.delay_ms, act) for act in acts]
        for delay_ms, what in sorted(due, key=lambda one: one[0]):
            if began + delay_ms > self.clock.now_ms():
                self._run(began + delay_ms)
            if isinstance(what, int):
                sent[what] = self._submit(requests[what]), self.clock.now_ms()
            else:
                self._run(self.clock.now_ms())
                what.do()
        self._run(self.clock.now_ms())
        self._await([ticket for ticket, _ in sent.values()])
        self._run(self.clock.now_ms() + BREATH_MS)
        return [self._exchange(request, *sent[place]) for place, request in enumerate(requests)]

    def _submit(self, request: Request, scope: str = "") -> int:
        who, ticket = request.identity, next(self._tickets)
        own = " ".join(sorted(self._own.get(who.id, ())))
        name = request.address or who.name
        user = who.name if who.kind == "user" else ""
        credential = {"kind": who.kind, "name": name, "plan": who.plan, "scope": scope, "user": user, "own": own}
        headers = {name.lower(): value for name, value in request.headers}
        body = request.body.encode()
        self._driver.submit(Asked(ticket, request.instance, request.method, request.path, headers, credential, body))
        return ticket

    def _await(self, tickets: Sequence[int]) -> None:
        last_ms = self.clock.now_ms() + PLAY_MAX_MS
        while self.clock.now_ms() < last_ms and not all(ticket in self._heard for ticket in tickets):
            waited_ms = self.clock.now_ms() - last_ms + PLAY_MAX_MS
            self._run(self.clock.now_ms() + max(STEP_MS, waited_ms // STEPS_MIN))

    def _exchange(self, request: Request, ticket: int, sent_ms: int) -> Exchange:
        plain, heard = replace(request, delay_ms=0), self._heard.pop(ticket, None)
        if heard is None:
            return Exchange(plain, Span(sent_ms, self.clock.now_ms()), None)
        named = {name.lower(): value for name, value in heard.headers.items()}
        self.secret_ways.heard(named, heard.body)
        return Exchange(plain, Span(sent_ms, heard.heard_ms), heard.status, named, heard.body)

    def _run(self, until_ms: int) -> None:
        for answered in self._driver.run(until_ms):
            self._heard[answered.ticket] = answered
        self.clock.advance(until_ms - self.clock.now_ms())

    def wait(self, duration_ms: int) -> None:
        """Let the gateway work for so long."""
        self._run(self.clock.now_ms() + duration_ms)

    def skew(self, offsets_ms: Sequence[int]) -> bool:
        """Say no: reads are judged by one clock."""
        del offsets_ms
        return False

    def dice(self, seed: int) -> bool:
        """Throw anew."""
        self._random.seed(seed)
        return True

    def fresh_providers(self, count: int, shape: Shape = PLAIN) -> tuple[str, ...]:
        """Bring providers that were never read."""
        declared = self._upstreams.fresh(count, shape)
        for each in declared:
            self.secret_ways.canaries.add("provider-credential", list(each.credential.values())[-1])
            self._vault.put(house_path(each.name), each.credential)
            self._upstreams.marks.begin(each.name, each.credential)
        self._driver.declare(declared)
        return tuple(each.name for each in declared)

    def provider(self, name: str, *, latency_ms: int = 0, failing: Failing = "", retry_after: str = "") -> None:
        """Set how its list answers from now on."""
        self._upstreams.behave(name, Mood(latency_ms, failing, retry_after))
        self._disturbed("provider", name, failing or "well")

    def endpoint(self, name: str, place: int, *, latency_ms: int = 0, failing: Failing = "") -> None:
        """Set how its list answers at one endpoint."""
        self._upstreams.behave_at(name, place, "list", Mood(latency_ms, failing))
        self._disturbed("provider", name, f"endpoint {place}: {failing or 'well'}")

    def probes(self, name: str, place: int, *, failing: Failing = "") -> None:
        """Set how probes are answered at one endpoint."""
        self._upstreams.behave_at(name, place, "probe", Mood(0, failing))
        self._disturbed("provider", name, f"probes at {place}: {failing or 'well'}")

    def stock(self, name: str, items: Mapping[str, str], page_items: int | None = None) -> None:
        """Let it list these items from now on."""
        self._upstreams.stock(name, items, page_items)
        self._disturbed("provider", name, "stocked")

    def echo(self, provider: str, form: str, status: int) -> None:
        """Have a provider answer with what it was sent until another is asked for; an empty form: no more."""
        self._upstreams.echo(provider, form, status)
        self._disturbed("provider", provider, f"echoes {form}" if form else "well")

    def own_credential(self, identity: Identity, providers: Sequence[str]) -> None:
        """Put it into Vault, and say so with each of his requests."""
        self._own.setdefault(identity.id, set()).update(providers)
        for name in providers:
            self.rotate(name, identity)

    def vault(self, state: VaultState) -> None:
        """Set how Vault answers questions that begin from now on."""
        if not self._reads_vault:
            raise Untestable(NO_VAULT)
        self._vault.state = state
        self._disturbed("vault", "", state)

    def watch_vault(self) -> None:
        """Nothing: in process there are no tokens."""

    def rotate(self, provider: str, who: Identity | None = None) -> str:
        """Put another credential into Vault, which the provider accepts too."""
        mark, fields = self._upstreams.marks.new(provider, who.id if who else HOUSE)
        self.secret_ways.canaries.add("user-credential" if who else "provider-credential", fields["api_key"])
        self._upstreams.accept(provider)
        self._vault.put(path_of(provider, who.name if who else None), fields)
        self._disturbed("credential", provider, f"{mark} put")
        return mark

    def refuse(self, provider: str, mark: str) -> None:
        """Have the provider accept it no longer."""
        self._upstreams.marks.refuse(provider, mark)
        self._upstreams.accept(provider)
        self._disturbed("credential", provider, f"{mark} refused")

    def take_away(self, provider: str, who: Identity | None = None) -> None:
        """Delete it from Vault."""
        self._vault.delete(path_of(provider, who.name if who else None))
        self._own.get(who.id if who else HOUSE, set()).discard(provider)
        self._disturbed("credential", provider, f"{who.id if who else HOUSE} gone")

    def calls(self, providers: Sequence[str]) -> list[UpstreamCall]:
        """Their list calls as of now."""
        return self._upstreams.calls(providers)

    def probe_calls(self, providers: Sequence[str]) -> list[UpstreamCall]:
        """Their probes as of now."""
        return self._upstreams.calls(providers, "probe")

    def store(self, state: StoreState) -> None:
        """Set how the shared store is."""
        self._driver.store(state)
        self._disturbed("store", "", state)

    def life(self, instance: int, life: Life) -> None:
        """Set how an instance is."""
        if life == "killed":
            self._upstreams.cut(instance)
        self._driver.life(instance, life)
        self._disturbed("life", str(instance), life)

    def invalidate(self, provider: str, instance: int) -> Exchange:
        """Ask as a service that may."""
        operator = Identity("service", "operator", "enterprise")
        headers = (("Content-Type", "application/json"),)
        request = Request(operator, instance, "POST", INVALIDATE_PATH, headers, body=json.dumps({"provider": provider}))
        began = self.clock.now_ms()
        ticket = self._submit(request, scope="operate")
        self._run(began)
        self._await([ticket])
        self._run(self.clock.now_ms() + BREATH_MS)
        exchange = self._exchange(request, ticket, began)
        self.disturbances.append(Disturbance("invalidate", provider, str(instance), began, exchange.span.heard_ms))
        return exchange

    def _disturbed(self, what: str, whom: str, how: str) -> None:
        now = self.clock.now_ms()
        self.disturbances.append(Disturbance(what, whom, how, now, now))

    def close(self) -> None:
        """End the driver."""
        self._driver.close()
        self._component.close()
