"""Each claim holds of a right gateway's record, and is broken by one planted mistake."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gatespec.drills import claims, credential_claims, dependency_claims, room_claims
from gatespec.drills.drill import Drill, Fault, load_drills
from gatespec.drills.judge import judge_drill
from gatespec.drills.phases import is_healed, windows_of
from gatespec.drills.schedule import schedule
from gatespec.engine.rejudge import rejudge
from gatespec.history import Example, HistoryWriter
from gatespec.read_ports import Disturbance, Sample
from gatespec.verdict import Verdict
from tests.drills.planted import (
    END_MS,
    FAULT_MS,
    GREEDY,
    HEALED_MS,
    MIB,
    PROVIDER,
    call,
    changed,
    health,
    keys,
    planted,
    read,
    ready,
    waits,
    with_exchanges,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path

    from gatespec.drills.claim import Claim

HEALS_MS = 5_000
MEANWHILE = FAULT_MS + 2_150
SPECIAL = (
    credential_claims.a_rotated_credential_is_used,
    credential_claims.credentials_end,
    credential_claims.credentials_serve_meanwhile,
    dependency_claims.new_integrations_wait,
    dependency_claims.what_needs_the_database_waits,
)
TOLD_MS = FAULT_MS + dependency_claims.NOTICED_MS + 500
BREAKS_MS = 12_000
"""From here on its provider fails, in a record of breakers."""


def burst(count: int, at_ms: int, *, apart_ms: int = 20) -> Example:
    serial = at_ms // 1_000
    more = [read(at_ms + 300 + n * apart_ms, serial, who=GREEDY, instance=n % 2) for n in range(count)]
    return with_exchanges(planted(), *more)


def long_away(last_call_ms: int) -> Example:
    """Vault goes for 12 s, which is twice the life of what was read of it; the last call meanwhile begins then."""
    good = planted("vault")
    calls = [c for c in good.calls if c.began_ms <= last_call_ms or c.began_ms > 22_000]
    numbered = [replace(c, serial=n) for n, c in enumerate(calls, 1)]
    away = replace(good.disturbances[1], began_ms=22_000, done_ms=22_010)
    return replace(good, calls=numbered, exchanges=[], disturbances=[good.disturbances[0], away])


def leaked() -> Example:
    example = planted()
    leak = Disturbance("leak", "logs", "provider-credential 0a1b2c3d lies in logs", END_MS, END_MS)
    return replace(example, disturbances=[*example.disturbances, leak])


def grown(by_mib: int) -> Example:
    """Instance 1 holds more from the fault on."""
    good = planted()
    fat = [replace(s, value=s.value + by_mib * MIB) if s.instance and s.at_ms > FAULT_MS else s for s in good.samples]
    return replace(good, samples=fat)


def queued(what: str, value: int) -> Example:
    return replace(planted(), samples=[Sample(what, 0, MEANWHILE, value)])


def tried(trials: int) -> Example:
    """Ten calls fail, and after the open time so many are under way at once, asked for on both instances."""
    good = planted("provider")
    failed = [(BREAKS_MS + 50 * n, 10) for n in range(10)]
    after = [(BREAKS_MS + 3_000 + n, 400) for n in range(trials)]
    calls = [replace(call(n, at, took), outcome="status") for n, (at, took) in enumerate([*failed, *after], 1)]
    asked = [
        read(c.began_ms - 3, None, warning="unavailable", instance=n % 2, took=(c.ended_ms or 0) - c.began_ms + 6)
        for n, c in enumerate(calls)
    ]
    settings = {**good.context.settings, "GATEWAY_BREAKER_OPEN_S": "2"}
    return replace(good, context=replace(good.context, settings=settings), calls=calls, exchanges=asked)


def rotated(old_until_ms: int) -> Example:
    """Vault has a new credential from the fault on; calls come with the old one until then."""
    good = planted("rotation")
    told = Disturbance("credential", PROVIDER, "house:1 put", FAULT_MS + 20, FAULT_MS + 30)
    calls = [replace(c, credential="house:0" if c.began_ms < old_until_ms else "house:1") for c in good.calls]
    return replace(good, calls=calls, disturbances=[good.disturbances[0], told, good.disturbances[1]])


def failed_over(at_ms: int) -> Example:
    """A shard is killed, has an heir 3 s later, its node is back; a greedy caller gets ten within a second."""
    spells = [("killed", FAULT_MS, None), ("promoted", FAULT_MS + 3_000, 1), ("well", HEALED_MS, None)]
    done = [Disturbance("shard", "node-1", how, at, at + 10, bit) for how, at, bit in spells]
    return replace(burst(10, at_ms), disturbances=done)


PLANTED = {
    "four trials at once": (claims.breakers_hold, tried(4)),
    "17 MiB more": (room_claims.memory_is_bounded, grown(17)),
    "101 calls wait": (room_claims.queues_are_bounded, queued(room_claims.WAITING, 101)),
    "11 calls in flight": (room_claims.queues_are_bounded, queued(room_claims.IN_FLIGHT, 11)),
    "away and called well": (
        dependency_claims.health_tells_what_is_away,
        with_exchanges(planted(), health(TOLD_MS, "degraded", redis="ok")),
    ),
    "away and not named": (
        dependency_claims.health_tells_what_is_away,
        with_exchanges(planted(), health(TOLD_MS, "degraded")),
    ),
    "away and all is ok": (
        dependency_claims.health_tells_what_is_away,
        with_exchanges(planted(), health(TOLD_MS, "ok", redis="away")),
    ),
    "well and called away": (
        dependency_claims.health_tells_what_is_away,
        with_exchanges(planted(), health(END_MS - 500, "degraded", redis="away")),
    ),
    "no health": (
        dependency_claims.health_tells_what_is_away,
        with_exchanges(planted(), replace(health(3_000), status=500)),
    ),
    "not ready meanwhile": (dependency_claims.it_stays_ready, with_exchanges(planted(), ready(MEANWHILE, 503))),
    "keys and a 500": (
        dependency_claims.what_needs_the_database_waits,
        with_exchanges(planted("database"), keys(MEANWHILE, 500)),
    ),
    "keys without the database": (
        dependency_claims.what_needs_the_database_waits,
        with_exchanges(planted("database"), keys(MEANWHILE)),
    ),
    "no problem": (
        dependency_claims.what_needs_the_database_waits,
        with_exchanges(planted("database"), replace(waits(keys(MEANWHILE)), headers={"retry-after": "1"})),
    ),
    "keys refused with PostgreSQL well": (
        dependency_claims.what_needs_the_database_waits,
        with_exchanges(planted("database"), waits(keys(3_000))),
    ),
    "the old credential long after": (credential_claims.a_rotated_credential_is_used, rotated(END_MS)),
    "ten long after an heir": (claims.limits_hold, failed_over(20_000)),
    "a secret in a log": (claims.secrets_stay, leaked()),
    "a 500 meanwhile": (claims.every_read_is_answered, with_exchanges(planted(), read(MEANWHILE, None, status=500))),
    "a 503 meanwhile": (claims.every_read_is_answered, with_exchanges(planted(), read(MEANWHILE, None, status=503))),
    "past the deadline": (claims.answers_come_in_time, with_exchanges(planted(), read(MEANWHILE, 12, took=2_500))),
    "old and unmarked": (claims.nothing_old_is_shown_as_new, with_exchanges(planted(), read(MEANWHILE, 5))),
    "made up": (claims.nothing_old_is_shown_as_new, with_exchanges(planted(), read(MEANWHILE, 99, warning="stale"))),
    "six in steady state": (claims.limits_hold, burst(6, 4_000)),
    "eleven with Redis away": (claims.limits_hold, burst(11, 11_000)),
    "three calls at a time": (
        claims.providers_are_spared,
        replace(planted(), calls=[call(n, 12_000 + n, 500) for n in (1, 2, 3)]),
    ),
    "never fresh again": (
        claims.it_heals,
        changed(
            planted(),
            lambda e: read(e.span.sent_ms, 9, warning="stale", instance=e.request.instance),
            HEALED_MS,
            END_MS,
        ),
    ),
    "left out after": (
        claims.it_heals,
        with_exchanges(planted(), read(END_MS - 500, None, warning="unavailable")),
    ),
    "called past the life": (credential_claims.credentials_end, long_away(18_000)),
    "no call meanwhile": (credential_claims.credentials_serve_meanwhile, long_away(9_000)),
    "written with Vault away": (
        dependency_claims.new_integrations_wait,
        with_exchanges(planted("vault"), write(MEANWHILE, 201)),
    ),
    "no Retry-After": (
        dependency_claims.new_integrations_wait,
        with_exchanges(planted("vault"), write(MEANWHILE, 503)),
    ),
    "refused with Vault well": (
        dependency_claims.new_integrations_wait,
        with_exchanges(planted("vault"), write(3_000, 503)),
    ),
}


@pytest.mark.parametrize("claim", [*claims.EVERY, *SPECIAL], ids=lambda claim: claim.__name__)
def test_a_right_record_breaks_no_claim(claim: Claim) -> None:
    keyed = planted("vault")
    well = replace(keyed, calls=[replace(c, credential="house:0") for c in keyed.calls])
    refused = waits(write(MEANWHILE, 503)), waits(keys(MEANWHILE))
    looks = health(3_000, vault="ok"), health(TOLD_MS, "degraded", vault="away"), ready(MEANWHILE)
    right = with_exchanges(well, write(3_000, 201), keys(3_000), *refused, *looks)
    assert list(claim(right, HEALS_MS)) == []


@pytest.mark.parametrize(
    ("claim", "example"),
    [
        (claims.breakers_hold, tried(3)),
        (room_claims.memory_is_bounded, grown(16)),
        (room_claims.queues_are_bounded, queued(room_claims.WAITING, 100)),
        (credential_claims.a_rotated_credential_is_used, rotated(FAULT_MS + 1_200)),
        (claims.limits_hold, failed_over(11_000)),
    ],
)
def test_what_is_just_within_a_bound_breaks_no_claim(claim: Claim, example: Example) -> None:
    assert list(claim(example, HEALS_MS)) == []


def test_a_shard_is_lost_until_it_has_an_heir_and_not_taken_back_before_its_node_is() -> None:
    example = failed_over(11_000)
    (window,) = windows_of(example)
    assert (window.from_ms, window.healing_ms, window.bit) == (FAULT_MS, FAULT_MS + 3_000, 1)
    assert is_healed(example)
    assert not is_healed(replace(example, disturbances=example.disturbances[:2]))


def test_a_look_at_health_counts_where_it_had_to_tell() -> None:
    looks = health(3_000), health(FAULT_MS + 100), health(TOLD_MS), health(HEALED_MS + 100)
    assert dependency_claims.health_asked_meanwhile(with_exchanges(planted(), *looks)) == 1


def test_memory_that_nobody_watched_is_not_known_to_be_bounded() -> None:
    blind = judge_drill(drill(), replace(planted(), samples=[]))
    assert (blind.verdict, blind.reason) == (Verdict.INCONCLUSIVE, "the run never saw: memory-watched")


@pytest.mark.parametrize(("claim", "example"), PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_mistake_breaks_its_claim(claim: Claim, example: Example) -> None:
    assert list(claim(example, HEALS_MS))


def test_twice_the_limit_is_permitted_while_redis_is_away_and_not_once_it_is_back() -> None:
    assert list(claims.limits_hold(burst(10, 11_000), HEALS_MS)) == []
    assert list(claims.limits_hold(burst(10, 25_000), HEALS_MS))


def test_only_redis_excuses_more_than_the_limit() -> None:
    vault = replace(burst(10, 11_000), disturbances=planted("vault").disturbances)
    assert list(claims.limits_hold(vault, HEALS_MS))


def test_calls_end_with_the_life_of_the_credential() -> None:
    assert list(credential_claims.credentials_end(long_away(16_000), HEALS_MS)) == []


def drill() -> Drill:
    return Drill("planted", "It goes.", Fault("redis", ("refusing",), (1, 1)), claims.EVERY)


def test_the_right_record_holds_and_a_breach_names_its_claim() -> None:
    assert judge_drill(drill(), planted()).verdict is Verdict.HOLDS
    broken = judge_drill(drill(), with_exchanges(planted(), read(MEANWHILE, None, status=500)))
    assert (broken.verdict, broken.reason) == (
        Verdict.BROKEN,
        "every read is answered: a read was answered 500, where offers were known",
    )


def test_a_fault_that_did_not_bite_is_inconclusive_even_beside_a_breach() -> None:
    good = with_exchanges(planted(), read(MEANWHILE, None, status=500))
    blunt = replace(good, disturbances=[good.disturbances[0], replace(good.disturbances[1], bit=0)])
    assert judge_drill(drill(), blunt).verdict is Verdict.INCONCLUSIVE
    assert judge_drill(drill(), replace(good, disturbances=[])).verdict is Verdict.INCONCLUSIVE


def test_a_gateway_that_was_not_watched_until_it_had_to_be_well_is_not_known_to_heal() -> None:
    late = judge_drill(replace(drill(), heals_ms=END_MS), planted())
    assert (late.verdict, late.reason) == (Verdict.INCONCLUSIVE, "the run never saw: watched-after")


def test_a_fault_that_was_not_taken_back_is_an_error_of_the_harness() -> None:
    good = planted()
    assert judge_drill(drill(), replace(good, disturbances=good.disturbances[:1])).verdict is Verdict.HARNESS_ERROR


def test_the_timeline_shows_the_fault_against_its_seconds() -> None:
    timeline = judge_drill(drill(), with_exchanges(planted(), read(MEANWHILE, None, status=500))).timeline
    assert timeline is not None
    assert timeline.windows == (("refusing", FAULT_MS - 1_200, HEALED_MS + 10 - 1_200),)
    assert [second.at_s for second in timeline.seconds if second.errors] == [(MEANWHILE - 1_200) // 1_000]
    assert [second.at_s for second in timeline.seconds if second.faulty] == list(range(8, 16))


def test_a_recorded_drill_is_judged_again(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    good = planted()
    good = with_exchanges(good, health(TOLD_MS, "degraded", redis="away"))
    with file.open("w", encoding="utf-8") as out:
        history, named = HistoryWriter(out, target="t"), replace(good.context, property_id="redis_gone")
        history.chapter(named)
        history.example(replace(good, context=named))
    (judgement,) = rejudge(file)
    assert (judgement.property_id, judgement.verdict) == ("redis_gone", Verdict.HOLDS)


def test_every_drill_draws_the_same_from_the_same_seed_and_within_its_bounds() -> None:
    for one in load_drills().values():
        assert schedule(one, 7) == schedule(one, 7)
        for seed in range(20):
            drawn = schedule(one, seed)
            assert drawn.kind in one.fault.kinds
            assert len(drawn.spells) == one.fault.flaps
            assert drawn.spells[0].from_ms >= one.traffic.steady_ms
            assert drawn.spells[-1].to_ms - drawn.spells[0].from_ms <= one.fault.lasts_ms[1]
