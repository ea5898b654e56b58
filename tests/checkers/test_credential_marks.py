"""What Vault could have told by some moment, as far as spans tell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatespec.checkers.spells import Change, Spells
from gatespec.checkers.vault import VaultRecord
from gatespec.history import Context, Example
from gatespec.read_ports import Disturbance

SETTINGS = {"GATEWAY_CREDENTIAL_REFRESH_S": "300", "GATEWAY_CREDENTIAL_CACHE_S": "3600"}
S = 1_000


def record(*told: tuple[str, str, str, int]) -> VaultRecord:
    context = Context("P18", "component", "pure", 2, SETTINGS)
    done = [Disturbance(what, whom, how, at_s * S, at_s * S) for what, whom, how, at_s in told]
    return VaultRecord(replace(Example(context, 1), disturbances=done))


def test_a_change_may_have_happened_at_any_moment_between_its_ends() -> None:
    spells = Spells.of("a", [Change("b", 10, 20)], 0)
    assert [value for value, _, _ in spells.perhaps(5, 9)] == ["a"]
    assert [value for value, _, _ in spells.perhaps(15, 15)] == ["a", "b"]
    assert [value for value, _, _ in spells.perhaps(21, 30)] == ["b"]
    assert spells.surely(lambda value: value == "a", 0, 9)
    assert not spells.surely(lambda value: value == "a", 0, 10)


@pytest.mark.parametrize(
    ("at_s", "permitted"),
    [(100, {"house:0"}), (200, {"house:0", "house:1"}), (449, {"house:0", "house:1"}), (451, {"house:1"})],
)
def test_the_old_one_is_permitted_for_one_refresh(at_s: int, permitted: set[str]) -> None:
    vault = record(("credential", "p", "house:1 put", 150))
    assert vault.permitted("p", "house", at_s * S, at_s * S) == permitted


@pytest.mark.parametrize(("at_s", "permitted"), [(1000, {"house:0"}), (3700, {"house:0"}), (3701, set())])
def test_without_vault_the_last_word_is_permitted_as_long_as_the_fallback(at_s: int, permitted: set[str]) -> None:
    vault = record(("vault", "", "refusing", 100))
    assert vault.permitted("p", "house", at_s * S, at_s * S) == permitted


def test_what_was_put_while_vault_was_away_is_no_word_of_its() -> None:
    vault = record(("vault", "", "hanging", 100), ("credential", "p", "house:1 put", 200))
    assert vault.permitted("p", "house", 1000 * S, 1000 * S) == {"house:0"}


def test_whose_own_it_is_and_that_it_is_gone() -> None:
    vault = record(("credential", "p", "user:ann:0 put", 10), ("credential", "p", "user:ann gone", 1000))
    assert vault.permitted("p", "user:ann", 500 * S, 500 * S) == {"user:ann:0"}
    assert vault.permitted("p", "user:ann", 2000 * S, 2000 * S) == {None}
    assert vault.permitted("p", "user:bob", 500 * S, 500 * S) == {None}
    assert vault.permitted("q", "user:ann", 500 * S, 500 * S) == {None}


def test_a_refusal_changes_nothing_in_vault() -> None:
    vault = record(("credential", "p", "house:0 refused", 10))
    assert vault.permitted("p", "house", 500 * S, 500 * S) == {"house:0"}
    assert vault.refused_from_ms("p", "house:0") == 10 * S
    assert vault.refused_from_ms("p", "house:1") is None
