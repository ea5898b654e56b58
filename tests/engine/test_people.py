"""Who speaks on the wire: nobody is met again before his window is empty, and nobody is made up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gatespec.drivers.people import GivenPeople, MintedPeople
from gatespec.errors import Exit, GatespecError
from gatespec.identities import Signer, fresh_address, neighbour
from gatespec.ports import Identity, Request, Untestable
from gatespec.target import Credential, UrlDoor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gatespec.ports import Kind, Plan

WINDOW_MS = 300
ONE = ["http://127.0.0.1:1"]


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path = tmp_path_factory.mktemp("key") / "private.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return Signer(path, "https://issuer.invalid", "gateway")


def keys(plan: Plan, count: int) -> Sequence[dict[str, str]]:
    return [{"user_id": f"{plan}-{n}", "api_key": f"gk_{n}"} for n in range(count)]


def claims(identity: Identity) -> dict[str, str]:
    bearer = dict(identity.headers)["Authorization"]
    said: dict[str, str] = jwt.decode(bearer.removeprefix("Bearer "), options={"verify_signature": False})
    return said


@pytest.mark.parametrize(
    ("kind", "plan"), [("user", "free"), ("user", "pro"), ("agent", "enterprise"), ("service", "pro")]
)
def test_a_minted_token_says_who_and_which_plan(signer: Signer, kind: Kind, plan: Plan) -> None:
    people = MintedPeople(signer, None, WINDOW_MS)
    people.begin()
    spoken, silent = (people.fresh(kind, plan, 0)[0] for _ in range(2))
    assert spoken.id != silent.id
    assert (claims(spoken)["typ"], claims(spoken)["sub"], claims(spoken)["plan"]) == (kind, spoken.name, plan)
    is_default = plan == {"user": "free"}.get(kind, "enterprise")
    assert ("plan" not in claims(silent)) == is_default


def test_each_story_meets_the_same_kinds_of_people(signer: Signer) -> None:
    people = MintedPeople(signer, None, WINDOW_MS)
    met = []
    for people_of_story in (1, 2, 3):
        people.begin()
        met.append([people.fresh("ip", "free", 0)[0].name for _ in range(people_of_story)])
    assert [[":" in address for address in story] for story in met] == [[False], [False, True], [False, True, False]]
    assert len({address for story in met for address in story}) == 6


def test_addresses_of_one_network_are_one_identity() -> None:
    assert neighbour(fresh_address(1), 5) == fresh_address(1)
    first, other = fresh_address(2), neighbour(fresh_address(2), 5)
    assert first != other
    assert first.split(":")[:4] == other.split(":")[:4]
    assert fresh_address(4).split(":")[:4] != first.split(":")[:4]


def test_a_key_rests_for_a_window_before_it_is_lent_again(signer: Signer) -> None:
    people = MintedPeople(signer, lambda plan, _: keys(plan, 2), WINDOW_MS)
    first, wait = people.fresh("key", "free", 1000)
    assert wait == 0
    people.used(first, 1040)
    second, wait = people.fresh("key", "free", 1050)
    assert (second.id != first.id, wait) == (True, 0)
    people.used(second, 1060)
    again, wait = people.fresh("key", "free", 1100)
    assert (again.id, wait) == (first.id, 1040 + WINDOW_MS - 1100)


def test_without_a_way_to_make_keys_they_are_untestable(signer: Signer) -> None:
    with pytest.raises(Untestable, match="API keys"):
        MintedPeople(signer, None, WINDOW_MS).fresh("key", "free", 0)


def test_a_command_that_makes_no_keys_is_told(signer: Signer) -> None:
    with pytest.raises(GatespecError, match="no API key"):
        MintedPeople(signer, lambda *_: [], WINDOW_MS).fresh("key", "free", 0)


def test_a_bare_url_has_one_anonymous_client_who_rests() -> None:
    people = GivenPeople(UrlDoor(instances=ONE), WINDOW_MS)
    me, wait = people.fresh("ip", "free", 0)
    assert wait == 0
    people.used(me, 50)
    assert people.fresh("ip", "free", 60) == (me, WINDOW_MS - 10)
    assert people.speaks_from(Request(me)) == []
    with pytest.raises(Untestable, match="kind user with plan pro"):
        people.fresh("user", "pro", 0)


def test_a_credential_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRO_TOKEN", "Bearer abc")
    door = UrlDoor(instances=ONE, credentials=[Credential(kind="user", plan="pro", value_env="PRO_TOKEN")])
    somebody, _ = GivenPeople(door, WINDOW_MS).fresh("user", "pro", 0)
    assert somebody.headers == (("Authorization", "Bearer abc"),)
    monkeypatch.delenv("PRO_TOKEN")
    with pytest.raises(GatespecError, match=r"\$PRO_TOKEN") as told:
        GivenPeople(door, WINDOW_MS)
    assert told.value.exit_code is Exit.USAGE


def test_a_token_command_mints_for_a_running_gateway(tmp_path: Path) -> None:
    script = tmp_path / "token"
    script.write_text('#!/bin/sh\nprintf "%s/%s\\n" "$1" "$2"\n')
    script.chmod(0o755)
    people = GivenPeople(UrlDoor(instances=ONE, token_command=[str(script), "{sub}", "{plan}"]), WINDOW_MS)
    somebody, wait = people.fresh("user", "pro", 0)
    assert (dict(somebody.headers)["Authorization"], wait) == (f"Bearer {somebody.name}/pro", 0)
    broken = GivenPeople(UrlDoor(instances=ONE, token_command=["/nowhere"]), WINDOW_MS)
    with pytest.raises(GatespecError, match="did not give a token"):
        broken.fresh("user", "pro", 0)
