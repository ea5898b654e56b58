"""The gateway's login at Vault: an AppRole's token, renewed before it ends, and bought anew where that is refused."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hvac.exceptions import Forbidden, InvalidRequest, VaultError

from reference_gateway.core.credentials.ports import VaultAway
from reference_gateway.core.credentials.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import hvac

RENEW_AFTER: Final = 2 / 3
"""Of a token's life: a third is left for a Vault that does not answer at once."""
PROVEN_MS: Final = 60_000
"""So long after a login a refusal is the policy's, unless the token is no more: another login would bring the same."""
MS_PER_S: Final = 1000


@dataclass(frozen=True)
class VaultAccess:
    """Where Vault is, and as whom the gateway comes."""

    address: str
    mount: str
    role_id: Secret
    secret_id: Secret


class Login:
    """One token that all threads share; times are ms of a clock that never turns back."""

    def __init__(self, access: VaultAccess, now_ms: Callable[[], int]) -> None:
        self._access = access
        self._now_ms = now_ms
        self._one_at_a_time = threading.Lock()
        self._token: Secret | None = None
        self._renewable = False
        self._bought_ms = 0
        self._ends_ms = 0
        self._renew_ms = 0

    def enter(self, client: hvac.Client) -> Secret:
        """Give the client a token that is good; raises `VaultAway`, or what hvac and its transport raise."""
        with self._one_at_a_time:
            now_ms = self._now_ms()
            if self._token is None or now_ms >= self._ends_ms:
                self._log_in(client)
            elif now_ms >= self._renew_ms:
                self._renew(client)
            return self._carry(client)

    def may_help(self, client: hvac.Client, token: Secret) -> bool:
        """Say whether another token may be let in where this one was not; `enter` gives it then.

        It was revoked, or ended sooner than it said, or its role has got more policies since.
        """
        with self._one_at_a_time:
            if self._token == token:
                if self._now_ms() - self._bought_ms < PROVEN_MS and _lives(client):
                    return False
                self._token = None
            return True

    def _carry(self, client: hvac.Client) -> Secret:
        if self._token is None:
            raise VaultAway("no token")
        client.token = self._token.reveal()
        return self._token

    def _log_in(self, client: hvac.Client) -> None:
        asked_ms, access = self._now_ms(), self._access
        self._token = None
        try:
            said = client.auth.approle.login(access.role_id.reveal(), access.secret_id.reveal(), use_token=False)
        except (Forbidden, InvalidRequest) as error:
            raise VaultAway(f"the login was refused ({type(error).__name__})") from None
        self._take(said, asked_ms)
        self._bought_ms = asked_ms

    def _renew(self, client: hvac.Client) -> None:
        """Where the token can be renewed no more another is bought; where Vault does not answer, this one counts on."""
        asked_ms = self._now_ms()
        self._carry(client)
        try:
            said = client.auth.token.renew_self() if self._renewable else None
        except (Forbidden, InvalidRequest):
            said = None
        except VaultError:
            return
        if said is None or not self._is_longer(said, asked_ms):
            self._log_in(client)
        else:
            self._take(said, asked_ms)

    def _is_longer(self, said: Mapping[str, object], asked_ms: int) -> bool:
        """Near its longest life a token is renewed for less and less."""
        return asked_ms + _lease_ms(said) > self._ends_ms

    def _take(self, said: Mapping[str, object], asked_ms: int) -> None:
        auth, lease_ms = _auth(said), _lease_ms(said)
        token = auth.get("client_token")
        if not isinstance(token, str) or not token:
            raise VaultAway("the login brought no token")
        self._token = Secret(token)
        self._renewable = auth.get("renewable") is True
        self._ends_ms = asked_ms + lease_ms
        self._renew_ms = asked_ms + int(lease_ms * RENEW_AFTER)


def _lives(client: hvac.Client) -> bool:
    try:
        client.auth.token.lookup_self()
    except Forbidden:
        return False
    return True


def _auth(said: Mapping[str, object]) -> Mapping[str, object]:
    auth = said.get("auth") if isinstance(said, dict) else None
    if not isinstance(auth, dict):
        raise VaultAway("the login brought no token")
    return auth


def _lease_ms(said: Mapping[str, object]) -> int:
    """A token without a lease (0) never ends: it is looked after once a day all the same."""
    lease_s = _auth(said).get("lease_duration")
    whole = isinstance(lease_s, int) and not isinstance(lease_s, bool) and lease_s > 0
    return int(lease_s) * MS_PER_S if whole else 86_400 * MS_PER_S  # type: ignore[call-overload] # it is one
