"""Whose credential reads what: from Vault, and from what it last said while it is away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from reference_gateway.core.cache.entry import HOUSE, split_key
from reference_gateway.core.credentials.lately import Lately
from reference_gateway.core.credentials.paths import house_path, named, user_folder, user_path
from reference_gateway.core.credentials.ports import NoCredential, Owner, VaultAway
from reference_gateway.core.credentials.said import Said, Times, Vaulted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.core.cache.ports import Runtime
    from reference_gateway.core.credentials.ports import Credential, Vault

USER: Final = "user:"
"""The owner of a user's own key begins so."""
CREDENTIALS_MAX: Final = 10_000
"""Credentials that are remembered: of every provider the house's, and those of the users who read now."""
USERS_MAX: Final = 100_000
"""Users of whom is remembered for which providers they have credentials: mostly that they have none."""
IN_VAIN_MS: Final = 1_000
"""How long Vault is spared after it had no other credential for a provider that refused: he may refuse every call."""
UNSURE: Final = Owner(unsure=True)
HOUSES: Final = Owner()


class Outside(NamedTuple):
    """What the manager meets."""

    vault: Vault
    runtime: Runtime


def owner_of(user: str) -> str:
    """Name the owner of a user's own keys."""
    return f"{USER}{user}"


def path_of(key: str) -> str:
    """Where the credential of a key lies."""
    owner, provider = split_key(key)
    return house_path(provider) if owner == HOUSE else user_path(owner.removeprefix(USER), provider)


class VaultCredentialManager:
    """The port `Credentials` of one instance."""

    said_kind: type[Said[Credential | None]] = Said

    def __init__(self, outside: Outside, times: Times) -> None:
        vault, runtime = outside
        self._vault = vault
        self._runtime = runtime
        self._line = Vaulted(runtime)
        self._credentials: Said[Credential | None] = self.said_kind(
            vault.read, self._line, runtime, times, CREDENTIALS_MAX
        )
        self._folders: Said[frozenset[str]] = Said(self._names, self._line, runtime, times, USERS_MAX)
        self._in_vain = Lately(runtime, IN_VAIN_MS, CREDENTIALS_MAX)

    @property
    def away(self) -> bool:
        """Whether Vault is known not to answer."""
        return self._line.away

    async def of(self, key: str) -> Credential:
        """As the port."""
        word = await self._credentials.last(path_of(key))
        if word is None:
            raise NoCredential("vault has not answered, or too long ago")
        if not word.value:
            self._doubt(key)
            raise NoCredential("vault holds none")
        return word.value

    async def refresh(self, key: str, refused: Credential) -> bool:
        """As the port."""
        path = path_of(key)
        word = None if self._in_vain.had(path) else await self._credentials.anew(path)
        if word is not None and word.value == refused:
            self._in_vain.note(path)
        word = word or await self._credentials.last(path)
        return word is not None and bool(word.value) and word.value != refused

    def is_plain(self, user: str) -> bool:
        """As the port."""
        word = self._folders.at_once(user_folder(user))
        return word is not None and not word.value

    def known_owners(self, user: str, providers: Sequence[str]) -> Sequence[Owner] | None:
        """As the port."""
        word = self._folders.at_once(user_folder(user))
        return None if word is None else _owners(user, word.value, providers)

    async def owners(self, user: str, providers: Sequence[str]) -> Sequence[Owner]:
        """As the port; who once had a credential of his own is not served with the house's for want of a newer word."""
        word = await self._folders.newest(user_folder(user))
        if word is None:
            return [UNSURE] * len(providers)
        owners = _owners(user, word.value, providers)
        return owners if self._folders.counts(word) else [UNSURE if o == HOUSES else o for o in owners]

    async def entrust(self, user: str, provider: str, credential: Credential) -> None:
        """As the port."""
        asked_ms = self._begin()
        await self._vault.write(user_path(user, provider), credential)
        self._credentials.put(user_path(user, provider), credential, asked_ms)
        self._tell(user, frozenset({provider}), frozenset())
        await self._folders.anew(user_folder(user))

    async def withdraw(self, user: str, provider: str) -> bool:
        """As the port."""
        asked_ms = self._begin()
        there_was = await self._vault.delete(user_path(user, provider))
        self._credentials.put(user_path(user, provider), None, asked_ms)
        self._tell(user, frozenset(), frozenset({provider}))
        await self._folders.anew(user_folder(user))
        return there_was

    async def own(self, user: str) -> Sequence[str]:
        """As the port."""
        self._begin()
        return sorted(await self._names(user_folder(user)))

    def _begin(self) -> int:
        """Return the time; raises `VaultAway` at once where that is known."""
        if self.away:
            raise VaultAway("known to be away")
        return self._runtime.now_ms()

    def _tell(self, user: str, came: frozenset[str], went: frozenset[str]) -> None:
        """Change what is known of his folder, and not how long ago Vault told it; of an unknown one claim nothing."""
        folder = user_folder(user)
        if (word := self._folders.known(folder)) is not None:
            self._folders.put(folder, word.value - went | came, word.asked_ms)

    def _doubt(self, key: str) -> None:
        """A credential that is gone, though its folder was said to hold it: the folder is looked through again."""
        owner, provider = split_key(key)
        if owner == HOUSE:
            return
        folder = user_folder(owner.removeprefix(USER))
        word = self._folders.at_once(folder)
        if word is not None and provider in word.value:
            self._runtime.start(self._look_again(folder))

    async def _look_again(self, folder: str) -> None:
        await self._folders.anew(folder)

    async def _names(self, folder: str) -> frozenset[str]:
        return frozenset(map(named, await self._vault.names(folder)))


def _owners(user: str, own: frozenset[str], providers: Sequence[str]) -> list[Owner]:
    if not own:
        return [HOUSES] * len(providers)
    his = Owner(owner_of(user))
    return [his if provider in own else HOUSES for provider in providers]
