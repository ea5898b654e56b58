"""The little read path with credentials from Vault: read path by path, and never listed.

Written apart from the reference and from the judge's oracle; every rule is one overridable line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from gatespec.read_ports import UpstreamRequest
from tests.engine.little_calls import OWN, LittleCalls, provider_of
from tests.engine.little_reads import LIST_PATH, LittleReads
from tests.engine.virtual_tasks import until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gatespec.read_ports import Asked, Life, Upstream, VaultWord
    from tests.engine.little_parts import Flight, Instance, Part
    from tests.engine.virtual_tasks import Task

PATIENCE_MS = 500
LOOK_MS = 1_000
REFUSED = frozenset({401, 403})


@dataclass(frozen=True)
class Word:
    """What Vault said of a path."""

    asked_ms: int
    key: str | None
    """None: there is nothing."""


class LittleVaulted(LittleCalls):
    """A component driver whose credentials are right as well."""

    vault: Callable[[int, Any, str], VaultWord]

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - the judge's own
        super().__init__(**given)
        told = given["settings"]
        self.refresh_ms, self.keep_ms = (round(float(told[f"GATEWAY_CREDENTIAL_{n}_S"]) * 1000) for n in TIMES)
        self.words: dict[tuple[int, str], Word] = {}
        self.away_until: dict[int, int] = {}
        self.unsure: dict[int, set[str]] = {}
        """By ticket the providers of which Vault has not told whether he has a credential of his own."""
        self.lacking: set[tuple[int, str]] = set()

    def open_reads(self, *, vault: Any = None, **rest: Any) -> LittleVaulted:  # noqa: ANN401 - as the protocol
        opened = super().open_reads(**rest)
        assert isinstance(opened, LittleVaulted)
        opened.vault = vault
        return opened

    def life(self, instance: int, life: Life) -> None:
        super().life(instance, life)
        if life == "killed":
            self.words = {key: word for key, word in self.words.items() if key[0] != instance}
            self.away_until.pop(instance, None)

    # What Vault says.

    def is_due(self, word: Word) -> bool:
        return self.now - word.asked_ms >= self.refresh_ms

    def counts(self, word: Word) -> bool:
        return self.now - word.asked_ms < self.keep_ms

    def word(self, instance: Instance, path: str, *, anew: bool = False) -> Task:
        """The newest word, asking for it where it is due; None where there never was one."""
        known = self.words.get((instance.number, path))
        if anew or known is None or self.is_due(known):
            yield from self.hear(instance, path)
        return self.words.get((instance.number, path))

    def hear(self, instance: Instance, path: str) -> Task:
        if self.now < self.away_until.get(instance.number, 0):
            return
        asked_ms, said = self.now, self.vault(instance.number, "read", path)
        if said.state == "away":
            yield until(self.now + (PATIENCE_MS if said.after_ms is None else said.after_ms))
            self.away_until[instance.number] = self.now + LOOK_MS
            return
        self.words[instance.number, path] = Word(asked_ms, said.fields.get("api_key"))

    def good_key(self, instance: Instance, key: str) -> str | None:
        word = self.words.get((instance.number, path_of(key)))
        return word.key if word is not None and self.counts(word) else None

    # Whose key.

    def answer(self, instance: Instance, asked: Asked) -> Task:
        names = [value for name, value in parse_qsl(urlsplit(asked.path).query) if name == "provider"]
        user, keys = asked.credential["user"], list[str]()
        for name in names:
            keys.append((yield from self.key_for(instance, asked, user, name)))
        parts: dict[str, Part] = {}
        yield from self.gather(instance, keys, parts, self.now + self.deadline)
        found = {key: parts.get(key) or self.stand_in(instance, key, "timeout", ()) for key in keys}
        self.reply(asked, {provider_of(key): part for key, part in found.items()})

    def key_for(self, instance: Instance, asked: Asked, user: str, name: str) -> Task:
        if not user:
            return name
        own = f"{name}{OWN}{user}"
        word = yield from self.word(instance, path_of(own))
        if word is not None and word.key:
            return own
        if word is None or not self.counts(word):
            self.unsure.setdefault(asked.ticket, set()).add(name)
        return name

    def reply(self, asked: Asked, parts: Mapping[str, Part]) -> None:
        self.unsure_of = self.unsure.pop(asked.ticket, set())
        super().reply(asked, parts)

    def say(self, asked: Asked, status: int, body: Any, **fields: str) -> None:  # noqa: ANN401 - JSON
        if "warnings" in body:
            more = [{"code": "no-credential", "provider": n, "detail": "", "as_of": None} for n in self.unsure_of]
            body = {**body, "warnings": [*body["warnings"], *more]}
        super().say(asked, status, body, **fields)

    # Calls.

    def lead(self, instance: Instance, name: str, flight: Flight, token: object) -> Task:
        yield from self.word(instance, path_of(name))
        if not self.may_call(instance, name):
            self.lacking.add((instance.number, name))
            if self.leases.get(name, (None, 0))[0] is token:
                del self.leases[name]
            return
        self.lacking.discard((instance.number, name))
        used = self.good_key(instance, name)
        yield from super().lead(instance, name, flight, token)
        met = self.met.get((instance.number, name))
        if flight.entry is None and met is not None and met.status in REFUSED:
            yield from self.try_again(instance, name, flight, token, used)

    def may_call(self, instance: Instance, name: str) -> bool:
        return self.good_key(instance, name) is not None

    def try_again(self, instance: Instance, name: str, flight: Flight, token: object, used: str | None) -> Task:
        yield from self.word(instance, path_of(name), anew=True)
        if self.good_key(instance, name) not in {None, used}:
            yield from LittleReads.lead(self, instance, name, flight, token)

    def call(self, instance: int, name: str) -> Upstream:
        declared = self.declared[provider_of(name)]
        bearer = {"authorization": f"Bearer {self.shown_to(self.instances[instance], name)}"}
        request = UpstreamRequest("GET", LIST_PATH, bearer)
        self.met[instance, name] = self.ask(instance, provider_of(name), declared.endpoints[0][0], request)
        return self.met[instance, name]

    def shown_to(self, instance: Instance, name: str) -> str | None:
        return self.good_key(instance, name)

    def stand_in(self, instance: Instance, name: str, code: str, tiers: tuple[str, ...]) -> Part:
        lacks = (instance.number, name) in self.lacking
        return super().stand_in(instance, name, "no-credential" if lacks else code, tiers)


TIMES = ("REFRESH", "CACHE")


def path_of(key: str) -> str:
    """Where the credential of a key lies."""
    provider, _, user = key.partition(OWN)
    return f"users/{user}/providers/{provider}" if user else f"providers/{provider}"
