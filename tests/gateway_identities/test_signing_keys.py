"""Keys in files that change while they are used."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from reference_gateway.core.identity import Identity
from reference_gateway.edge import clock
from reference_gateway.edge.auth.signing_keys import KEYS_MAX, KeyFiles, WatchedKeys
from reference_gateway.edge.settings import SettingInvalid
from reference_gateway.edge.tokens import AccessTokens, CredentialRefused

if TYPE_CHECKING:
    from pathlib import Path

ISSUER, AUDIENCE = "https://issuer.test", "gateway"
PAIRS = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(3)]


def private(place: int) -> bytes:
    return PAIRS[place].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public(*places: int) -> bytes:
    form = PublicFormat.SubjectPublicKeyInfo
    return b"".join(PAIRS[place].public_key().public_bytes(Encoding.PEM, form) for place in places)


class Rotation:
    """A gateway's keys, and whoever verifies by them."""

    def __init__(self, folder: Path) -> None:
        self.files = KeyFiles(folder / "public.pem", folder / "private.pem")
        self.write(public(0), private(0))
        self.keys = WatchedKeys(self.files)
        self.tokens = AccessTokens(self.keys, ISSUER, AUDIENCE)

    def write(self, public_pem: bytes, private_pem: bytes) -> None:
        assert self.files.private
        self.files.public.write_bytes(public_pem)
        self.files.private.write_bytes(private_pem)

    def look(self) -> None:
        asyncio.run(self.keys.look())

    def issue(self) -> bytes:
        assert self.keys.ring.signer
        now_s = int(clock.epoch_s())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "typ": "user", "iat": now_s, "exp": now_s + 600}
        return f"Bearer {self.keys.ring.signer.sign(claims)}".encode()

    def takes(self, authorization: bytes) -> bool:
        try:
            return self.tokens.identify(authorization) == Identity("user", "x", "free", user="x")
        except CredentialRefused:
            return False


@pytest.fixture
def rotation(tmp_path: Path) -> Rotation:
    return Rotation(tmp_path)


def test_a_rotation_refuses_no_token_until_its_key_is_taken_out(rotation: Rotation) -> None:
    old = rotation.issue()
    assert rotation.takes(old)
    rotation.write(public(0, 1), private(0))
    rotation.look()
    assert rotation.takes(old)
    rotation.write(public(0, 1), private(1))
    rotation.look()
    new = rotation.issue()
    assert (rotation.takes(old), rotation.takes(new)) == (True, True)
    rotation.write(public(1), private(1))
    rotation.look()
    assert (rotation.takes(old), rotation.takes(new)) == (False, True)  # and old was remembered until now
    assert len(rotation.keys.key_set()) < 1000


@pytest.mark.parametrize(
    "written",
    [
        (b"", private(0)),
        (b"not a key", private(0)),
        (public(0)[:200], private(0)),
        (public(1), private(0)),
        (public(0), b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        (public(*[0] * (KEYS_MAX + 1)), private(0)),
        (private(0), private(0)),
    ],
)
def test_files_that_are_no_ring_leave_the_old_one_in_force(rotation: Rotation, written: tuple[bytes, bytes]) -> None:
    token = rotation.issue()
    rotation.write(*written)
    rotation.look()
    assert rotation.takes(token)
    rotation.write(public(1), private(1))
    rotation.look()
    assert not rotation.takes(token)
    rotation.write(*written)
    with pytest.raises(SettingInvalid):
        rotation.files.load()


def test_a_file_that_is_gone_leaves_the_old_ring_in_force(rotation: Rotation) -> None:
    token = rotation.issue()
    rotation.files.public.unlink()
    rotation.look()
    assert rotation.takes(token)


def test_a_token_names_its_key_and_no_other_is_tried(rotation: Rotation) -> None:
    rotation.write(public(0, 1), private(0))
    rotation.look()
    old = rotation.issue()
    rotation.write(public(1, 2), private(2))
    rotation.look()
    assert not rotation.takes(old)


def test_no_key_shows_in_words(rotation: Rotation) -> None:
    shown = repr(rotation.keys.ring.signer) + repr(rotation.keys.ring)
    assert "PRIVATE" not in shown
    assert str(PAIRS[0].private_numbers().d) not in shown


def test_only_large_rsa_keys_are_taken(tmp_path: Path) -> None:
    form = PublicFormat.SubjectPublicKeyInfo
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - it is refused
    for key in (small, ec.generate_private_key(ec.SECP256R1())):
        (tmp_path / "public.pem").write_bytes(key.public_key().public_bytes(Encoding.PEM, form))
        with pytest.raises(SettingInvalid, match="GATEWAY_JWT_PUBLIC_KEY_FILE"):
            KeyFiles(tmp_path / "public.pem", None).load()
