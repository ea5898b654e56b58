"""P19 - Credential secrecy.

    No provider credential, and no other secret outside the one answer that issues it, appears raw, percent-, JSON- or
    hex-encoded or in base64 (any alignment, both alphabets), also after decompression, in logs, responses, error
    echoes, metrics, traces, Kafka, Redis, PostgreSQL, the spool or crash output. (A rental's own connection details for
    its owner are no leak.)

Every secret of a run exists once, so where one is found, it leaked. This chapter has them echoed, misplaced, issued and
crashed with; what every other property's run leaves behind is searched likewise.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from hypothesis import strategies as st

from gatespec.checkers.secrecy import SEARCHED, judge_secrecy
from gatespec.engine.chapter import Chapter, Needs
from gatespec.engine.reading import INSTANCES, UNHINDERED, ReadMachine
from gatespec.engine.story import opens, told
from gatespec.ports import Identity, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.drivers.http_reads import HttpReadGateway
    from gatespec.engine.tally import Step, Story
    from gatespec.history import Example

PROVIDERS = 2
WHICH = st.integers(0, PROVIDERS - 1)
FORMS = ("json", "html", "text", "header", "redirect", "gzip", "base64", "reason")
FORM = st.sampled_from(FORMS)
STATUS = st.sampled_from((401, 403, 400, 500))
OFFERS, CATALOG = "/api/v2/providers", "/api/v2/providers/catalog"
INTEGRATIONS, KEYS, AUTH = "/api/v2/providers/config/integrations", "/api/v2/auth/api-keys", "/api/v2/auth"
JSON = (("Content-Type", "application/json"),)
OWN, BAD = "$OWN", "$MISPLACED"
ABSENT = (404, 501)
SINKS = {"http": ("logs", "answers", "metrics", "redis"), "redis": ("answers", "redis"), "pure": ("answers",)}
"""What every gateway has on each binding, and what must have held something."""

PLACES: dict[str, tuple[str, str, tuple[tuple[str, str], ...], str]] = {
    "token-in-query": ("GET", f"{OFFERS}?token={BAD}", (), ""),
    "key-in-query": ("GET", f"{OFFERS}?limit=1&api_key={BAD}", (), ""),
    "authorization": ("GET", CATALOG, (("Authorization", f"Bearer {BAD}"),), ""),
    "scheme": ("GET", CATALOG, (("Authorization", f"{BAD} x"),), ""),
    "basic": ("GET", CATALOG, (("Authorization", f"Basic {BAD}"),), ""),
    "api-key": ("GET", CATALOG, (("X-API-Key", BAD),), ""),
    "cookie": ("GET", CATALOG, (("Cookie", f"session={BAD}"), ("If-None-Match", f'"{BAD}"')), ""),
    "body-value": ("POST", INTEGRATIONS, JSON, json.dumps({"provider": BAD, "credential": {"api_key": BAD}})),
    "body-name": ("POST", INTEGRATIONS, JSON, json.dumps({BAD: 1})),
    "body-field": ("POST", INTEGRATIONS, JSON, json.dumps({"provider": "lambda", "credential": {BAD: BAD}})),
    "body-type": ("POST", INTEGRATIONS, JSON, json.dumps({"provider": [BAD], "credential": BAD})),
    "body-broken": ("POST", INTEGRATIONS, JSON, f'{{"provider": "lambda", "credential": "{BAD}'),
    "body-of-another-type": ("POST", INTEGRATIONS, (("Content-Type", f"text/{BAD}"),), BAD),
    "idempotency": ("POST", INTEGRATIONS, (*JSON, ("Idempotency-Key", f'"{BAD}')), "{}"),
    "password": ("POST", f"{AUTH}/login", JSON, json.dumps({"username": BAD, "password": BAD})),
    "refresh": ("POST", f"{AUTH}/refresh", JSON, json.dumps({"refresh_token": BAD})),
    "service": ("POST", f"{AUTH}/service-token", JSON, json.dumps({"service_id": BAD, "secret": BAD, "scope": BAD})),
}
"""Where a client puts credentials, rightly or by mistake: what it says there is nobody's to repeat, keep or log.

What it puts into a filter or a path may be quoted back to it: no gateway can know that it is a secret.
"""


class SecrecyMachine(ReadMachine):
    """Secrets are echoed, misplaced, issued, repeated and crashed with, and all that is left behind is searched.

    Feature: provider-api-gateway, Property 19
    """

    @property
    def wire(self) -> HttpReadGateway:
        """The gateway with what only the wire has; in process it reads, and has its credentials echoed."""
        return cast("HttpReadGateway", self.stage.gateway)

    @property
    def on_the_wire(self) -> bool:
        """Whether there is more to ask than reads, and processes that may crash."""
        return self.example.context.tier != "component"

    @opens()
    def providers_arrive(self) -> None:
        """A user with a credential of his own at the first of them, and one secret that is nobody's."""
        self.arrive(PROVIDERS)
        self.wire.secret_ways.draw(BAD, "misplaced-secret")
        self.gateway.own_credential(self.reader, [self.providers[0]])

    def settle(self) -> None:
        """Look through everything that is there now."""
        self.wire.secret_ways.look()

    @told(which=WHICH, instance=INSTANCES)
    def somebody_reads(self, which: int, instance: int) -> None:
        """With his own credential at the first provider, with the house's at the other."""
        self.ask(self.read([self.providers[which]], instance))

    @told(which=WHICH, form=FORM, status=STATUS, instance=INSTANCES)
    def a_provider_echoes(self, which: int, form: str, status: int, instance: int) -> None:
        """It answers with what it was sent; somebody reads it, and then all the catalogue's page of it."""
        name = self.providers[which]
        self.wire.echo(name, form, status)
        self.gateway.wait(self.times.ttl_ms + 1)
        stranger = self.gateway.fresh("ip", "free")
        self.ask(self.read([name], instance), replace(self.read([name], 1 - instance), identity=stranger))
        self.wire.echo(name, "", 0)

    @told(place=st.sampled_from(tuple(PLACES)), instance=INSTANCES, known=st.booleans())
    def a_secret_is_misplaced(self, place: str, instance: int, *, known: bool) -> None:
        """By a user, or by nobody in particular."""
        if not self.on_the_wire:
            return
        method, path, headers, body = PLACES[place]
        who = self.reader if known else self.gateway.fresh("ip", "free")
        if {name for name, _ in headers} & {"Authorization", "X-API-Key"}:
            who = self.gateway.fresh("ip", "free")
        self.say(Request(who, instance, method, path, headers, body=body))

    @told(instance=INSTANCES, form=st.sampled_from(("", *FORMS)))
    def a_user_brings_his_own(self, instance: int, form: str) -> None:
        """By the gateway's own endpoint, and reads there; perhaps the provider refuses it and says it again."""
        if not self.on_the_wire:
            self.gateway.own_credential(self.reader, [self.providers[1]])
            self.wire.echo(self.providers[1], form, 401)
            self.ask(self.read([self.providers[1]], instance))
            return
        self.wire.secret_ways.draw(OWN, "user-credential")
        name = self.providers[1]
        body = json.dumps({"provider": name, "credential": {"api_key": OWN}})
        self.say(Request(self.reader, instance, "POST", INTEGRATIONS, (*JSON, ("Idempotency-Key", "own")), body=body))
        self.say(
            Request(self.reader, 1 - instance, "POST", INTEGRATIONS, (*JSON, ("Idempotency-Key", "own")), body=body)
        )
        self.wire.echo(name, form, 401)
        self.ask(self.read([name], instance))
        self.wire.echo(name, "", 0)
        self.say(Request(self.reader, instance, "GET", INTEGRATIONS))
        self.say(Request(self.reader, instance, "DELETE", f"{INTEGRATIONS}/{name}"))

    @told(instance=INSTANCES)
    def a_key_is_issued_and_its_request_repeated(self, instance: int) -> None:
        """The first answer shows it, and no other."""
        if not self.on_the_wire:
            return
        asked = self.post(self.reader, instance, KEYS, {"name": "of a story"}, ("Idempotency-Key", "a-key"))
        if self.issue(asked, {"api_key": "$KEY-2"}):
            self.say(asked, replace(asked, instance=1 - instance))
            self.say(Request(self.reader, instance, "GET", KEYS))
            self.say(Request(self.gateway.fresh("ip", "free"), instance, "GET", CATALOG, (("X-API-Key", "$KEY-2"),)))

    @told(instance=INSTANCES)
    def somebody_comes_and_goes(self, instance: int) -> None:
        """He signs in, refreshes, tries the used token, and signs out; each request that issues is repeated."""
        if not self.on_the_wire:
            return
        _, can_sign_in = self.wire.secret_ways.login()
        somebody = self.gateway.fresh("ip", "free")
        login = self.post(somebody, instance, f"{AUTH}/login", {"username": "$NAME", "password": "$PASSWORD"})
        login = replace(login, headers=(*login.headers, ("Idempotency-Key", "in")))
        if not can_sign_in or not self.issue(login, {"access_token": "$TOKEN", "refresh_token": "$REFRESH"}):
            return
        self.say(login)
        refresh = self.post(somebody, instance, f"{AUTH}/refresh", {"refresh_token": "$REFRESH"})
        self.issue(refresh, {"access_token": "$TOKEN-2", "refresh_token": "$REFRESH-2"})
        bearer = (("Authorization", "Bearer $TOKEN-2"),)
        self.say(Request(somebody, instance, "GET", CATALOG, bearer))
        self.say(refresh, self.post(somebody, 1 - instance, f"{AUTH}/refresh", {"refresh_token": "$REFRESH-2"}))
        self.say(Request(somebody, instance, "POST", f"{AUTH}/logout", (*JSON, *bearer), body="{}"))
        self.say(Request(somebody, instance, "GET", CATALOG, bearer))

    @told(which=WHICH, instance=INSTANCES)
    def an_instance_crashes(self, which: int, instance: int) -> None:
        """While it holds credentials; it says its last, and comes back."""
        self.ask(self.read([self.providers[which]], instance))
        if self.on_the_wire:
            self.wire.secret_ways.crash(instance)
        self.gateway.life(instance, "killed")
        self.gateway.life(instance, "running")
        self.ask(self.read([self.providers[which]], instance))

    def post(self, who: Identity, instance: int, path: str, body: dict[str, str], *headers: tuple[str, str]) -> Request:
        """A request with a JSON body."""
        return Request(who, instance, "POST", path, (*JSON, *headers), body=json.dumps(body))

    def say(self, *requests: Request) -> None:
        """Ask one after the other, with secrets in place of the words for them."""
        for request in requests:
            self.example.exchanges += self.wire.ask_secretly(request)

    def issue(self, request: Request, names: Mapping[str, str]) -> bool:
        """Ask for what issues a secret; say whether it was issued."""
        exchange = self.wire.secret_ways.issue(request, names)
        self.example.exchanges.append(exchange)
        return exchange.status is not None and exchange.status < ABSENT[0]


def witness(example: Example) -> Counter[str]:
    """What the story saw."""
    marks: Counter[str] = Counter()
    done = Counter(each.what for each in example.disturbances)
    searched = {each.whom for each in example.disturbances if each.what == SEARCHED}
    marks["planted-secret-used"] = sum(bool(call.credential) for call in example.calls)
    marks["outputs-searched"] = int(searched.issuperset(SINKS.get(example.context.binding, SINKS["http"])))
    marks["error-echo"] = sum(each.how.startswith("echoes") for each in example.disturbances)
    marks["crash-output"] = done["crash"]
    marks["misplaced"] = sum(name == "a_secret_is_misplaced" for name, _ in example.story)
    return marks


def _echo(which: int, form: str, status: int = 401) -> Step:
    return "a_provider_echoes", {"which": which, "form": form, "status": status, "instance": which}


def _misplaced(place: str, number: int) -> Step:
    return "a_secret_is_misplaced", {"place": place, "instance": number % 2, "known": place.startswith("body")}


TOLD_FIRST: tuple[Story, ...] = (
    (
        ("providers_arrive", {}),
        ("somebody_reads", {"which": 0, "instance": 0}),
        ("somebody_reads", {"which": 1, "instance": 1}),
        *(_echo(number % 2, form) for number, form in enumerate(FORMS)),
        ("an_instance_crashes", {"which": 0, "instance": 1}),
    ),
    (
        ("providers_arrive", {}),
        ("somebody_reads", {"which": 1, "instance": 0}),
        *(_misplaced(place, number) for number, place in enumerate(PLACES)),
    ),
    (
        ("providers_arrive", {}),
        ("a_user_brings_his_own", {"instance": 0, "form": ""}),
        ("a_user_brings_his_own", {"instance": 1, "form": "json"}),
        ("a_key_is_issued_and_its_request_repeated", {"instance": 0}),
        ("somebody_comes_and_goes", {"instance": 1}),
    ),
)

WATCHED = {**UNHINDERED, "GATEWAY_RATE_FREE": "100000"}

CHAPTER = Chapter(
    "P19",
    SecrecyMachine,
    judge_secrecy,
    witness,
    settings={"component": WATCHED, "wire": {**WATCHED, "GATEWAY_TTL_PRICING_S": "0.2"}},
    examples={"component": 60, "wire": 6},
    steps=8,
    told_first=TOLD_FIRST,
    needs=Needs(providers=120),
)
