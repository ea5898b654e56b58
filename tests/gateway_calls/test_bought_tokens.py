"""What was bought with a credential goes with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest

from reference_gateway.adapters.calling import AdapterCaller, Means
from reference_gateway.adapters.providers import ADAPTERS, ListCall, Listing, Token
from reference_gateway.core.credentials.secret import Secret

if TYPE_CHECKING:
    from reference_gateway.core.credentials.ports import Credential, Credentials


@dataclass
class Buyer:
    """An adapter that buys a token with each call, and sees what it has from those before."""

    credential_fields: tuple[str, ...] = ("client_id",)
    had: list[list[str]] = field(default_factory=list)
    buys: bool = True

    async def list_offers(self, call: ListCall) -> Listing:
        self.had.append(sorted(call.tokens))
        if self.buys:
            call.tokens[f"token-{len(self.had)}"] = Token(Secret("bought"), 10**15)
        return Listing((), 0)

    async def probe(self, call: ListCall) -> None:
        await self.list_offers(call)


@dataclass
class Held:
    """What Vault holds, as far as a caller asks."""

    text: str = "first"

    async def of(self, key: str) -> Credential:
        assert key == "house/p"
        return {"client_id": Secret(self.text)}

    async def refresh(self, key: str, refused: Credential) -> bool:
        return refused != await self.of(key)


@pytest.fixture
def buyer(monkeypatch: pytest.MonkeyPatch) -> Buyer:
    buyer = Buyer()
    monkeypatch.setitem(cast("dict[str, Any]", ADAPTERS), "buyer", buyer)
    return buyer


async def write(_: object) -> bytes:
    return b""


def caller_of(held: Held) -> AdapterCaller:
    means = Means(
        adapter=lambda _: "buyer",
        credentials=cast("Credentials", held),
        wire=lambda *_: cast("Any", None),
        now_ms=lambda: 0,
        write=write,
        left_out=lambda *_: None,
    )
    return AdapterCaller(means)


async def test_tokens_serve_until_the_credential_is_another_one(buyer: Buyer) -> None:
    held = Held()
    caller = caller_of(held)
    for text in ("first", "first", "second", "first"):
        held.text = text
        await caller.attempt("house/p", 0, 1, 1)
    assert buyer.had == [[], ["token-1"], [], []]


async def test_a_probe_with_the_next_credential_does_not_hide_that_a_call_was_made_with_the_last(buyer: Buyer) -> None:
    buyer.buys = False
    held = Held()
    caller = caller_of(held)
    await caller.attempt("house/p", 0, 1, 1)
    held.text = "second"
    assert await caller.probe("p", 0, 1) is True
    assert await caller.refresh("house/p") is True, "the call is worth another attempt"


async def test_a_probe_is_not_made_with_what_another_credential_bought(buyer: Buyer) -> None:
    held = Held()
    caller = caller_of(held)
    await caller.attempt("house/p", 0, 1, 1)
    held.text = "second"
    await caller.probe("p", 0, 1)
    assert buyer.had == [[], []]


async def test_probes_alone_buy_once(buyer: Buyer) -> None:
    caller = caller_of(Held())
    for _ in range(2):
        await caller.probe("p", 0, 1)
    assert buyer.had == [[], ["token-1"]]
