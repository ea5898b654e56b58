"""With whose credential a provider was called, and whether that was right: decided on the finished story by marks.

What a gateway goes by may be as old as a refresh while Vault answers, and as old as the fallback while it does not; so
each call has a set of permitted credentials, and where the set is empty there must be no call.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from gatespec.checkers.answers import SHOWN, reads_of
from gatespec.checkers.audited import asked_for, fault_in_source
from gatespec.checkers.calls import OK, ROUNDING_MS, Times, ledgers
from gatespec.checkers.findings import Breach, Findings
from gatespec.checkers.flights import stops_of
from gatespec.checkers.vault import FOUND_BACK_MS, VaultRecord
from gatespec.read_ports import HOUSE, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatespec.checkers.answers import Read
    from gatespec.checkers.calls import Ledger
    from gatespec.checkers.flights import Stop
    from gatespec.history import Example
    from gatespec.read_ports import UpstreamCall

NO_CREDENTIAL = "no-credential"


def owner_of(mark: str) -> str:
    """Whose credential it is: `house`, or a user's id."""
    return mark.rpartition(":")[0]


@dataclass(frozen=True)
class Case:
    """One provider through a story."""

    name: str
    ledger: Ledger
    reads: Sequence[Read]
    vault: VaultRecord
    times: Times
    stops: Sequence[Stop]
    owners: Mapping[int, str]
    """By serial the owner of the credential with which each call came."""
    story: Sequence[Read]
    """Every read, also of other providers: one word of Vault's may be about all of a user's credentials."""

    @property
    def slack_ms(self) -> int:
        """What the machine may be late by."""
        return self.vault.slack_ms

    def codes(self, read: Read) -> set[str]:
        """Every warning that an answer has about this provider."""
        with suppress(ValueError, TypeError, KeyError):
            told = json.loads(read.exchange.body)["warnings"]
            return {each["code"] for each in told if each["provider"] == self.name}
        return set()

    def is_sole(self, read: Read) -> bool:
        """Whether nobody else was asking beside it."""
        return read.is_alone(self.name, self.reads)

    def during(self, read: Read) -> list[UpstreamCall]:
        """The calls that began while it was under way."""
        first, last = read.sent_ms - ROUNDING_MS, read.heard_ms + ROUNDING_MS
        return [call for call in self.ledger.calls if first <= call.began_ms <= last]

    def up_since_ms(self, read: Read) -> int:
        """From when on the instance that answered has had its memory."""
        mine = (stop for stop in self.stops if stop.instance == read.exchange.request.instance)
        return max((stop.began_ms for stop in mine if stop.began_ms <= read.heard_ms), default=0)

    def has_expired(self, owner: str, read: Read) -> bool:
        """Whether surely nothing of that owner's is fresh any more."""
        mine = (known for known in self.ledger.known if self.owners.get(known.serial) == owner)
        return not any(known.perhaps_younger(self.times.ttl_ms, read.heard_ms) for known in mine)

    def was_served(self, user: str, read: Read) -> bool:
        """Whether this instance showed him what he reads with his own, and he has had it ever since.

        However old that word of Vault's is: for want of a newer one he does not become somebody without a credential.
        """
        since_ms, here = self.up_since_ms(read), read.exchange.request.instance
        mine = (r for r in self.reads if user_of(r) == user and r.exchange.request.instance == here)
        served = (r for r in mine if r.sent_ms > since_ms and r.is_before(read) and self.shows(r) == user)
        held = self.vault.held(self.name, user)
        return any(held.surely(lambda mark: mark is not None, r.sent_ms, read.heard_ms) for r in served)

    def shows(self, read: Read) -> str | None:
        """Whose credential read what is shown."""
        return self.owners.get(read.of(self.name).serial or 0)

    def reads_as(self, read: Read) -> str | None:
        """The owner by whose credential this read surely is served; None where it may be either."""
        user = user_of(read)
        if user is None:
            return HOUSE
        own = self.vault.permitted(self.name, user, read.sent_ms, read.heard_ms)
        if (own and None not in own) or self.was_served(user, read):
            return user
        never = self.vault.held(self.name, user).surely(lambda mark: mark is None, -inf, read.heard_ms)
        return HOUSE if never else None


def user_of(read: Read) -> str | None:
    """The user who reads; None for everybody who is none."""
    who = read.exchange.request.identity
    return who.id if who.kind == "user" else None


def cases_of(example: Example) -> Iterator[Case]:
    """Every provider that the story read."""
    reads, by_name, vault = list(reads_of(example)), ledgers(example), VaultRecord(example)
    times, stops = Times.of(example.context.settings), stops_of(example.disturbances)
    for name in dict.fromkeys(name for read in reads for name in read.asked):
        owners = {call.serial: owner_of(call.credential) for call in by_name[name].calls}
        yield Case(name, by_name[name], [r for r in reads if name in r.asked], vault, times, stops, owners, reads)


def judge_credentials(example: Example, since: int) -> Findings:
    """Hold a story's calls and answers against the statement; providers are well in it."""
    findings, last, asked = Findings(), len(example.exchanges) - 1, asked_for(example)
    for case in cases_of(example):
        for call in case.ledger.calls:
            if fault := _fault_in_call(case, call) or fault_in_source(asked, call):
                findings.breaches.append(Breach(fault, last))
        for read in case.reads:
            if read.place >= since:
                findings.answers += 1
                findings.sharp += case.reads_as(read) is not None
                fault = read.fault or _fault_in_read(case, read)
                findings.breaches += [Breach(fault, read.place)] if fault else []
    return findings


# Calls.


def _fault_in_call(case: Case, call: UpstreamCall) -> str | None:
    if not call.credential:
        return f"{case.name} was called without a credential, by its call {call.serial}"
    if call.credential == UNKNOWN:
        return f"call {call.serial} of {case.name} came with a credential that never was in Vault"
    owner = owner_of(call.credential)
    # It was chosen a moment before the call arrived: as long as a read takes that needs no answer of Vault's.
    chosen_ms = call.began_ms - case.slack_ms
    permitted = case.vault.permitted(case.name, owner, chosen_ms, call.began_ms)
    if call.credential not in permitted:
        return _unfit(case, call, {mark for mark in permitted if mark})
    if owner != HOUSE and not _has_asked(case, owner, call):
        return f"call {call.serial} of {case.name} came with the credential of {owner}, who was not asking for it"
    return None


def _unfit(case: Case, call: UpstreamCall, permitted: set[str]) -> str:
    told = f"call {call.serial} of {case.name} came with {call.credential}"
    if permitted:
        return f"{told}, though Vault had long told another one: {', '.join(sorted(permitted))}"
    return f"{told}, though no word of Vault's about it counted any more"


def _has_asked(case: Case, owner: str, call: UpstreamCall) -> bool:
    """Whether he had a read under way, or so shortly before that it may be the refresh that he set off."""
    late_ms = case.times.deadline_ms + case.slack_ms
    his = (read for read in case.reads if user_of(read) == owner)
    return any(r.sent_ms - case.slack_ms <= call.began_ms <= r.heard_ms + late_ms for r in his)


# Answers.


def _fault_in_read(case: Case, read: Read) -> str | None:
    return (
        _fault_in_owner(case, read)
        or _fault_in_silence(case, read)
        or _fault_in_refusal(case, read)
        or _fault_in_want(case, read)
        or _fault_in_fallback(case, read)
    )


def _fault_in_owner(case: Case, read: Read) -> str | None:
    """What is shown was read with the house's credential, or with the reader's own."""
    serial = read.of(case.name).serial
    owner, user = case.shows(read), user_of(read)
    if serial is None or owner is None or owner == user:
        return None
    if owner != HOUSE:
        return f"{read.exchange.request.identity.id} was shown what {owner} read of {case.name} with his own credential"
    if user is not None and case.reads_as(read) == user and not _is_new_here(case, read, user):
        return f"{user} was shown what the house reads of {case.name}, though he has a credential of his own"
    return None


def _is_new_here(case: Case, read: Read, user: str) -> bool:
    """Whether Vault may never have answered for him on this instance: then he is served by the house, and warned."""
    if case.vault.was_well(*_lately(case, read)) or NO_CREDENTIAL not in case.codes(read):
        return False
    since_ms = case.up_since_ms(read)
    here = read.exchange.request.instance
    earlier = (r for r in case.story if user_of(r) == user and r.exchange.request.instance == here)
    known = (r for r in earlier if r.sent_ms > since_ms and r.is_before(read))
    return not any(case.vault.was_well(*_lately(case, r)) for r in known)


def _fault_in_silence(case: Case, read: Read) -> str | None:
    """Vault has never answered for him: he is served by the house's key, and is told so."""
    if not never_answered(case, read) or read.exchange.status != SHOWN:
        return None
    if NO_CREDENTIAL in case.codes(read):
        return None
    return f"Vault has never answered for {user_of(read)}, and his answer has no `no-credential` about {case.name}"


def never_answered(case: Case, read: Read) -> bool:
    """Whether it is a user, and Vault surely was away since he first asked for anything."""
    user = user_of(read)
    if user is None:
        return False
    first_ms = min(other.sent_ms for other in case.story if user_of(other) == user)
    return case.vault.was_away(first_ms, read.heard_ms)


def _fault_in_refusal(case: Case, read: Read) -> str | None:
    """Who is refused reads his credential anew, and asks once more."""
    calls = case.during(read)
    if not case.is_sole(read) or len(calls) != 1 or calls[0].outcome not in {"unauthorized", "forbidden"}:
        return None
    (call,) = calls
    owner = owner_of(call.credential)
    newest = list(case.vault.held(case.name, owner).perhaps(read.sent_ms, read.heard_ms))
    if len(newest) != 1 or newest[0][0] in {None, call.credential}:
        return None
    if not case.vault.was_well(read.sent_ms - case.times.deadline_ms, read.heard_ms):
        return None
    return (
        f"{case.name} refused {call.credential}, and was not asked again with {newest[0][0]}, which Vault held by then"
    )


def _fault_in_want(case: Case, read: Read) -> str | None:
    """Where no credential counts, what was last known is shown; of whom nothing is, it is said that there is none."""
    shown = read.of(case.name)
    if not lacks(case, read) or shown.serial is not None:
        return None
    if (known := _last_known(case, read)) is not None:
        return f"{case.name} was not shown, though its call {known} had been answered: its last known offers were due"
    if read.exchange.status != SHOWN or NO_CREDENTIAL in case.codes(read):
        return None
    return f"{case.name} was {shown.words}, though there was no credential for it that counted: `no-credential` was due"


def _last_known(case: Case, read: Read) -> int | None:
    """The newest call whose offers surely are known under the reader's key, and young enough to be shown."""
    owner = case.reads_as(read)
    known = [k for k in case.ledger.surely_known(read.sent_ms) if case.owners.get(k.serial) == owner]
    young = [k for k in known if k.surely_younger(case.times.stale_ms, read.heard_ms)]
    return young[-1].serial if young else None


def lacks(case: Case, read: Read) -> bool:
    """Whether there surely was no credential by which the read could have been served."""
    owner = case.reads_as(read)
    if owner is None:
        return False
    words = case.vault.permitted(case.name, owner, read.sent_ms, read.heard_ms)
    return not {mark for mark in words if mark}


def _fault_in_fallback(case: Case, read: Read) -> str | None:
    """Who has a credential that counts calls with it."""
    owner = case.reads_as(read)
    if owner is None or not case.is_sole(read) or case.during(read) or not case.has_expired(owner, read):
        return None
    if read.took_ms >= case.times.patience_ms - case.slack_ms:
        return None
    known = surely_known(case, read, owner)
    if known is None:
        return None
    return f"{case.name} was {read.of(case.name).words} and not called, though {known} was good for it"


def surely_known(case: Case, read: Read, owner: str) -> str | None:
    """The credential that this instance surely may use: Vault answers, or it was used here not long ago."""
    words = case.vault.permitted(case.name, owner, read.sent_ms, read.heard_ms)
    if len(words) == 1 and None not in words and case.vault.was_well(*_lately(case, read)):
        return next(iter(words))
    used = _used_here(case, read, owner)
    return used if used in words and None not in words else None


def _lately(case: Case, read: Read) -> tuple[float, float]:
    """Long enough for a gateway that had lost Vault to have found it again."""
    return read.sent_ms - FOUND_BACK_MS - case.slack_ms, read.heard_ms


def _used_here(case: Case, read: Read, owner: str) -> str | None:
    instance, keep_ms = read.exchange.request.instance, case.vault.times.keep_ms
    since_ms = case.up_since_ms(read)
    for earlier in reversed(case.reads):
        calls = case.during(earlier)
        here = earlier.exchange.request.instance == instance and earlier.sent_ms > since_ms and earlier.is_before(read)
        if not here or not case.is_sole(earlier) or len(calls) != 1 or calls[0].outcome != OK:
            continue
        mark = calls[0].credential
        good = owner_of(mark) == owner and case.vault.refused_from_ms(case.name, mark) is None
        if good and read.heard_ms + case.slack_ms < case.vault.reach_ms(calls[0].began_ms) + keep_ms:
            return mark
    return None
