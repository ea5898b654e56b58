"""What happens at the same time: no answer is overtaken by an older one, and Vault is asked nothing in vain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reference_gateway.conformance.turns import Process, Turns
from reference_gateway.conformance.world import SteppedRuntime
from reference_gateway.core.credentials.lately import Lately
from reference_gateway.core.credentials.ports import Owner
from reference_gateway.core.credentials.secret import Secret
from tests.gateway_credentials.conftest import Clock

if TYPE_CHECKING:
    from tests.gateway_credentials.conftest import Scene

S = 1_000
HOUSE = "providers/lambda"
ANN = "users/ann/providers/lambda"
ANNS = "users/ann/providers"
ANNS_KEY = "user:ann/lambda"


def entrusts(scene: Scene, text: str) -> None:
    scene.get(scene.manager.entrust("ann", "lambda", {"api_key": Secret(text)}))


def refreshes(scene: Scene, refused: str) -> object:
    return scene.get(scene.manager.refresh("house/lambda", {"api_key": Secret(refused)}))


def test_a_look_that_began_before_the_write_was_done_does_not_overtake_it(scene: Scene) -> None:
    scene.vault.holds[ANN] = "old"
    scene.vault.slow_ms = 100
    scene.turns.start(scene.process, scene.manager.entrust("ann", "lambda", {"api_key": Secret("new")}))
    scene.pass_ms(50)
    scene.vault.slow_ms = 30
    assert scene.key(ANNS_KEY) == "old", "Vault holds the old one until the write is done"
    scene.pass_ms(1 * S)
    assert scene.key(ANNS_KEY) == "new"


def test_a_look_that_lands_after_the_write_does_not_undo_it(scene: Scene) -> None:
    scene.vault.holds[ANN] = "old"
    scene.vault.slow_ms = 400
    scene.turns.start(scene.process, scene.manager.owners("ann", ["lambda"]))

    async def look() -> None:
        await scene.manager.of(ANNS_KEY)

    scene.turns.start(scene.process, look())
    scene.pass_ms(10)
    scene.vault.slow_ms = 0
    entrusts(scene, "new")
    assert scene.key(ANNS_KEY) == "new"
    scene.pass_ms(1 * S)
    assert scene.key(ANNS_KEY) == "new", "what the slow look brought is older"


def test_what_is_entrusted_counts_though_the_folder_cannot_be_listed(scene: Scene) -> None:
    assert scene.owner("ann") == Owner()
    scene.vault.denied.add(ANNS)
    entrusts(scene, "anns")
    assert (scene.owner("ann"), scene.key(ANNS_KEY)) == (Owner("user:ann"), "anns")
    assert scene.get(scene.manager.withdraw("ann", "lambda")) is True
    assert scene.owner("ann") == Owner()


def test_a_first_credential_makes_no_claim_about_the_others(scene: Scene) -> None:
    scene.vault.holds["users/ann/providers/vultr"] = "anns, too"
    scene.vault.denied.add(ANNS)
    entrusts(scene, "anns")
    assert scene.owner("ann", "vultr") == Owner(unsure=True), "nobody has told of his folder yet"


def test_a_provider_that_always_refuses_does_not_have_vault_asked_each_time(scene: Scene) -> None:
    scene.key()
    for _ in range(50):
        assert refreshes(scene, "house-1") is False
        scene.pass_ms(20)
    assert scene.vault.asked[HOUSE] <= 1 + 2, "once a second, and the first read"
    scene.pass_ms(1 * S)
    scene.vault.holds[HOUSE] = "house-2"
    assert refreshes(scene, "house-1") is True


def test_a_first_refusal_has_vault_asked_at_once_however_new_the_credential_is(scene: Scene) -> None:
    scene.key()
    scene.vault.holds[HOUSE] = "house-2"
    scene.pass_ms(1)
    assert refreshes(scene, "house-1") is True
    scene.vault.holds[HOUSE] = "house-3"
    assert refreshes(scene, "house-2") is True, "that the last look helped is no reason not to look again"


def test_a_path_that_is_denied_is_asked_for_once_a_second(scene: Scene) -> None:
    scene.vault.denied.add(ANNS)
    for _ in range(40):
        assert scene.owner("ann") == Owner(unsure=True)
        scene.pass_ms(50)
    assert scene.vault.asked[ANNS] <= 3
    scene.vault.denied.clear()
    scene.pass_ms(1 * S)
    assert scene.owner("ann") == Owner()


@pytest.mark.parametrize(("after_ms", "had"), [(0, True), (999, True), (1_000, False)])
def test_lately_ends_to_the_millisecond(after_ms: int, *, had: bool) -> None:
    clock = Clock()
    lately = Lately(SteppedRuntime(Turns(clock), Process(), lambda: 0.5), 1_000, 2)
    lately.note("a")
    clock.advance(after_ms)
    assert lately.had("a") is had
    assert not lately.had("b")


def test_lately_is_bounded() -> None:
    lately = Lately(SteppedRuntime(Turns(Clock()), Process(), lambda: 0.5), 1_000, 2)
    for path in ("a", "b", "c"):
        lately.note(path)
    assert [lately.had(path) for path in ("a", "b", "c")] == [False, True, True]
