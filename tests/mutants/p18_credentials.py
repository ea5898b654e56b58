"""Mistakes about where credentials come from, how long they count, and whose they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.engine.little_calls import OWN, provider_of
from tests.engine.little_parts import Part
from tests.engine.little_vault import LittleVaulted, Word, path_of

if TYPE_CHECKING:
    from gatespec.read_ports import Asked
    from tests.engine.little_parts import Flight, Instance
    from tests.engine.virtual_tasks import Task


class FromTheEnvironment(LittleVaulted):
    """The house's credential is what the environment said when the process began."""

    kills = "P18"

    def shown_to(self, instance: Instance, name: str) -> str | None:
        return self.good_key(instance, name) if OWN in name else "from-the-environment"


class FallbackWithoutEnd(LittleVaulted):
    """What Vault last said is used for as long as it is away."""

    kills = "P18"

    def counts(self, word: Word) -> bool:
        del word
        return True


class NoFallback(LittleVaulted):
    """While Vault is away nothing is called."""

    kills = "P18"

    def may_call(self, instance: Instance, name: str) -> bool:
        return super().may_call(instance, name) and self.now >= self.away_until.get(instance.number, 0)


class RotationIgnored(LittleVaulted):
    """What was read once is read no more."""

    kills = "P18"

    def is_due(self, word: Word) -> bool:
        return word.key is None and super().is_due(word)


class AnothersCredential(LittleVaulted):
    """A user's key is read with the credential of whoever came first with one of his own."""

    kills = "P18"

    def key_for(self, instance: Instance, asked: Asked, user: str, name: str) -> Task:
        key = yield from super().key_for(instance, asked, user, name)
        own = [p for (n, p), w in self.words.items() if n == instance.number and w.key and p.startswith("users/")]
        mine = [path.split("/")[1] for path in own if path.endswith(f"/{name}")]
        return f"{name}{OWN}{mine[0]}" if user and mine else key


class HouseThoughHisOwn(LittleVaulted):
    """Everybody reads with the house's."""

    kills = "P18"

    def key_for(self, instance: Instance, asked: Asked, user: str, name: str) -> Task:
        yield from super().key_for(instance, asked, user, name)
        return name


class AbsentForEver(LittleVaulted):
    """That there is nothing is never asked again."""

    kills = "P18"

    def is_due(self, word: Word) -> bool:
        return word.key is not None and super().is_due(word)


class RenewalForgotten(LittleVaulted):
    """The login ends after twenty minutes, and Vault hears nobody any more."""

    kills = "P18"

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - the judge's own
        super().__init__(**given)
        self.opened_ms = self.now

    def hear(self, instance: Instance, path: str) -> Task:
        if self.now < self.opened_ms + 10 * 60 * 1000:
            yield from super().hear(instance, path)


class OwnForEverybody(LittleVaulted):
    """A user's credential becomes the house's, once it was seen."""

    kills = "P18"

    def shown_to(self, instance: Instance, name: str) -> str | None:
        own = [w.key for (n, p), w in self.words.items() if w.key and p.startswith("users/") and p.endswith(f"/{name}")]
        return own[0] if own and OWN not in name else self.good_key(instance, name)


class OneKeyForAll(LittleVaulted):
    """Each calls with his own credential, and what comes of it is kept for everybody."""

    kills = "P18"

    def keep(self, instance: Instance, name: str, entry: Any, token: object) -> Task:  # noqa: ANN401 - an Entry
        yield from super().keep(instance, name, entry, token)
        self.fill(instance, provider_of(name), entry)


class SilentAboutHisOwn(LittleVaulted):
    """That Vault has never told of him is not said."""

    kills = "P18"

    def key_for(self, instance: Instance, asked: Asked, user: str, name: str) -> Task:
        key = yield from super().key_for(instance, asked, user, name)
        self.unsure.pop(asked.ticket, None)
        return key


class RefusalIsTheEnd(LittleVaulted):
    """A refused credential is not read anew."""

    kills = "P18"

    def try_again(self, *_: Any) -> Task:  # noqa: ANN401 - as the right one
        yield from ()


class HouseAfterAnHour(LittleVaulted):
    """Whose own credential has outlived its time is served with the house's."""

    kills = "P18"

    def key_for(self, instance: Instance, asked: Asked, user: str, name: str) -> Task:
        key = yield from super().key_for(instance, asked, user, name)
        word = self.words.get((instance.number, path_of(key)))
        return provider_of(key) if word is None or not self.counts(word) else key


class CalledUnavailable(LittleVaulted):
    """That there is no credential is not told: the provider is called unavailable."""

    kills = "P18"

    def stand_in(self, instance: Instance, name: str, code: str, tiers: tuple[str, ...]) -> Part:
        self.lacking.discard((instance.number, name))
        return super().stand_in(instance, name, code, tiers)


class KnownOffersHidden(LittleVaulted):
    """Without a credential what was last known is not shown."""

    kills = "P18"

    def stand_in(self, instance: Instance, name: str, code: str, tiers: tuple[str, ...]) -> Part:
        part = super().stand_in(instance, name, code, tiers)
        return Part(None, "no-credential") if (instance.number, name) in self.lacking else part


class TakenAwayStaysUsed(LittleVaulted):
    """What is gone from Vault is used as if Vault were away."""

    kills = "P18"

    def hear(self, instance: Instance, path: str) -> Task:
        before = self.words.get((instance.number, path))
        yield from super().hear(instance, path)
        if before and before.key and self.words[instance.number, path].key is None:
            self.words[instance.number, path] = before


class CallsWithNothing(LittleVaulted):
    """Without a credential the provider is asked all the same."""

    kills = "P18"

    def may_call(self, instance: Instance, name: str) -> bool:
        del instance, name
        return True

    def lead(self, instance: Instance, name: str, flight: Flight, token: object) -> Task:
        yield from super().lead(instance, name, flight, token)


MUTANTS: list[Any] = [
    FromTheEnvironment,
    FallbackWithoutEnd,
    NoFallback,
    RotationIgnored,
    AnothersCredential,
    HouseThoughHisOwn,
    AbsentForEver,
    RenewalForgotten,
    OwnForEverybody,
    OneKeyForAll,
    SilentAboutHisOwn,
    RefusalIsTheEnd,
    HouseAfterAnHour,
    CalledUnavailable,
    KnownOffersHidden,
    TakenAwayStaysUsed,
    CallsWithNothing,
]
