"""What is known of credentials, and for how long: by the contract's default times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_gateway.core.credentials.paths import house_path, named, segment, user_folder, user_path
from reference_gateway.core.credentials.ports import Owner, VaultAway
from reference_gateway.core.credentials.secret import Secret

if TYPE_CHECKING:
    from tests.gateway_credentials.conftest import Scene

S = 1_000
HOUR = 3_600 * S
HOUSE = "providers/lambda"
ANN = "users/ann/providers/lambda"


def test_it_is_read_once_and_again_after_the_refresh_time(scene: Scene) -> None:
    assert scene.key() == scene.key() == "house-1"
    scene.vault.holds[HOUSE] = "house-2"
    scene.pass_ms(239 * S)
    assert (scene.key(), scene.vault.asked[HOUSE]) == ("house-1", 1)
    scene.pass_ms(61 * S)
    assert (scene.key(), scene.vault.asked[HOUSE]) == ("house-2", 2), "no call after 300 s uses the old one"


def test_who_reads_often_never_waits_for_vault(scene: Scene) -> None:
    scene.key()
    scene.vault.holds[HOUSE], scene.vault.slow_ms = "house-2", 900
    scene.pass_ms(250 * S)
    began = scene.clock.ms
    assert (scene.key(), scene.clock.ms) == ("house-1", began), "the next word is heard in the background"
    scene.pass_ms(1 * S)
    assert scene.key() == "house-2"


def test_readers_at_once_ask_once(scene: Scene) -> None:
    scene.vault.slow_ms = 100
    for _ in range(5):
        scene.turns.start(scene.process, scene.manager.owners("ann", ["lambda"]))
    scene.pass_ms(1 * S)
    assert scene.vault.asked["users/ann/providers"] == 1


def test_the_last_word_counts_for_an_hour_without_vault_and_not_longer(scene: Scene) -> None:
    scene.key()
    scene.vault.state = "gone"
    scene.pass_ms(HOUR - 1 * S)
    assert scene.key() == "house-1"
    scene.pass_ms(1 * S)
    assert scene.key() is None
    scene.vault.state = "well"
    scene.pass_ms(2 * S)
    assert scene.key() == "house-1"


def test_a_vault_that_hangs_costs_one_wait_and_then_nothing(scene: Scene) -> None:
    scene.vault.slow_ms, scene.vault.state = 2_000, "hanging"
    began = scene.clock.ms
    assert scene.key() is None
    assert scene.clock.ms - began == 1_000, "nobody waits longer than his patience"
    scene.pass_ms(2 * S)
    began = scene.clock.ms
    assert (scene.key(), scene.owner("ann"), scene.clock.ms) == (None, Owner(unsure=True), began)


def test_it_is_looked_for_once_a_second_by_one(scene: Scene) -> None:
    scene.vault.state = "gone"
    for name in ("ann", "bob", "cleo"):
        scene.owner(name)
    before = scene.vault.asked.total()
    scene.pass_ms(10 * S)
    assert scene.vault.asked.total() - before == 10
    scene.vault.state = "well"
    scene.pass_ms(1 * S)
    assert (scene.owner("ann"), scene.manager.away) == (Owner(), False)


def test_absence_is_believed_as_long_as_presence(scene: Scene) -> None:
    assert scene.key("house/vultr") is None
    scene.vault.holds["providers/vultr"] = "later"
    scene.pass_ms(200 * S)
    assert (scene.key("house/vultr"), scene.vault.asked["providers/vultr"]) == (None, 1)
    scene.pass_ms(100 * S)
    assert scene.key("house/vultr") == "later"


def refreshed(scene: Scene, refused: str) -> object:
    return scene.get(scene.manager.refresh("house/lambda", {"api_key": Secret(refused)}))


def test_a_refused_credential_is_read_anew_at_once(scene: Scene) -> None:
    scene.key()
    scene.vault.holds[HOUSE] = "house-2"
    assert refreshed(scene, "house-1") is True
    assert scene.key() == "house-2"
    assert refreshed(scene, "house-2") is False, "it is the same: asking again would not help"
    scene.vault.state = "gone"
    assert (refreshed(scene, "house-2"), refreshed(scene, "house-1")) == (False, True)


def test_what_was_heard_since_the_attempt_began_is_another_one(scene: Scene) -> None:
    scene.key()
    scene.vault.holds[HOUSE] = "house-2"
    scene.pass_ms(301 * S)
    scene.key()
    assert refreshed(scene, "house-1") is True


def test_a_refusal_is_not_answered_by_a_look_that_began_before_it(scene: Scene) -> None:
    scene.key()
    scene.vault.slow_ms = 400
    scene.pass_ms(250 * S)
    scene.key()
    scene.pass_ms(100)
    scene.vault.holds[HOUSE] = "house-2"
    assert refreshed(scene, "house-1") is True


def test_a_user_with_a_credential_reads_with_it_and_nobody_else_does(scene: Scene) -> None:
    scene.vault.holds[ANN] = "anns"
    assert scene.owner("ann") == Owner("user:ann")
    assert scene.owner("ann", "vultr") == scene.owner("bob") == Owner()
    assert scene.key("user:ann/lambda") == "anns"
    assert scene.manager.is_plain("bob")
    assert not scene.manager.is_plain("ann")
    assert not scene.manager.is_plain("never heard of")


def test_a_user_of_whom_vault_never_told_is_unsure(scene: Scene) -> None:
    scene.vault.state = "gone"
    assert scene.owner("ann") == Owner(unsure=True)
    scene.vault.state = "well"
    scene.pass_ms(1 * S)
    assert scene.owner("ann") == Owner()


def test_his_own_credential_is_never_replaced_by_the_houses(scene: Scene) -> None:
    scene.vault.holds[ANN] = "anns"
    scene.owner("ann")
    scene.key("user:ann/lambda")
    scene.vault.state = "gone"
    scene.pass_ms(HOUR - 1 * S)
    assert (scene.owner("ann"), scene.key("user:ann/lambda")) == (Owner("user:ann"), "anns")
    scene.pass_ms(2 * S)
    assert scene.key("user:ann/lambda") is None
    assert (scene.owner("ann"), scene.owner("ann", "vultr")) == (Owner("user:ann"), Owner(unsure=True))


def test_what_is_entrusted_counts_at_once_and_what_is_withdrawn_no_more(scene: Scene) -> None:
    assert scene.owner("ann") == Owner()
    scene.get(scene.manager.entrust("ann", "lambda", {"api_key": Secret("anns")}))
    assert (scene.owner("ann"), scene.key("user:ann/lambda")) == (Owner("user:ann"), "anns")
    assert scene.get(scene.manager.own("ann")) == ["lambda"]
    assert scene.get(scene.manager.withdraw("ann", "lambda")) is True
    assert (scene.owner("ann"), scene.key("user:ann/lambda")) == (Owner(), None)
    assert scene.get(scene.manager.withdraw("ann", "lambda")) is False


def test_nothing_is_entrusted_while_vault_is_away(scene: Scene) -> None:
    scene.vault.state = "gone"

    async def entrust() -> str:
        try:
            await scene.manager.entrust("ann", "lambda", {"api_key": Secret("anns")})
        except VaultAway:
            return "away"
        return "kept"

    assert scene.get(entrust()) == "away"


def test_a_policy_that_denies_one_path_stops_no_other(scene: Scene) -> None:
    scene.vault.denied.add("users/ann/providers")
    assert scene.owner("ann") == Owner(unsure=True)
    assert (scene.key(), scene.owner("bob"), scene.manager.away) == ("house-1", Owner(), False)


def test_a_credential_deleted_behind_our_back_is_noticed_by_whoever_reads(scene: Scene) -> None:
    scene.vault.holds[ANN] = "anns"
    scene.owner("ann")
    del scene.vault.holds[ANN]
    assert scene.key("user:ann/lambda") is None
    scene.pass_ms(10)
    assert scene.owner("ann") == Owner()


@pytest.mark.parametrize("name", ["ann", "auth0|5f7", "ann@example.org", "a:b", "ü"])
def test_paths_are_those_of_the_contract(name: str) -> None:
    assert house_path("lambda-07") == "providers/lambda-07"
    if name.isascii():
        assert user_path(name, "lambda") == f"users/{name}/providers/lambda"
    assert named(segment(name)) == name


@given(st.text(min_size=1), st.text(min_size=1))
def test_no_subject_reaches_another_path(one: str, other: str) -> None:
    folder = user_folder(one)
    parts = folder.split("/")
    assert (len(parts), parts[0], parts[2]) == (3, "users", "providers")
    assert parts[1] not in {"", ".", ".."}
    assert (folder == user_folder(other)) == (one == other)
