"""Tokens that prove somebody, and many that prove nobody."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from reference_gateway.core.identity import Identity
from reference_gateway.edge import clock
from reference_gateway.edge.auth.signing_keys import KeyFiles, WatchedKeys
from reference_gateway.edge.tokens import TOKEN_MAX_BYTES, AccessTokens, CredentialRefused
from tests.gateway_edge.edge_wire import AUDIENCE, ISSUER

if TYPE_CHECKING:
    from tests.gateway_edge.edge_wire import Signing


@pytest.fixture
def verifier(signing: Signing) -> AccessTokens:
    return AccessTokens(WatchedKeys(KeyFiles(signing.public_file, None)), ISSUER, AUDIENCE)


def identify(verifier: AccessTokens, token: str) -> Identity:
    return verifier.identify(f"Bearer {token}".encode())


def code_of(verifier: AccessTokens, authorization: bytes) -> str:
    with pytest.raises(CredentialRefused) as caught:
        verifier.identify(authorization)
    return caught.value.problem.code


def segment(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, Identity("user", "somebody", "enterprise", user="somebody")),
        ({"plan": None}, Identity("user", "somebody", "free", user="somebody")),
        ({"plan": "pro", "sub": "ü"}, Identity("user", "ü", "pro", user="ü")),
        ({"typ": "agent", "plan": None}, Identity("agent", "somebody", "enterprise")),
        ({"typ": "service", "plan": None}, Identity("service", "somebody", "enterprise")),
        ({"aud": [AUDIENCE, "another"]}, Identity("user", "somebody", "enterprise", user="somebody")),
        ({"unheard_of": {"deep": [1]}}, Identity("user", "somebody", "enterprise", user="somebody")),
    ],
)
def test_a_good_token_proves_an_identity(
    verifier: AccessTokens, signing: Signing, claims: dict[str, Any], expected: Identity
) -> None:
    token = signing.mint(**claims)
    assert identify(verifier, token) == expected
    assert identify(verifier, token) == expected  # from memory


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://another"}, {"iss": None}, {"aud": "another"}, {"aud": None}, {"aud": []}, {"exp": None},
        {"exp": "soon"}, {"exp": 1e400}, {"exp": [1]}, {"iat": None}, {"iat": "now"}, {"iat": 10**12}, {"nbf": 10**12},
        {"sub": None}, {"sub": ""}, {"sub": 7}, {"sub": "x" * 300}, {"sub": "\ud800"}, {"typ": None}, {"typ": "admin"},
        {"typ": ["user"]}, {"plan": "gold"}, {"plan": ["pro"]}, {"plan": {}},
    ],
)  # fmt: skip # a word a line would be a page
def test_a_signed_token_with_a_wrong_claim_is_invalid(
    verifier: AccessTokens, signing: Signing, claims: dict[str, Any]
) -> None:
    token = signed(signing, {**good_claims(), **claims})
    assert code_of(verifier, f"Bearer {token}".encode()) == "token-invalid"


def good_claims() -> dict[str, Any]:
    now_s = int(time.time())  # noqa: TID251 - a token is stamped by the wall clock
    return {"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "typ": "user", "iat": now_s, "exp": now_s + 600}


def signed(signing: Signing, claims: dict[str, Any]) -> str:
    """Sign what PyJWT's own encoder would not."""
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.api_jws.encode(json.dumps(kept).encode(), signing.private.decode(), algorithm="RS256")


def test_an_expired_token_says_so(verifier: AccessTokens, signing: Signing) -> None:
    assert code_of(verifier, f"Bearer {signing.mint(exp=1)}".encode()) == "token-expired"


def test_a_remembered_token_expires_to_the_moment(
    verifier: AccessTokens, signing: Signing, monkeypatch: pytest.MonkeyPatch
) -> None:
    exp = int(clock.epoch_s()) + 60
    authorization = f"Bearer {signing.mint(exp=exp)}".encode()
    known = verifier.identify(authorization)
    monkeypatch.setattr(jwt, "decode", _expired)
    monkeypatch.setattr(clock, "epoch_s", lambda: exp - 0.001)
    assert verifier.identify(authorization) is known
    monkeypatch.setattr(clock, "epoch_s", lambda: float(exp))
    assert code_of(verifier, authorization) == "token-expired"


def _expired(*_: object, **__: object) -> None:
    raise jwt.ExpiredSignatureError


def test_a_token_of_another_key_is_invalid(verifier: AccessTokens, signing: Signing) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    stranger = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    token = jwt.encode(good_claims(), stranger, algorithm="RS256")
    assert code_of(verifier, f"Bearer {token}".encode()) == "token-invalid"
    assert identify(verifier, signing.mint()).name == "somebody"


def hostile_tokens(signing: Signing) -> dict[str, bytes]:
    good = signing.mint()
    header, claims, signature = good.split(".")
    payload = segment(good_claims())
    none = segment({"alg": "none", "typ": "JWT"})
    own = segment({"alg": "RS256", "jwk": {"kty": "oct", "k": "eA"}})
    confused = f"{segment({'alg': 'HS256', 'typ': 'JWT'})}.{payload}"
    mac = hmac.new(signing.public_file.read_bytes(), confused.encode(), "sha256").digest()
    key = signing.private.decode()
    return {
        "empty": b"Bearer ",
        "no token": b"Bearer",
        "nothing": b"",
        "basic": b"Basic dXNlcjpwYXNz",
        "two words": f"Bearer {good} {good}".encode(),
        "garbage": b"Bearer \xff\xfe\x00",
        "alg none": f"Bearer {none}.{payload}.".encode(),
        "alg None": f"Bearer {segment({'alg': 'None'})}.{payload}.".encode(),
        "alg none signed": f"Bearer {none}.{payload}.{signature}".encode(),
        "hs256 with the public key": f"Bearer {confused}.{segment(mac)}".encode(),
        "rs512": f"Bearer {jwt.encode(good_claims(), key, algorithm='RS512')}".encode(),
        "ps256": f"Bearer {jwt.encode(good_claims(), key, algorithm='PS256')}".encode(),
        "alg missing": f"Bearer {segment({})}.{payload}.{signature}".encode(),
        "alg a list": f"Bearer {segment({'alg': ['RS256']})}.{payload}.{signature}".encode(),
        "header a list": f"Bearer {segment([])}.{payload}.{signature}".encode(),
        "header deep": f"Bearer {segment(b'[' * 3000)}.{payload}.{signature}".encode(),
        "header no utf-8": f"Bearer {segment(bytes([255, 254]))}.{payload}.{signature}".encode(),
        "kid a number": f"Bearer {segment({'alg': 'RS256', 'kid': 7})}.{payload}.{signature}".encode(),
        "crit": f"Bearer {segment({'alg': 'RS256', 'crit': ['x'], 'x': 1})}.{payload}.{signature}".encode(),
        "own jwk": f"Bearer {own}.{payload}.{signature}".encode(),
        "claims changed": f"Bearer {header}.{segment({**good_claims(), 'plan': 'enterprise'})}.{signature}".encode(),
        "claims a list": f"Bearer {jwt.api_jws.encode(b'[]', key, algorithm='RS256')}".encode(),
        "claims deep": f"Bearer {jwt.api_jws.encode(b'[' * 3000, key, algorithm='RS256')}".encode(),
        "claims no json": f"Bearer {jwt.api_jws.encode(b'{', key, algorithm='RS256')}".encode(),
        "truncated": f"Bearer {good[:-10]}".encode(),
        "half": f"Bearer {header}.{claims}".encode(),
        "four parts": f"Bearer {good}.{signature}".encode(),
        "five parts": f"Bearer {header}..{claims}.{signature}.{signature}".encode(),
        "dots": b"Bearer " + b"." * 1000,
        "padding": f"Bearer {good}====".encode(),
        "a bit too long": b"Bearer " + good.encode() + b"A" * TOKEN_MAX_BYTES,
        "1 MB": b"Bearer " + b"A" * 1_000_000,
    }


NAMES = (
    "empty", "no token", "nothing", "basic", "two words", "garbage", "alg none", "alg None", "alg none signed",
    "hs256 with the public key", "rs512", "ps256", "alg missing", "alg a list", "header a list", "header deep",
    "header no utf-8", "kid a number", "crit", "own jwk", "claims changed", "claims a list", "claims deep",
    "claims no json", "truncated", "half", "four parts", "five parts", "dots", "padding", "a bit too long", "1 MB",
)  # fmt: skip # a word a line would be a page


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_token_proves_nobody(verifier: AccessTokens, signing: Signing, name: str) -> None:
    assert code_of(verifier, hostile_tokens(signing)[name]) == "token-invalid"


def test_every_hostile_token_has_its_test(signing: Signing) -> None:
    assert set(hostile_tokens(signing)) == set(NAMES)


def test_no_refusal_quotes_the_token(verifier: AccessTokens, signing: Signing) -> None:
    for authorization in hostile_tokens(signing).values():
        with pytest.raises(CredentialRefused) as caught:
            verifier.identify(authorization)
        said = caught.value.problem.detail
        assert not any(part in said for part in authorization.decode("latin-1").split(".") if len(part) > 8)


def test_a_token_longer_than_the_bound_is_not_read(verifier: AccessTokens, signing: Signing) -> None:
    room = TOKEN_MAX_BYTES - len(signing.mint(filler=""))
    assert identify(verifier, signing.mint(filler="x" * (room * 3 // 4 - 3))).name == "somebody"
    assert code_of(verifier, f"Bearer {signing.mint(filler='x' * room)}".encode()) == "token-invalid"


def test_the_scheme_may_be_spelled_in_any_case(verifier: AccessTokens, signing: Signing) -> None:
    assert verifier.identify(f"bEARER {signing.mint()}".encode()).name == "somebody"
