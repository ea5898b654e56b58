"""The read path over HTTP: running instances whose providers, Redis and lives are in the judge's hand."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from typing import TYPE_CHECKING

from gatespec.checkers.catalogue import asks_for_it
from gatespec.clock import now_ns, sleep_until_ns, until
from gatespec.drivers.http import HttpGateway
from gatespec.drivers.lives import Lives
from gatespec.drivers.moods import Mood
from gatespec.drivers.providers import Providers
from gatespec.drivers.store import Store
from gatespec.identities import Signer
from gatespec.ports import Identity, Request, Untestable
from gatespec.providers.control_client import ProvidersControl
from gatespec.read_ports import PLAIN, Disturbance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatespec.drivers.people import People
    from gatespec.ports import Exchange, Tier
    from gatespec.read_ports import Act, Failing, Life, Shape, StoreState, UpstreamCall
    from gatespec.stack.lane import Lane

INVALIDATE = "/internal/v1/cache/invalidate"
OPERATOR = "gatespec-operator"
REJOIN_MS = 5_000
"""How long instances may take to find Redis again after a story: the contract names no bound, so past this the next
story begins all the same."""
ACCEPTED = range(200, 300)
NOT_OURS = "the gateway runs already: its {} are not the judge's to change"
QUIET = "the chapter's Needs say nothing of store faults, so this lane's Redis has no proxy in front of it"


class HttpReadGateway(HttpGateway):
    """Running instances on a lane; where the judge did not start them, all but asking is untestable."""

    def __init__(self, lane: Lane, people: People, *, tier: Tier = "wire") -> None:
        super().__init__(lane.urls, people, tier=tier, binding=lane.binding, alive=lane.alive)
        self._lane = lane
        self.disturbances: list[Disturbance] = []
        self._ends = ExitStack()
        self._lives = Lives(lane)
        self._store = Store(lane.lines) if lane.lines else None
        self._providers: Providers | None = None
        if lane.simulators_url and lane.pool:
            control = self._ends.enter_context(ProvidersControl(lane.simulators_url))
            self._providers = Providers(control, lane.pool)

    def begin(self) -> None:
        """Put everything right, and let go of the last story's providers."""
        self._settle()
        super().begin()
        if self._lane.pool and self._lane.pool.runs_low:
            self._lane.renew_pool()
        self.disturbances = []
        if self._providers:
            self._providers.begin()

    def play(self, requests: Sequence[Request]) -> list[Exchange]:
        """Send each at its delay; whoever reads the catalogue reads all providers, and leaves none fresh."""
        if self._lane.pool and any(asks_for_it(request) for request in requests):
            self._lane.pool.all_were_read()
        return super().play(requests)

    def _settle(self) -> None:
        """Have Redis well, every instance running, and all of them on speaking terms again."""
        if self._store:
            self.store("well")
        for instance in self._lives.not_running:
            self.life(instance, "running")
        if any(done.what == "store" for done in self.disturbances):
            self._rejoin()

    def _rejoin(self) -> None:
        """Wait until each instance has heard of each server of Redis again, at most `REJOIN_MS`."""
        until(self._has_rejoined, at_most_ms=REJOIN_MS)

    def _has_rejoined(self) -> bool:
        """Make all look: somebody new each time, whose window may lie on any node of a cluster."""
        path = f"/api/v2/providers?provider={self._lane.plain_provider}"
        self.play([Request(self.fresh("ip", "free"), instance, path=path) for instance in range(self.instances)])
        return all(self._lives.hold_all(ports) for ports in self._its_store().heard_by)

    def during(self, requests: Sequence[Request], *acts: Act) -> list[Exchange]:
        """As `play`, with the acts beside it, one after the other, in a thread of their own: they wait for others."""
        return self._runner.run(self._beside(requests, sorted(acts, key=lambda act: act.delay_ms)))

    async def _beside(self, requests: Sequence[Request], acts: Sequence[Act]) -> list[Exchange]:
        exchanges, _ = await asyncio.gather(self._play(requests), _done(acts, now_ns()))
        return exchanges

    def dice(self, seed: int) -> bool:
        """Say no: a running gateway throws its own."""
        del seed
        return False

    def fresh_providers(self, count: int, shape: Shape = PLAIN) -> tuple[str, ...]:
        """Return providers that were never read before."""
        return self._its_providers().fresh(count, shape)

    def provider(self, name: str, *, latency_ms: int = 0, failing: Failing = "", retry_after: str = "") -> None:
        """Set how a provider's list answers calls that arrive from now on."""
        began = self.clock.now_ms()
        self._its_providers().behave(name, Mood(latency_ms, failing, retry_after))
        self._did("provider", name, failing or "well", began)

    def endpoint(self, name: str, place: int, *, latency_ms: int = 0, failing: Failing = "") -> None:
        """Set how the list at one endpoint answers."""
        began = self.clock.now_ms()
        self._its_providers().behave_at(name, place, "list", Mood(latency_ms, failing))
        self._did("provider", name, f"endpoint {place}: {failing or 'well'}", began)

    def probes(self, name: str, place: int, *, failing: Failing = "") -> None:
        """Set how one endpoint answers probes."""
        began = self.clock.now_ms()
        self._its_providers().behave_at(name, place, "probe", Mood(0, failing))
        self._did("provider", name, f"probes at {place}: {failing or 'well'}", began)

    def stock(self, name: str, items: Mapping[str, str], page_items: int | None = None) -> None:
        """Let a provider list these items from now on."""
        began = self.clock.now_ms()
        self._its_providers().stock(name, items, page_items)
        self._did("provider", name, "stocked", began)

    def own_credential(self, identity: Identity, providers: Sequence[str]) -> None:
        """Say no: nobody can bring a credential of his own to a running gateway yet."""
        del identity, providers
        raise Untestable("no user of this gateway can be given a credential of his own for a provider")

    def calls(self, providers: Sequence[str]) -> list[UpstreamCall]:
        """Every list call that these providers saw in this story, in order of arrival."""
        return self._its_providers().calls(providers, "list")

    def probe_calls(self, providers: Sequence[str]) -> list[UpstreamCall]:
        """Every probe that these providers saw in this story, in order of arrival."""
        return self._its_providers().calls(providers, "probe")

    def store(self, state: StoreState) -> None:
        """Set how Redis is for all instances."""
        store, began = self._its_store(), self.clock.now_ms()
        if state != store.state:
            self._did("store", "", state, began, store.become(state))

    def life(self, instance: int, life: Life) -> None:
        """Set how an instance is."""
        if not self._lives.known:
            raise Untestable(NOT_OURS.format("processes"))
        began = self.clock.now_ms()
        if self._lives.become(instance, life):
            self._did("life", str(instance), life, began)

    def invalidate(self, provider: str, instance: int) -> Exchange:
        """Ask with a token of the judge's own making; only what was accepted has disturbed anything."""
        headers = (("Content-Type", "application/json"),)
        body = json.dumps({"provider": provider})
        (said,) = self.play([Request(self._operator(), instance, "POST", INVALIDATE, headers, body=body)])
        if said.status in ACCEPTED:
            self.disturbances.append(
                Disturbance("invalidate", provider, str(instance), said.span.sent_ms, said.span.heard_ms)
            )
        return said

    def _operator(self) -> Identity:
        key = self._lane.signing
        if key is None:
            raise Untestable("the gateway runs already: the judge has no service token of scope operate for it")
        signer = Signer(key.private_key_file, key.issuer, key.audience)
        token = signer.token("service", OPERATOR, "enterprise", scope="operate")
        return Identity("service", OPERATOR, "enterprise", (("Authorization", f"Bearer {token}"),))

    def _its_providers(self) -> Providers:
        if self._providers is None:
            raise Untestable(NOT_OURS.format("providers"))
        return self._providers

    def _its_store(self) -> Store:
        if self._store is None:
            raise Untestable(QUIET if self._lives.known else NOT_OURS.format("stores"))
        return self._store

    def _did(self, what: str, whom: str, how: str, began_ms: int, bit: int | None = None) -> None:
        done_ms = -(-now_ns() // 1_000_000)  # outwards: by then it surely had taken effect
        self.disturbances.append(Disturbance(what, whom, how, began_ms, done_ms, bit))

    def close(self) -> None:
        """Let go of everything; leave the gateway as it is."""
        self._ends.close()
        super().close()


async def _done(acts: Sequence[Act], began_ns: int) -> None:
    for act in acts:
        await sleep_until_ns(began_ns + act.delay_ms * 1_000_000)
        await asyncio.to_thread(act.do)
