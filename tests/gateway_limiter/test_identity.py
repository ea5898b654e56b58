"""Who is limited, by claims, addresses and hops that strangers wrote."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_gateway.core.identity import (
    HOPS_MAX,
    ClaimsInvalid,
    Identity,
    anonymous,
    client_address,
    identity_from_claims,
    network_of,
    window_key,
)

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
    ],
)
def test_an_address_stands_for_its_network(address: str, network: str) -> None:
    assert network_of(address) == network
    assert anonymous(address) == Identity("ip", network, "free")


@pytest.mark.parametrize(
    ("claims", "identity"),
    [
        ({"typ": "user", "sub": "ann"}, Identity("user", "ann", "free", user="ann")),
        ({"typ": "user", "sub": "ann", "plan": "pro"}, Identity("user", "ann", "pro", user="ann")),
        ({"typ": "agent", "sub": "a-1"}, Identity("agent", "a-1", "enterprise")),
        ({"typ": "service", "sub": "dag", "plan": "free"}, Identity("service", "dag", "free")),
    ],
)
def test_claims_name_kind_subject_and_plan(claims: dict[str, Any], identity: Identity) -> None:
    assert identity_from_claims(claims) == identity


@pytest.mark.parametrize(
    ("claims", "field"),
    [
        ({"sub": "ann"}, "typ"),
        ({"typ": "ip", "sub": "192.0.2.7"}, "typ"),
        ({"typ": ["user"], "sub": "ann"}, "typ"),
        ({"typ": "user"}, "sub"),
        ({"typ": "user", "sub": ""}, "sub"),
        ({"typ": "user", "sub": 7}, "sub"),
        ({"typ": "user", "sub": "x" * 256}, "sub"),
        ({"typ": "user", "sub": "\ud800"}, "sub"),
        ({"typ": "user", "sub": "ann", "plan": "gold"}, "plan"),
        ({"typ": "user", "sub": "ann", "plan": None}, "plan"),
        ({"typ": "user", "sub": "ann", "plan": {}}, "plan"),
    ],
)
def test_the_claim_at_fault_is_named(claims: dict[str, Any], field: str) -> None:
    with pytest.raises(ClaimsInvalid) as caught:
        identity_from_claims(claims)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.9", "192.0.2.1"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.9 , 10.9.9.9", "198.51.100.9"),
        ("::ffff:10.0.0.1", "2001:db8::7, fd00::1", "2001:db8::7"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "1.1.1.1, <script>, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "198.51.100.9:4711", "198.51.100.9"),
        ("10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("10.0.0.1", ",,,", "10.0.0.1"),
    ],
)
def test_the_client_is_the_nearest_hop_that_is_no_trusted_proxy(
    peer: str, forwarded_for: str | None, client: str
) -> None:
    assert client_address(peer, forwarded_for, PROXIES) == client


def test_a_chain_without_end_is_read_to_a_bound() -> None:
    hops = ["198.51.100.9", "10.9.9.9", *["10.0.0.2"] * (HOPS_MAX - 1)]
    assert client_address("10.0.0.1", ",".join(hops), PROXIES) == "10.9.9.9"
    assert client_address("10.0.0.1", ",".join(hops[:-1]), PROXIES) == "198.51.100.9"


@given(name=st.text(alphabet=st.characters(exclude_categories=[]), max_size=300))
def test_no_name_reaches_beyond_its_own_key(name: str) -> None:
    key = window_key(Identity("user", name, "free"))
    assert len(key) <= 80
    assert key.isascii()
    assert not set(key) & set("{}\r\n *\0")


@given(first=st.text(), second=st.text())
def test_two_names_never_share_a_key(first: str, second: str) -> None:
    keys = {window_key(Identity(kind, name, "free")) for kind in ("user", "key") for name in (first, second)}
    assert len(keys) == 2 * len({first, second})


def test_a_name_that_spells_a_hashed_key_has_another_key() -> None:
    hashed = window_key(Identity("user", "{}", "free"))
    spelt = window_key(Identity("user", hashed.removeprefix("rl:user#"), "free"))
    assert spelt != hashed


def test_the_plan_is_no_part_of_the_key() -> None:
    assert window_key(Identity("user", "ann", "free")) == window_key(Identity("user", "ann", "pro"))


def test_a_tokens_scopes_are_words() -> None:
    claims = {"typ": "service", "sub": "sync", "scope": "operate  read"}
    assert identity_from_claims(claims).scopes == {"operate", "read"}
    assert identity_from_claims({"typ": "service", "sub": "sync"}).scopes == frozenset()
    with pytest.raises(ClaimsInvalid, match="scope"):
        identity_from_claims({**claims, "scope": ["operate"]})
