"""From a key to its adapter, credential and wire, and back to what the core knows of an attempt."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from reference_gateway.adapters.providers import ADAPTERS, FailureKind, ListCall, ProviderFailed
from reference_gateway.adapters.providers.fields import can_show
from reference_gateway.core.cache.entry import HOUSE, key_of, split_key
from reference_gateway.core.cache.ports import Fetched
from reference_gateway.core.credentials.ports import NoCredential
from reference_gateway.core.upstream.ports import NO_CREDENTIAL, AttemptFailed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reference_gateway.adapters.providers import ProviderAdapter, Token, Wire
    from reference_gateway.core.credentials.ports import Credential, Credentials
    from reference_gateway.core.offer import Offer
    from reference_gateway.core.upstream.ports import Outcome

MS_PER_S: Final = 1000
SERVER_ERROR: Final = 500
CLIENT_ERROR: Final = 400
MEMORIES_MAX: Final = 10_000
"""Keys of which is remembered what was shown and bought: the one that was unused for longest is forgotten."""


class Means(NamedTuple):
    """What an attempt is made with."""

    adapter: Callable[[str], str]
    """Whose API a provider speaks."""
    credentials: Credentials
    wire: Callable[[str, int, int, int], Wire]
    """The way to an endpoint of a provider, for so long, each request for so long."""
    now_ms: Callable[[], int]
    """The wall clock."""
    write: Callable[[tuple[Offer, ...]], Awaitable[bytes]]
    """Write offers as the shared tier keeps them."""
    left_out: Callable[[str, int], None]
    """Is told how many items of a provider's list were malformed."""
    unfit: Callable[[str], None] = lambda _provider: None
    """Is told of which provider a credential lacks what the adapter shows, or has what no header may hold."""


@dataclass
class Memory:
    """What a key's provider was last shown, and what was bought with it."""

    shown: Credential | None = None
    tokens: dict[str, Token] = field(default_factory=dict)


class AdapterCaller:
    """The port `Caller` over the adapters."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._memories: OrderedDict[str, Memory] = OrderedDict()

    async def prepare(self, key: str) -> bool:
        """As the port."""
        try:
            await self._credential(key)
        except NoCredential:
            return False
        return True

    async def attempt(self, key: str, endpoint: int, within_ms: int, each_ms: int) -> Fetched:
        """As the port."""
        means, provider = self._means, split_key(key)[1]
        try:
            call = await self._call(key, endpoint, within_ms, each_ms, lists=True)
            listing = await self._adapter(provider).list_offers(call)
        except ProviderFailed as error:
            raise failed_attempt(error) from None
        except NoCredential:
            raise AttemptFailed(NO_CREDENTIAL, "uncounted") from None
        if listing.left_out:
            means.left_out(provider, listing.left_out)
        return Fetched(listing.offers, await means.write(listing.offers), means.now_ms())

    async def refresh(self, key: str) -> bool:
        """As the port; a token may have been refused that was bought with a credential that is still good."""
        memory = self._memories.pop(key, None)
        if memory is None or memory.shown is None:
            return False
        return await self._means.credentials.refresh(key, memory.shown) or bool(memory.tokens)

    async def probe(self, provider: str, endpoint: int, within_ms: int) -> bool:
        """As the port."""
        try:
            call = await self._call(key_of(provider, HOUSE), endpoint, within_ms, within_ms, lists=False)
            await self._adapter(provider).probe(call)
        except (ProviderFailed, NoCredential):
            return False
        return True

    def _adapter(self, provider: str) -> ProviderAdapter:
        return ADAPTERS[self._means.adapter(provider)]

    async def _call(self, key: str, endpoint: int, within_ms: int, each_ms: int, *, lists: bool) -> ListCall:
        """A probe, which may run beside a list call, leaves what that one showed: he may be refused yet."""
        means, provider = self._means, split_key(key)[1]
        wire = means.wire(provider, endpoint, within_ms, each_ms)
        credential, memory = await self._credential(key), self._memory_of(key)
        if memory.shown is None or (lists and memory.shown != credential):
            memory.shown, memory.tokens = credential, {}
        tokens = memory.tokens if memory.shown == credential else {}
        return ListCall(provider, credential, wire, means.now_ms, tokens)

    async def _credential(self, key: str) -> Credential:
        """Return what the key's provider is shown; raises `NoCredential` also where that cannot be shown."""
        credential, provider = await self._means.credentials.of(key), split_key(key)[1]
        if not can_show(credential, self._adapter(provider).credential_fields):
            self._means.unfit(provider)
            raise NoCredential("it is not what the adapter needs")
        return credential

    def _memory_of(self, key: str) -> Memory:
        memory = self._memories.setdefault(key, Memory())
        self._memories.move_to_end(key)
        while len(self._memories) > MEMORIES_MAX:
            self._memories.popitem(last=False)
        return memory


def failed_attempt(error: ProviderFailed) -> AttemptFailed:
    """Say what a failure counts as: the provider's, or none at all where it was right to refuse."""
    return AttemptFailed(
        str(error.kind),
        _outcome(error),
        timed_out=error.kind is FailureKind.TIMEOUT,
        retry_after_ms=(error.retry_after_s or 0) * MS_PER_S,
    )


def _outcome(error: ProviderFailed) -> Outcome:
    if error.kind in {FailureKind.CREDENTIAL, FailureKind.LIMITED}:
        return "uncounted"
    if error.kind is FailureKind.STATUS and CLIENT_ERROR <= (error.status or SERVER_ERROR) < SERVER_ERROR:
        return "uncounted"
    return "failure"
