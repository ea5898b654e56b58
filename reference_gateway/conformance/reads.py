"""The read path in process: instances whose memory, time and surroundings are the judge's to command."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl, urlsplit

from reference_gateway.conformance.asked import Answered
from reference_gateway.conformance.instances import Instances
from reference_gateway.conformance.limits import problem_of
from reference_gateway.core import answers
from reference_gateway.core.answers import Answer
from reference_gateway.core.cache.entry import HOUSE, key_of, split_key
from reference_gateway.core.cache.invalidation import accepted, missing_scope
from reference_gateway.core.cache.reading import nothing_known, status_of, warnings_of
from reference_gateway.core.cache.tiers import Pending
from reference_gateway.core.catalog import catalog_body
from reference_gateway.core.credentials.manager import HOUSES
from reference_gateway.core.filters import parse_query
from reference_gateway.core.limiter import Ask, Policy, StoreAway
from reference_gateway.core.pages import (
    ProviderList,
    moment_of,
    offer_body,
    snapshot_of,
    version_of,
)
from reference_gateway.core.problems import Problem
from reference_gateway.core.upstream.health import About, health_body

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.conformance.asked import Asked
    from reference_gateway.conformance.instances import Instance
    from reference_gateway.conformance.world import Declared, StoreState
    from reference_gateway.core.cache.entry import Entry
    from reference_gateway.core.cache.shown import Shown
    from reference_gateway.core.credentials.ports import Owner
    from reference_gateway.core.pages import Moment
    from reference_gateway.core.query import Query

CATALOG_PATH = "/api/v2/providers/catalog"
HEALTH_PATH = "/api/v2/providers/health"
INVALIDATE_PATH = "/internal/v1/cache/invalidate"
OPERATE = "operate"
MARGIN = 20
"""A twentieth of the deadline is left for the answer's way out."""

_OFFER_PATH = re.compile(r"/api/v2/providers/([0-9a-f]{16})")
Life = Literal["running", "paused", "killed"]


class Reads(Instances):
    """The driver: requests go in, time passes when it is told to, answers come out."""

    # What a judge does.

    def declare(self, providers: Sequence[Declared]) -> None:
        """Have these providers too from now on: their probes and polls begin."""
        self.declared.update({provider.name: provider for provider in providers})
        for instance in self.instances:
            for provider in providers:
                self.meet(instance, provider)

    def submit(self, asked: Asked) -> None:
        """Hand a request to its instance now; its answer comes from a later `run`."""
        instance = self.instances[asked.instance]
        self.turns.start(instance.process, self._serve(instance, asked))

    def run(self, until_ms: int) -> list[Answered]:
        """Do all that falls due up to and including `until_ms`, advancing the clock to exactly that moment."""
        self.turns.run(until_ms)
        answered, self.answered = self.answered, []
        return answered

    def store(self, state: StoreState) -> None:
        """Set how the shared store is."""
        self.shared.state = state

    def life(self, instance: int, life: Life) -> None:
        """Set how an instance is; a killed one that runs again has an empty memory."""
        known = self.instances[instance]
        if life == "paused":
            self.turns.pause(known.process)
        elif life == "running":
            self.turns.resume(known.process)
        else:
            known.line.dead = True
            self.turns.kill(known.process)
            self.instances[instance] = self.open_instance(instance, known.process)
            self.turns.pause(known.process)

    def close(self) -> None:
        """Give back what was opened, and leave nothing of this driver in Redis."""
        for instance in self.instances:
            instance.line.dead = True
            self.turns.kill(instance.process)
        self.shared.cache.close()
        self.upstreams.close()

    # How a request is answered.

    async def _serve(self, instance: Instance, asked: Asked) -> None:
        answer = await self.answer(instance, asked)
        now_ms = self.turns.clock.now_ms()
        self.answered.append(Answered(asked.ticket, now_ms, int(answer.status), dict(answer.headers), answer.body))

    async def answer(self, instance: Instance, asked: Asked) -> Answer:
        """Answer by the path: what the limit counts is limited first."""
        trace_id, path = self.gateway.new_trace_id(), urlsplit(asked.path).path
        if path == INVALIDATE_PATH:
            return await self.invalidate(instance, asked, trace_id)
        if path == HEALTH_PATH:
            return await self.health(instance, trace_id)
        if not path.startswith("/api/"):
            return answers.failed(Problem("not-found", "this driver serves no such path"), trace_id)
        return await self.limited(instance, asked, trace_id)

    async def limited(self, instance: Instance, asked: Asked, trace_id: str) -> Answer:
        """Refuse, or answer whoever is admitted."""
        gateway, until_ms = self.gateway, self.deadline_ms()
        identity = gateway.identify(asked.credential, asked.headers)
        policy = Policy(identity.plan, gateway.limit_for(identity.plan), gateway.limits.window_us)
        await self.reach_limiter(instance)
        decision = gateway.decide(instance.number, Ask(gateway.window_key(identity), policy.limit, policy.window_us))
        if not decision.admitted:
            return answers.refused(identity, policy, decision, trace_id)
        status, found = await self.read(instance, asked, until_ms)
        extra = (("cache-status", status),) if status else ()
        if isinstance(found, Problem):
            return answers.failed(found, trace_id, (*answers.limited(policy, decision, trace_id), *extra))
        known = asked.headers.get("if-none-match")
        return answers.admitted(answers.entry(found), known, policy, decision, trace_id, extra=extra)

    def deadline_ms(self) -> int:
        """Say until when a request that comes now waits."""
        return self.turns.clock.now_ms() + self.times.deadline_ms - self.times.deadline_ms // MARGIN

    async def reach_limiter(self, instance: Instance) -> None:
        """Let the limiter be the first that meets a store that hangs, as it is in every request."""
        try:
            await instance.line.reach()
        except StoreAway:
            return

    async def read(self, instance: Instance, asked: Asked, until_ms: int) -> tuple[str, bytes | Problem]:
        """Answer a read by its path: what Cache-Status says, and the body or the problem that there is none."""
        if asked.method == "GET" and asked.path == CATALOG_PATH:
            return await self.read_catalog(instance, asked, until_ms)
        if asked.method == "GET" and (offer := _OFFER_PATH.fullmatch(asked.path)):
            return await self.read_offer(instance, asked, offer[1], until_ms)
        if problem := problem_of(asked.method, asked.path):
            return "", problem
        query = parse_query(parse_qsl(urlsplit(asked.path).query, keep_blank_values=True))
        if query.cursor is not None:
            return "", self.pages.follow(query, query.cursor, self.turns.clock.now_ms(), user_of(asked))
        shown = await self.seen(instance, asked, self.asked_of(query), until_ms)
        return status_of(shown), self.nothing_known(shown) or self.render(query, shown, user_of(asked))

    async def read_catalog(self, instance: Instance, asked: Asked, until_ms: int) -> tuple[str, bytes | Problem]:
        """Answer the catalogue, of lists that are no older than the static TTL."""
        shown = await self.seen(instance, asked, tuple(self.known), until_ms, self.static_ttl_ms())
        return status_of(shown), self.nothing_known(shown) or catalog_body(tuple(self.known), self.moment(shown))

    async def read_offer(
        self, instance: Instance, asked: Asked, offer_id: str, until_ms: int
    ) -> tuple[str, bytes | Problem]:
        """Answer one offer, as fresh as its own provider's list."""
        shown = await self.seen(instance, asked, tuple(self.known), until_ms)
        snapshot = snapshot_of(self.moment(shown))
        if (offer := snapshot.offers.get(offer_id)) is None:
            unknown = [each for each in shown if each.entry is None]
            return status_of(shown), self.nothing_known(unknown) or Problem("not-found", "no provider has this offer")
        own = [each for each in shown if each.provider == offer.provider]
        return status_of(own), offer_body(snapshot, offer, warnings_of(own))

    def asked_of(self, query: Query) -> Sequence[str]:
        """Name the providers of a query; without a filter those that were ever named, for there is no list of all."""
        named = sorted(filter(self.declared.__contains__, query.providers))
        self.known.update(dict.fromkeys(named))
        return named if query.providers else tuple(self.known)

    async def seen(
        self, instance: Instance, asked: Asked, names: Sequence[str], until_ms: int, ttl_ms: int | None = None
    ) -> list[Shown]:
        """Find what somebody sees of these providers."""
        owners = await self.owners(instance, asked, names)
        keys = [key_of(name, owner.name) for name, owner in zip(names, owners, strict=True)]
        found = await self.find(instance, keys, until_ms, ttl_ms)
        return [replace(f, unsure=True) if o.unsure else f for f, o in zip(found, owners, strict=True)]

    async def find(
        self, instance: Instance, keys: Sequence[str], until_ms: int, ttl_ms: int | None = None
    ) -> list[Shown]:
        """Begin all, then wait for each; the flights go on side by side."""
        named = map(split_key, keys)
        begun = [instance.cache.begin(name, owner=owner, ttl_ms=ttl_ms) for owner, name in named]
        return [await instance.cache.wait(b, until_ms) if isinstance(b, Pending) else b for b in begun]

    async def owners(self, instance: Instance, asked: Asked, names: Sequence[str]) -> Sequence[Owner]:
        """Say with whose credential somebody reads each: with his own where he has one, else with the house's."""
        user = user_of(asked)
        return await instance.credentials.owners(user, names) if user else [HOUSES] * len(names)

    def static_ttl_ms(self) -> int:
        """Say how old a list may be for the catalogue."""
        return self.times.static_ttl_ms

    def nothing_known(self, shown: Sequence[Shown]) -> Problem | None:
        """Return the problem of an answer that has nothing to show."""
        return nothing_known(shown)

    def render(self, query: Query, shown: Sequence[Shown], user: str = "") -> bytes:
        """Write the first page of the list."""
        reader = user if any(each.owner != HOUSE for each in shown) else ""
        return self.pages.first(query, self.moment(shown), self.turns.clock.now_ms(), reader)

    def moment(self, shown: Sequence[Shown]) -> Moment:
        """Put together what is shown."""
        lists = [_list_of(each, each.entry) for each in shown if each.entry is not None]
        return moment_of(lists, warnings_of(shown), self.turns.clock.now_ms())

    async def invalidate(self, instance: Instance, asked: Asked, trace_id: str) -> Answer:
        """Mark a provider's key, for who may."""
        provider = json.loads(asked.body)["provider"]
        scopes = str(asked.credential.get("scope", "")).split()
        if asked.credential["kind"] != "service" or OPERATE not in scopes:
            return answers.failed(missing_scope(OPERATE), trace_id)
        if provider not in self.declared:
            return answers.failed(Problem("not-found", "there is no such provider"), trace_id)
        everywhere = await instance.cache.invalidate(provider)
        return accepted(provider, everywhere=everywhere)

    async def health(self, instance: Instance, trace_id: str) -> Answer:
        """Tell how each provider is, as all instances know it and as this one saw it."""
        about = [
            About(
                instance.calls.of(name),
                [url for url, _ in declared.endpoints],
                await instance.store.look(name),
                instance.witness.of(name),
            )
            for name, declared in self.declared.items()
        ]
        now_ms = self.turns.clock.now_ms()
        fields = (("content-type", "application/json"), ("x-trace-id", trace_id))
        return Answer(HTTPStatus.OK, fields, health_body(about, now_ms))


def user_of(asked: Asked) -> str:
    """Name the user who asks, by a token or by a key of his; empty for everybody else."""
    credential = asked.credential
    return str(credential.get("user", credential["name"] if credential["kind"] == "user" else ""))


def _list_of(shown: Shown, entry: Entry) -> ProviderList:
    version = version_of(entry.as_of_ms, entry.offers, shown.owner)
    return ProviderList(shown.provider, version, entry.as_of_ms, entry.offers)
