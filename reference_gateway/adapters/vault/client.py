"""The port `Vault` over hvac: KV v2 under one mount, in threads, for hvac waits where it is called."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

import hvac
import requests
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest

from reference_gateway.adapters.vault.login import Login
from reference_gateway.adapters.vault.words import check_absent, data_of
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
"""How long one answer may keep silent; also to connect."""
NO_TOKEN: Final = ""
"""Without a word of ours hvac takes an operator's from the environment, or from his home."""
QUESTION_S: Final = 5
"""How long a question may take in all, with a login and the wait for a thread, where nobody says less."""
FIELDS_MAX: Final = 20
FIELD_MAX_CHARS: Final = 10_000
NAMES_MAX: Final = 1_000
"""A user's providers; a folder of more is not his doing."""


class HvacVault:
    """Opened with the instance; each question is answered, or raises `VaultAway`."""

    def __init__(self, access: VaultAccess, now_ms: Callable[[], int], question_s: float = QUESTION_S) -> None:
        """`question_s` is how long any question may take: whoever asked has a deadline of his own."""
        self._question_s = question_s
        self._mount = access.mount
        session = requests.Session()
        session.trust_env = False  # a proxy named in the environment would read the secrets
        session.mount("http", requests.adapters.HTTPAdapter(pool_connections=1, pool_maxsize=THREADS))
        self._make: Callable[[], hvac.Client] = lambda: hvac.Client(
            url=access.address, token=NO_TOKEN, session=session, timeout=TIMEOUT_S, allow_redirects=False
        )
        self._session = session
        self._login = Login(access, now_ms)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="vault")

    async def read(self, path: str) -> Credential | None:
        """As the port; what has no texts is no credential, though Vault holds it."""
        return await self._ask(lambda kv: self._read(kv, path))

    async def names(self, folder: str) -> Sequence[str]:
        """As the port."""
        return await self._ask(lambda kv: self._names(kv, folder))

    async def write(self, path: str, credential: Credential) -> None:
        """As the port."""
        await self._ask(
            lambda kv: kv.create_or_update_secret(path, secret=_revealed(credential), mount_point=self._mount)
        )

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
        except InvalidPath as error:
            check_absent(error)
            return None
        return _credential(data_of(said))

    def _names(self, kv: Any, folder: str) -> Sequence[str]:  # noqa: ANN401 - as above
        try:
            said = kv.list_secrets(folder, mount_point=self._mount)
        except InvalidPath as error:
            check_absent(error)
            return ()
        names = data_of(said).get("keys")
        texts = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
        return [name for name in texts if not name.endswith("/")][:NAMES_MAX]

    def _delete(self, kv: Any, path: str) -> bool:  # noqa: ANN401 - as above
        there_was = self._read(kv, path) is not None
        kv.delete_metadata_and_all_versions(path, mount_point=self._mount)
        return there_was

    async def _ask(self, question: Callable[[Any], Result]) -> Result:
        try:
            answer = asyncio.get_running_loop().run_in_executor(self._threads, self._answer, question)
            return await asyncio.wait_for(answer, self._question_s)
        except TimeoutError:
            raise VaultAway(f"no whole answer within {self._question_s} s") from None
        except RuntimeError as error:
            raise VaultAway("this instance is closing") from error

    def _answer(self, question: Callable[[Any], Result]) -> Result:
        """Answer one question; what went wrong is said apart from its error, whose frames hold tokens and secrets."""
        try:
            return self._put(question)
        except Exception as error:  # noqa: BLE001 - hvac trips in ways of its own over what is no answer of Vault's
            failed = _failure(error)
        raise failed

    def _put(self, question: Callable[[Any], Result]) -> Result:
        """Put one question; a token that is refused is bought anew, once, where that may help."""
        client = self._make()
        token = self._login.enter(client)
        try:
            return question(client.secrets.kv.v2)
        except Forbidden:
            if not self._login.may_help(client, token):
                raise
        self._login.enter(client)
        return question(client.secrets.kv.v2)


def _failure(error: Exception) -> VaultAway:
    if isinstance(error, Forbidden | InvalidRequest):
        return VaultDenied(type(error).__name__)
    return VaultAway(str(error) if isinstance(error, VaultAway) else type(error).__name__)


def _revealed(credential: Credential) -> dict[str, str]:
    return {name: secret.reveal() for name, secret in credential.items()}


def _credential(data: Mapping[str, Any]) -> Credential | None:
    kept = data.get("data")
    fields = kept.items() if isinstance(kept, dict) else ()
    texts = {str(name): Secret(text) for name, text in fields if isinstance(text, str) and len(text) <= FIELD_MAX_CHARS}
    return texts if texts and len(texts) <= FIELDS_MAX else None
