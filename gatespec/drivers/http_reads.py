"""The read path over HTTP: running instances whose providers, Redis and lives are in the judge's hand."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from gatespec.checkers.audited import AUDIT, READ, WATCHED
from gatespec.checkers.catalogue import asks_for_it
from gatespec.checkers.vault import FOUND_BACK_MS
from gatespec.clock import now_ns, sleep_until_ns, until
from gatespec.drivers.http import HttpGateway, heard_by, nobody
from gatespec.drivers.lives import Lives
from gatespec.drivers.moods import Mood
from gatespec.drivers.providers import Providers
from gatespec.drivers.secret_ways import SecretWays
from gatespec.drivers.shards import Shards
from gatespec.drivers.store import Store
from gatespec.drivers.vault import Vault
from gatespec.identities import Signer
from gatespec.ports import Identity, Request, Untestable
from gatespec.providers.control_client import ProvidersControl
from gatespec.read_ports import HOUSE, PLAIN, Disturbance
from gatespec.vault_paths import house_path, path_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatespec.drivers.people import People
    from gatespec.ports import Exchange, Tier
    from gatespec.read_ports import Act, Failing, Life, Shape, ShardState, StoreState, UpstreamCall, VaultState
    from gatespec.stack.lane import Lane
    from gatespec.stack.vault_api import VaultShare

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
        super().__init__(lane.urls, people, tier=tier, binding=lane.binding, alive=lane.alive, heard=heard_by(lane))
        self._lane = lane
        self.disturbances: list[Disturbance] = []
        self._ends = ExitStack()
        self._lives = Lives(lane)
        self._store = Store(lane.lines.redis) if lane.lines else None
        self._database = Store([lane.lines.postgres], "PostgreSQL") if lane.lines else None
        self._shards = Shards(lane.cluster, self.clock) if lane.cluster else None
        self._vault: Vault | None = None
        self._secret_ways: SecretWays | None = None
        self._unread: dict[tuple[str, str], tuple[str, int]] = {}
        """Credentials that nobody asked Vault for since they were put: their path, and how often it was read before."""
        if lane.lines and lane.vault and lane.vault_is_its_own:
            self._vault = Vault(lane.vault, lane.lines.vault)
        self._providers: Providers | None = None
        if lane.simulators_url and lane.pool:
            control = self._ends.enter_context(ProvidersControl(lane.simulators_url))
            self._providers = Providers(control, lane.pool, lane.house_credential)

    def begin(self) -> None:
        """Put everything right, and let go of the last story's providers."""
        self._settle()
        super().begin()
        if self._lane.pool and self._lane.pool.runs_low:
            self._lane.renew_pool()
        self.disturbances = []
        self._unread.clear()
        if self._secret_ways:
            self._secret_ways.begin()
        if self._providers:
            self._providers.begin()
        if self._vault:
            self._vault.turn_the_page()

    def play(self, requests: Sequence[Request]) -> list[Exchange]:
        """Send each at its delay; whoever reads the catalogue reads all providers, and leaves none fresh."""
        if self._lane.pool and any(asks_for_it(request) for request in requests):
            self._lane.pool.all_were_read()
        return super().play(requests)

    def _settle(self) -> None:
        """Have Redis well, every instance running, and all of them on speaking terms again."""
        if self._store:
            self.store("well")
        if self._database:
            self.database("well")
        if self._shards and self._shards.dead:
            self.shard("well")
        if self._vault:
            self.vault("well")
            self._be_found()
        for instance in self._lives.not_running:
            self.life(instance, "running")
        if any(done.what == "store" for done in self.disturbances):
            self._rejoin()

    def _be_found(self) -> None:
        """Wait until instances must have found Vault back: the next story does not know that it was away."""
        back = [done.done_ms for done in self.disturbances if (done.what, done.how) == ("vault", "well")]
        if back:
            self.wait(max(0, back[-1] + FOUND_BACK_MS - self.clock.now_ms()))

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
        names = self._its_providers().fresh(count, shape)
        if self._vault and not self._unread:
            self._did(AUDIT, "", WATCHED, self.clock.now_ms())
        for name in names:
            self._was_put(name, f"{HOUSE}:0", house_path(name), 0)
        return names

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

    @property
    def secret_ways(self) -> SecretWays:
        """What P19 needs of the wire; raise `Untestable` where nothing that the gateway leaves is the judge's."""
        if self._secret_ways is None:
            self._secret_ways = SecretWays(self._lane, self._ask_unheard, self._did_now)
        return self._secret_ways

    def ask_secretly(self, *requests: Request) -> list[Exchange]:
        """As `play`, with secrets in place of their words on the wire, and words in their place on the record."""
        ways = self.secret_ways
        exchanges = self.play([ways.said(request) for request in requests])
        return [replace(ways.masked(e), request=r) for e, r in zip(exchanges, requests, strict=True)]

    def _ask_unheard(self, request: Request) -> Exchange:
        """Ask for what issues a secret: whoever keeps the answers must not hear of it."""
        self._heard, before = nobody, self._heard
        try:
            (exchange,) = self.play([self.secret_ways.said(request)])
        finally:
            self._heard = before
        return replace(exchange, request=request)

    def _did_now(self, what: str, whom: str, how: str) -> None:
        self._did(what, whom, how, self.clock.now_ms())

    def echo(self, provider: str, form: str, status: int) -> None:
        """Have a provider answer with what it was sent, in some form, until another is asked for; empty: no more."""
        self._its_providers().echo(provider, form, status)
        self._did_now("provider", provider, f"echoes {form}" if form else "well")

    def own_credential(self, identity: Identity, providers: Sequence[str]) -> None:
        """Put credentials of his own into Vault."""
        for name in providers:
            self.rotate(name, identity)

    def vault(self, state: VaultState) -> None:
        """Set how Vault is for all instances."""
        vault, began = self._its_vault(), self.clock.now_ms()
        if state != vault.state:
            vault.become(state)
            self._did("vault", "", state, began)

    def watch_vault(self) -> None:
        """Note that a token was renewed, and which credentials Vault was asked for since they were put."""
        now = self.clock.now_ms()
        if self._vault is None:
            return
        if self._vault.renewals():
            self._did("vault", "token", "renewed", now)
        for (provider, mark), (path, before) in list(self._unread.items()):
            if self._vault.reads[path] > before:
                del self._unread[provider, mark]
                self._did(AUDIT, provider, mark + READ, now)

    def _was_put(self, provider: str, mark: str, path: str, before: int) -> None:
        """From now on it counts who asks Vault for it."""
        if self._vault:
            self._unread[provider, mark] = path, before

    def rotate(self, provider: str, who: Identity | None = None) -> str:
        """Put another credential into Vault, which the provider accepts too."""
        providers, share, began = self._its_providers(), self._its_share(who), self.clock.now_ms()
        mark, fields = providers.marks.new(provider, who.id if who else HOUSE)
        if self._lane.secrets:
            self._lane.secrets.canaries.add("user-credential" if who else "provider-credential", fields["api_key"])
        providers.accept(provider)
        path = path_of(provider, who.name if who else None)
        if self._vault:
            self._vault.catch_up()
        self._was_put(provider, mark, path, self._vault.reads[path] if self._vault else 0)
        share.put(path, fields)
        self._did("credential", provider, f"{mark} put", began)
        return mark

    def refuse(self, provider: str, mark: str) -> None:
        """Have the provider accept it no longer."""
        providers, began = self._its_providers(), self.clock.now_ms()
        providers.marks.refuse(provider, mark)
        providers.accept(provider)
        self._did("credential", provider, f"{mark} refused", began)

    def take_away(self, provider: str, who: Identity | None = None) -> None:
        """Delete it from Vault."""
        share, began = self._its_share(who), self.clock.now_ms()
        share.delete(path_of(provider, who.name if who else None))
        self._did("credential", provider, f"{who.id if who else HOUSE} gone", began)

    def _its_share(self, who: Identity | None) -> VaultShare:
        if who is not None and who.kind != "user":
            raise Untestable(f"nobody but a user has credentials of his own, and {who.id} is none")
        if self._lane.vault is None:
            raise Untestable(NOT_OURS.format("Vault's contents"))
        return self._lane.vault

    def _its_vault(self) -> Vault:
        if self._vault is None:
            raise Untestable("the chapter's Needs say nothing of a Vault that fails, or the gateway runs already")
        return self._vault

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

    def database(self, state: StoreState) -> None:
        """Set how PostgreSQL is for all instances; raise `Untestable` where this door cannot."""
        if self._database is None:
            raise Untestable(QUIET if self._lives.known else NOT_OURS.format("stores"))
        began = self.clock.now_ms()
        if state != self._database.state:
            self._did("database", "", state, began, self._database.become(state))

    def shard(self, state: ShardState) -> None:
        """Kill the busiest master of the cluster and wait for its heir, or have the killed one back."""
        if self._shards is None:
            raise Untestable("this lane's Redis is no cluster, so no shard of it can be lost")
        began = self.clock.now_ms()
        if state == "killed":
            dead = self._shards.kill()
            self._did("shard", dead, "killed", began)
            self._await_heir(self._shards, dead)
        elif dead := self._shards.dead:
            self._shards.bring_back()
            self._did("shard", dead, "well", began)

    def _await_heir(self, shards: Shards, dead: str) -> None:
        heir = shards.await_heir()
        self._did("shard", dead, "promoted", heir.unowned_ms, heir.epochs)
        self._did("heir", heir.node, f"serves {heir.slots}", self.clock.now_ms())

    def rotation(self, how: str) -> None:
        """Note how credentials are changed from now on; what is done to each is noted beside it."""
        before = next((done.how for done in reversed(self.disturbances) if done.what == "rotation"), "well")
        if how != before:
            self._did_now("rotation", "", how)

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
