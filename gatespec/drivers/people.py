"""Who speaks on the wire: identities minted where the door allows it, else lent out and rested in turn."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gatespec.errors import unable, usage
from gatespec.identities import Numbers, fresh_address
from gatespec.ports import Identity, Untestable
from gatespec.stack.gateway import rendered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gatespec.identities import Signer
    from gatespec.ports import Kind, Plan, Request
    from gatespec.target import UrlDoor

KEYS_AT_ONCE = 12
"""API keys made per call of the target's command: a process start each would cost more than the stories."""
TOKEN_COMMAND_S = 10


class People(Protocol):
    """Where identities come from."""

    def begin(self) -> None:
        """A story begins."""

    def fresh(self, kind: Kind, plan: Plan, now_ms: int) -> tuple[Identity, int]:
        """Somebody, and how many ms to wait until the window is empty; raise `Untestable` where there is nobody."""

    def used(self, identity: Identity, at_ms: int) -> None:
        """Take note that the identity spoke last at `at_ms`."""

    def speaks_from(self, request: Request) -> list[tuple[str, str]]:
        """The header that says from which address an anonymous client speaks."""


@dataclass
class Lent:
    """Identities that exist already: each rests for a window before it is lent again."""

    rest_ms: int
    resting: dict[str, int] = field(default_factory=dict)
    pool: dict[tuple[str, str], list[Identity]] = field(default_factory=dict)

    def add(self, identity: Identity) -> None:
        """Take one in."""
        self.pool.setdefault((identity.kind, identity.plan), []).append(identity)

    def rested(self, kind: str, plan: str, now_ms: int) -> tuple[Identity, int] | None:
        """The one that has rested longest, and how long it still must; None where there is none."""
        candidates = self.pool.get((kind, plan), [])
        if not candidates:
            return None
        chosen = min(candidates, key=lambda i: self.resting.get(i.id, -1))
        ready_ms = self.resting.get(chosen.id, now_ms - self.rest_ms) + self.rest_ms
        self.resting[chosen.id] = max(now_ms, ready_ms)
        return chosen, max(0, ready_ms - now_ms)


@dataclass
class MintedPeople:
    """For a gateway that the judge starts: tokens signed by its own key, keys from the target's own command."""

    signer: Signer
    make_keys: Callable[[Plan, int], Sequence[Mapping[str, str]]] | None
    window_ms: int
    _numbers: Numbers = field(default_factory=Numbers)
    _run: str = field(default_factory=lambda: secrets.token_hex(4))
    _keys: Lent = field(init=False)

    def __post_init__(self) -> None:
        self._keys = Lent(self.window_ms)

    def begin(self) -> None:
        """Begin with an odd number."""
        self._numbers.begin()

    def fresh(self, kind: Kind, plan: Plan, now_ms: int) -> tuple[Identity, int]:
        """Mint somebody new; an API key is lent from a pool, for making one takes a process."""
        if kind == "key":
            return self._key(plan, now_ms)
        number = next(self._numbers)
        if kind == "ip":
            return Identity("ip", fresh_address(number), "free"), 0
        subject = f"{kind}-{self._run}-{number}"
        token = self.signer.token(kind, subject, plan, silent=number % 2 == 0)
        return Identity(kind, subject, plan, (("Authorization", f"Bearer {token}"),)), 0

    def _key(self, plan: Plan, now_ms: int) -> tuple[Identity, int]:
        if self.make_keys is None:
            raise Untestable("the target file has no [users] create, so there are no API keys")
        if ("key", plan) not in self._keys.pool:
            for made in self.make_keys(plan, KEYS_AT_ONCE):
                self._keys.add(Identity("key", made["user_id"], plan, (("X-API-Key", made["api_key"]),)))
        found = self._keys.rested("key", plan, now_ms)
        if found is None:
            raise unable("users-create", f"[users] create made no API key for plan {plan}")
        return found

    def used(self, identity: Identity, at_ms: int) -> None:
        """Let a key rest from its last word on."""
        if identity.kind == "key":
            self._keys.resting[identity.id] = at_ms

    def speaks_from(self, request: Request) -> list[tuple[str, str]]:
        """The judge is a trusted proxy of what it starts."""
        return [("X-Forwarded-For", request.address or request.identity.name)]


@dataclass
class GivenPeople:
    """For a gateway that runs already: credentials or a token command of its owner."""

    door: UrlDoor
    window_ms: int
    folder: Path = field(default_factory=Path)
    """Where the token command runs: the target file's."""
    _numbers: Numbers = field(default_factory=Numbers)
    _lent: Lent = field(init=False)

    def __post_init__(self) -> None:
        self._lent = Lent(self.window_ms)
        for number, given in enumerate(self.door.credentials):
            value = os.environ.get(given.value_env)
            if not value:
                hint = "set the variable, or take the credential out of the target file"
                raise usage("credential-missing", f"url.credentials.{number}: ${given.value_env} is empty", hint=hint)
            self._lent.add(Identity(given.kind, f"{given.value_env}", given.plan, ((given.header, value),)))
        self._lent.add(Identity("ip", "this machine", "free"))

    def begin(self) -> None:
        """Begin with an odd number."""
        self._numbers.begin()

    def fresh(self, kind: Kind, plan: Plan, now_ms: int) -> tuple[Identity, int]:
        """Ask the token command, take an address of our own choice, or lend a credential."""
        if kind == "ip" and self.door.forwarded_for:
            return Identity("ip", fresh_address(next(self._numbers)), "free"), 0
        if kind not in {"ip", "key"} and self.door.token_command:
            return self._ask_for(kind, plan), 0
        found = self._lent.rested(kind, plan, now_ms)
        if found is None:
            raise Untestable(f"the target file gives no credential of kind {kind} with plan {plan}")
        return found

    def _ask_for(self, kind: Kind, plan: Plan) -> Identity:
        subject = f"gatespec-{secrets.token_hex(4)}-{next(self._numbers)}"
        words = {"python": sys.executable, "sub": subject, "plan": plan, "typ": kind}
        argv = [rendered(part, words) for part in self.door.token_command or []]
        try:
            done = subprocess.run(
                argv, cwd=self.folder, capture_output=True, text=True, timeout=TOKEN_COMMAND_S, check=True
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise unable("token-command", f"url.token_command did not give a token: {error}") from error
        return Identity(kind, subject, plan, (("Authorization", f"Bearer {done.stdout.strip()}"),))

    def used(self, identity: Identity, at_ms: int) -> None:
        """Let a lent credential rest from its last word on."""
        self._lent.resting[identity.id] = at_ms

    def speaks_from(self, request: Request) -> list[tuple[str, str]]:
        """Speak for another address only where the door says that the judge may."""
        if not self.door.forwarded_for:
            return []
        return [("X-Forwarded-For", request.address or request.identity.name)]
