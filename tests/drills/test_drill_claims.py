"""Each claim holds of a right gateway's record, and is broken by one planted mistake."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gatespec.drills import claims
from gatespec.drills.drill import Drill, Fault, load_drills
from gatespec.drills.judge import judge_drill
from gatespec.drills.schedule import schedule
from gatespec.engine.rejudge import rejudge
from gatespec.history import Example, HistoryWriter
from gatespec.read_ports import Disturbance
from gatespec.verdict import Verdict
from tests.drills.planted import (
    END_MS,
    FAULT_MS,
    GREEDY,
    HEALED_MS,
    call,
    changed,
    planted,
    read,
    with_exchanges,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path

    from gatespec.drills.claims import Claim

HEALS_MS = 5_000
MEANWHILE = FAULT_MS + 2_150
VAULT = (claims.credentials_end, claims.credentials_serve_meanwhile, claims.new_integrations_wait)


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


PLANTED = {
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
    "called past the life": (claims.credentials_end, long_away(18_000)),
    "no call meanwhile": (claims.credentials_serve_meanwhile, long_away(9_000)),
    "written with Vault away": (claims.new_integrations_wait, with_exchanges(planted("vault"), write(MEANWHILE, 201))),
    "no Retry-After": (claims.new_integrations_wait, with_exchanges(planted("vault"), write(MEANWHILE, 503))),
    "refused with Vault well": (claims.new_integrations_wait, with_exchanges(planted("vault"), write(3_000, 503))),
}


@pytest.mark.parametrize("claim", [*claims.EVERY, *VAULT], ids=lambda claim: claim.__name__)
def test_a_right_record_breaks_no_claim(claim: Claim) -> None:
    right = with_exchanges(planted("vault"), write(3_000, 201), write(MEANWHILE, 503, **{"retry-after": "1"}))
    assert list(claim(right, HEALS_MS)) == []


@pytest.mark.parametrize(("claim", "example"), PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_mistake_breaks_its_claim(claim: Claim, example: Example) -> None:
    assert list(claim(example, HEALS_MS))


def test_twice_the_limit_is_permitted_while_redis_is_away_and_not_once_it_is_back() -> None:
    assert list(claims.limits_hold(burst(10, 11_000), HEALS_MS)) == []
    assert list(claims.limits_hold(burst(10, 22_000), HEALS_MS))


def test_only_redis_excuses_more_than_the_limit() -> None:
    vault = replace(burst(10, 11_000), disturbances=planted("vault").disturbances)
    assert list(claims.limits_hold(vault, HEALS_MS))


def test_calls_end_with_the_life_of_the_credential() -> None:
    assert list(claims.credentials_end(long_away(16_000), HEALS_MS)) == []


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
    assert [second.at_s for second in timeline.seconds if second.faulty] == [8, 9, 10, 11, 12]


def test_a_recorded_drill_is_judged_again(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    good = planted()
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
