"""P18 - Credentials from Vault.

    Provider credentials come from Vault; with Vault unreachable the last read ones serve for at most 1 h, then the
    provider gets no call: its last known offers are shown as in P20, else it is left out with `no-credential`. A
    rotated credential is used within one refresh. A user who has a credential of his own for a provider reads and rents
    there with it, under a key of his own; nobody else's request ever does. If Vault has never answered for a user, his
    reads use the house's key with warning `no-credential`, his rentals get 503.

The simulated provider's ledger says which credential came with each call: by its mark, which the judge gave it as he
put it into Vault. What a gateway goes by may be as old as one refresh, and while Vault is away as old as the fallback:
so each call has a set of permitted credentials. Rentals are judged with theirs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from gatespec.checkers.calls import OK
from gatespec.checkers.credentials import (
    NO_CREDENTIAL,
    cases_of,
    judge_credentials,
    lacks,
    never_answered,
    owner_of,
    user_of,
)
from gatespec.checkers.vault import FOUND_BACK_MS, VaultTimes
from gatespec.engine.chapter import Chapter, Needs
from gatespec.engine.reading import INSTANCES, UNHINDERED, ReadMachine
from gatespec.engine.story import after_asking, opens, told
from gatespec.read_ports import HOUSE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatespec.checkers.answers import Read
    from gatespec.checkers.credentials import Case
    from gatespec.engine.tally import Step, Story
    from gatespec.history import Example
    from gatespec.ports import Identity, Request
    from gatespec.read_ports import UpstreamCall, VaultState

PROVIDERS = 2
WHICH = st.integers(0, PROVIDERS - 1)
ANYBODY, ANN, BOB = 0, 1, 2
EVERYBODY = (ANYBODY, ANN, BOB)
WHO = st.sampled_from(EVERYBODY)
USER = st.sampled_from((ANN, BOB))
AWAY: st.SearchStrategy[VaultState] = st.sampled_from(("refusing", "sealed", "hanging"))
REFRESHES = st.sampled_from((1050, 500, 1050, 2000))
"""In thousandths of the refresh time."""
KEEPS = st.sampled_from((700, 1500, 500))
"""In thousandths of the fallback time, since Vault was last well."""
LATE = 1050
"""So many thousandths of a time are surely all of it."""


class CredentialMachine(ReadMachine):
    """Three people read with the house's credentials and with their own, while those rotate and Vault comes and goes.

    Feature: provider-api-gateway, Property 18
    """

    @opens()
    def providers_arrive(self) -> None:
        """Two users and somebody unknown; whoever reads finds nothing fresh."""
        self.arrive(PROVIDERS)
        self.state: VaultState = "well"
        self.gone_ms = 0
        others = self.gateway.fresh("ip", "free"), self.gateway.fresh("user", "enterprise")
        self.people: tuple[Identity, ...] = (others[0], self.reader, others[1])
        self.newest = dict.fromkeys(((which, ANYBODY) for which in range(PROVIDERS)), "house:0")

    def settle(self) -> None:
        """Hear what only Vault can tell."""
        self.gateway.watch_vault()

    @told(who=WHO, which=WHICH, instance=INSTANCES)
    def somebody_reads(self, who: int, which: int, instance: int) -> None:
        """Alone, when nothing is fresh."""
        self.reads(who, which, instance)

    @told(who=WHO, instance=INSTANCES)
    def somebody_reads_both(self, who: int, instance: int) -> None:
        """In one request: what is known of one is shown beside what is said of the other."""
        self.expire()
        asked = self.read(self.providers, instance)
        self.ask(replace(asked, identity=self.people[who]))

    @told(first=WHO, then=WHO, which=WHICH, instance=INSTANCES)
    def one_reads_after_another(self, first: int, then: int, which: int, instance: int) -> None:
        """While what the first was shown is fresh."""
        self.reads(first, which, instance)
        self.ask(self.request(then, which, instance))

    @told(which=WHICH)
    def all_read_at_once(self, which: int) -> None:
        """Everybody on both instances."""
        self.expire()
        self.ask(*(self.request(who, which, instance) for who in EVERYBODY for instance in (0, 1)))

    @told(who=USER, which=WHICH)
    def a_user_brings_his_own(self, who: int, which: int) -> None:
        """Or another one, where he has one."""
        self.rotate(who, which)

    @after_asking
    @told(who=WHO, which=WHICH, passes=REFRESHES, instance=INSTANCES)
    def a_credential_is_rotated(self, who: int, which: int, passes: int, instance: int) -> None:
        """The provider accepts the old one, too, until a refresh has passed; then it refuses it."""
        before = self.newest.get((which, who))
        self.rotate(who, which)
        self.pass_refresh(passes)
        self.reads(who, which, instance)
        if before and passes > LATE - 1:
            self.refuse(who, which, before)
            self.reads(who, which, 1 - instance)

    @after_asking
    @told(who=WHO, which=WHICH, instance=INSTANCES)
    def a_credential_is_rotated_in_haste(self, who: int, which: int, instance: int) -> None:
        """The provider refuses the old one at once: whoever is refused must look for the new one."""
        self.reads(who, which, instance)
        before = self.newest.get((which, who))
        self.rotate(who, which)
        if before:
            self.refuse(who, which, before)
        self.reads(who, which, instance)

    @after_asking
    @told(who=WHO, which=WHICH, instance=INSTANCES)
    def a_credential_is_taken_away(self, who: int, which: int, instance: int) -> None:
        """From Vault; the provider would still accept it."""
        if self.state == "sealed" or (which, who) not in self.newest:
            return
        self.gateway.take_away(self.providers[which], self.owner(who))
        del self.newest[which, who]
        self.pass_refresh(LATE)
        self.reads(who, which, instance)

    @told(how=AWAY, which=WHICH, permille=KEEPS)
    def vault_goes(self, how: VaultState, which: int, permille: int) -> None:
        """For such a part of the fallback time; all read when it is gone, and at the end."""
        if self.state == "well":
            self.gateway.vault(how)
            self.state, self.gone_ms = how, self.gateway.clock.now_ms()
        self.everybody_reads(which, 0)
        over_ms = self.gone_ms + VaultTimes.of(self.example).keep_ms * permille // 1000
        self.gateway.wait(max(0, over_ms - self.gateway.clock.now_ms()))
        self.everybody_reads(which, 0)
        self.reads(ANYBODY, which, 1)

    @after_asking
    @told(which=WHICH, instance=INSTANCES)
    def vault_comes_back(self, which: int, instance: int) -> None:
        """And is found again."""
        self.gateway.vault("well")
        self.state = "well"
        self.gateway.wait(FOUND_BACK_MS)
        self.everybody_reads(which, instance)

    @after_asking
    @told(instance=INSTANCES, which=WHICH)
    def an_instance_restarts(self, instance: int, which: int) -> None:
        """It remembers nothing, and has Vault to ask, or not."""
        self.gateway.life(instance, "killed")
        self.gateway.life(instance, "running")
        self.everybody_reads(which, instance)

    @after_asking
    @told(permille=REFRESHES)
    def time_passes(self, permille: int) -> None:
        """Measured in refreshes."""
        self.pass_refresh(permille)

    def request(self, who: int, which: int, instance: int) -> Request:
        """A read of one provider by one of them."""
        return replace(self.read([self.providers[which]], instance), identity=self.people[who])

    def reads(self, who: int, which: int, instance: int) -> None:
        """Read alone, when nothing is fresh."""
        self.expire()
        self.ask(self.request(who, which, instance))

    def everybody_reads(self, which: int, instance: int) -> None:
        """One after the other, so that each makes a call of his own."""
        for who in EVERYBODY:
            self.reads(who, which, instance)

    def expire(self) -> None:
        """Let every list expire."""
        self.gateway.wait(self.times.ttl_ms * LATE // 1000 + 1)

    def pass_refresh(self, permille: int) -> None:
        """Let such a part of the refresh time pass."""
        self.gateway.wait(VaultTimes.of(self.example).refresh_ms * permille // 1000)

    def owner(self, who: int) -> Identity | None:
        """Whose credential is meant: a user's own, or the house's."""
        return self.people[who] if who else None

    def rotate(self, who: int, which: int) -> None:
        """Put another one into Vault, unless it is sealed: then nobody can."""
        if self.state != "sealed":
            self.newest[which, who] = self.gateway.rotate(self.providers[which], self.owner(who))

    def refuse(self, who: int, which: int, mark: str) -> None:
        """Have the provider accept one no longer, unless Vault still holds it."""
        if self.newest[which, who] != mark:
            self.gateway.refuse(self.providers[which], mark)


def witness(example: Example) -> Counter[str]:
    """What the story saw of credentials, as far as it is certain."""
    marks: Counter[str] = Counter()
    for case in cases_of(example):
        good = [call for call in case.ledger.calls if call.outcome == OK and call.credential]
        marks["read-from-vault"] += len(good)
        marks["vault-away"] += sum(case.vault.was_away(call.began_ms - 1, call.began_ms) for call in good)
        marks["rotated"] += sum(_is_rotated(case, call) for call in good)
        marks["outlived"] += sum(lacks(case, read) and not case.during(read) for read in case.reads)
        marks["never-answered"] += sum(_is_told(case, read) for read in case.reads)
        marks.update(_owners_shown(case))
    marks["token-renewed"] = sum(d.what == "vault" and d.how == "renewed" for d in example.disturbances)
    return marks


def _is_rotated(case: Case, call: UpstreamCall) -> bool:
    """Whether it came with one that was not the first, and had been put into Vault within the last two refreshes."""
    number, owner = call.credential.rpartition(":")[2], owner_of(call.credential)
    late = case.vault.held(case.name, owner).perhaps(call.began_ms - case.vault.times.refresh_ms * 2, call.began_ms)
    return number not in {"", "0"} and len(list(late)) > 1


def _is_told(case: Case, read: Read) -> bool:
    shown = read.of(case.name).serial is not None
    return shown and never_answered(case, read) and NO_CREDENTIAL in case.codes(read)


def _owners_shown(case: Case) -> Iterator[str]:
    """Who was shown what he read with his own, and who the house's after somebody had read with his own."""
    own = False
    for read in case.reads:
        owner = case.shows(read)
        if owner not in {None, HOUSE} and owner == user_of(read):
            own = True
            yield "own-credential"
        elif owner == HOUSE and own:
            yield "nobody-elses"


def _reads(who: int, which: int = 0, instance: int = 0) -> Step:
    return "somebody_reads", {"who": who, "which": which, "instance": instance}


TOLD_FIRST: tuple[Story, ...] = (
    (
        ("providers_arrive", {}),
        ("a_user_brings_his_own", {"who": ANN, "which": 0}),
        _reads(ANN),
        _reads(ANYBODY),
        _reads(BOB, 0, 1),
        ("a_credential_is_rotated", {"who": ANYBODY, "which": 0, "passes": 1050, "instance": 1}),
        ("a_credential_is_rotated", {"who": ANN, "which": 0, "passes": 1050, "instance": 0}),
        ("one_reads_after_another", {"first": ANN, "then": ANYBODY, "which": 0, "instance": 0}),
        ("a_credential_is_rotated_in_haste", {"who": ANYBODY, "which": 1, "instance": 0}),
        ("a_credential_is_rotated_in_haste", {"who": ANN, "which": 0, "instance": 1}),
        ("all_read_at_once", {"which": 0}),
        ("a_credential_is_taken_away", {"who": ANN, "which": 0, "instance": 0}),
    ),
    (
        ("providers_arrive", {}),
        ("a_user_brings_his_own", {"who": ANN, "which": 0}),
        _reads(ANN),
        _reads(ANYBODY),
        _reads(ANYBODY, 0, 1),
        ("vault_goes", {"how": "refusing", "which": 0, "permille": 700}),
        ("a_credential_is_rotated", {"who": ANYBODY, "which": 0, "passes": 500, "instance": 0}),
        ("vault_goes", {"how": "refusing", "which": 0, "permille": 1500}),
        _reads(ANYBODY, 1, 1),
        ("somebody_reads_both", {"who": ANYBODY, "instance": 0}),
        ("vault_comes_back", {"which": 0, "instance": 0}),
        ("somebody_reads_both", {"who": ANYBODY, "instance": 0}),
    ),
    (
        ("providers_arrive", {}),
        _reads(ANYBODY),
        ("vault_goes", {"how": "sealed", "which": 0, "permille": 500}),
        ("an_instance_restarts", {"instance": 1, "which": 0}),
        ("vault_comes_back", {"which": 0, "instance": 1}),
        ("a_user_brings_his_own", {"who": BOB, "which": 0}),
        ("time_passes", {"permille": 1050}),
        _reads(BOB, 0, 1),
        ("vault_goes", {"how": "hanging", "which": 0, "permille": 700}),
    ),
)
WATCHED = {**UNHINDERED, "GATEWAY_RATE_FREE": "100000"}
SHORT = {
    "GATEWAY_TTL_PRICING_S": "0.2",
    "GATEWAY_CREDENTIAL_REFRESH_S": "1.5",
    "GATEWAY_CREDENTIAL_CACHE_S": "9",
    "GATEWAY_REDIS_BUDGET_S": "1",
    **WATCHED,
}
TOKEN_S = 3
"""Of a login at Vault: a story outlives several."""

CHAPTER = Chapter(
    "P18",
    CredentialMachine,
    judge_credentials,
    witness,
    settings={"component": WATCHED, "wire": SHORT},
    examples={"component": 100, "wire": 3},
    steps=7,
    told_first=TOLD_FIRST,
    needs=Needs(vault_token_s=TOKEN_S),
)
