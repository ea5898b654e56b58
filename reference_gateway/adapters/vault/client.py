"""The port `Vault` over hvac: KV v2 under one mount, in threads, for hvac waits where it is called."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

import hvac
import requests
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest, RateLimitExceeded, VaultError

from reference_gateway.adapters.vault.login import Login
from reference_gateway.core.credentials.ports import VaultAway, VaultDenied
from reference_gateway.core.credentials.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reference_gateway.adapters.vault.login import VaultAccess
    from reference_gateway.core.credentials.ports import Credential

Result = TypeVar("Result")
THREADS: Final = 8
"""Questions under way at a time: each takes some ms, and a Vault that hangs holds one for `TIMEOUT_S`."""
TIMEOUT_S: Final = 2
"""How long one answer may take; also to connect."""
FIELDS_MAX: Final = 20
FIELD_MAX_CHARS: Final = 10_000
NAMES_MAX: Final = 1_000
"""A user's providers; a folder of more is not his doing."""


class HvacVault:
    """Opened with the instance; each question is answered, or raises `VaultAway`."""

    def __init__(self, access: VaultAccess, now_ms: Callable[[], int]) -> None:
        self._mount = access.mount
        session = requests.Session()
        session.trust_env = False  # a proxy named in the environment would read the secrets
        session.mount("http", requests.adapters.HTTPAdapter(pool_connections=1, pool_maxsize=THREADS))
        self._make: Callable[[], hvac.Client] = lambda: hvac.Client(
            url=access.address, session=session, timeout=TIMEOUT_S, allow_redirects=False
        )
        self._session = session
        self._login = Login(access, now_ms)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="vault")

    async def read(self, path: str) -> Credential | None:
        """As the port; what is no mapping of texts is no credential."""
        return await self._ask(lambda kv: self._read(kv, path))

    async def names(self, folder: str) -> Sequence[str]:
        """As the port."""
        return await self._ask(lambda kv: self._names(kv, folder))

    async def write(self, path: str, credential: Credential) -> None:
        """As the port."""
        told = {name: secret.reveal() for name, secret in credential.items()}
        await self._ask(lambda kv: kv.create_or_update_secret(path, secret=told, mount_point=self._mount))

    async def delete(self, path: str) -> bool:
        """As the port; to delete what there is not is no mistake of Vault's, so it is looked for first."""
        return await self._ask(lambda kv: self._delete(kv, path))

    async def close(self) -> None:
        """Give back connections and threads; a question that hangs is waited for by nobody."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._session.close()

    def _read(self, kv: Any, path: str) -> Credential | None:  # noqa: ANN401 - hvac leaves it untyped
        try:
            said = kv.read_secret_version(path, mount_point=self._mount, raise_on_deleted_version=True)
        except InvalidPath:
            return None
        return _credential(said)

    def _names(self, kv: Any, folder: str) -> Sequence[str]:  # noqa: ANN401 - as above
        try:
            said = kv.list_secrets(folder, mount_point=self._mount)
        except InvalidPath:
            return ()
        names = _data(said).get("keys")
        texts = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
        return [name for name in texts if not name.endswith("/")][:NAMES_MAX]

    def _delete(self, kv: Any, path: str) -> bool:  # noqa: ANN401 - as above
        there_was = self._read(kv, path) is not None
        kv.delete_metadata_and_all_versions(path, mount_point=self._mount)
        return there_was

    async def _ask(self, question: Callable[[Any], Result]) -> Result:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._answer, question)
        except RuntimeError as error:
            raise VaultAway("this instance is closing") from error

    def _answer(self, question: Callable[[Any], Result]) -> Result:
        """Answer one question; a token that is refused is bought anew, once."""
        client = self._make()
        try:
            token = self._login.enter(client)
            try:
                return question(client.secrets.kv.v2)
            except Forbidden:
                self._login.refused(token)
            self._login.enter(client)
            return question(client.secrets.kv.v2)
        except (Forbidden, InvalidRequest) as error:
            raise VaultDenied(type(error).__name__) from None
        except (VaultError, RateLimitExceeded, requests.RequestException, json.JSONDecodeError, OSError) as error:
            raise VaultAway(type(error).__name__) from None


def _data(said: object) -> Mapping[str, Any]:
    data = said.get("data") if isinstance(said, dict) else None
    return data if isinstance(data, dict) else {}


def _credential(said: object) -> Credential | None:
    fields = _data(_data(said)).items() if isinstance(_data(said).get("data"), dict) else ()
    texts = {str(name): Secret(text) for name, text in fields if isinstance(text, str) and len(text) <= FIELD_MAX_CHARS}
    return texts if texts and len(texts) <= FIELDS_MAX else None
