"""Providers that were never read before: each name of a lane's pools is lent once, for good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatespec.errors import unable
from gatespec.read_ports import PLAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gatespec.read_ports import Shape

    Enlist = Callable[[int, str], Sequence[str]]
    """Simulates so many more providers that speak an adapter's API, and names them."""

RESERVE = 50
"""More than one story takes: with fewer left, the pools are renewed before the next one begins."""


@dataclass
class _Shelf:
    names: tuple[str, ...]
    lent: int = 0

    @property
    def left(self) -> int:
        return len(self.names) - self.lent


class ProviderPool:
    """The names of one lane, by their shape."""

    def __init__(self, enlist: Enlist, counts: Mapping[Shape, int]) -> None:
        """`counts` says how many of each shape there are at a time."""
        self._enlist = enlist
        self._counts = dict(counts)
        self._read = False
        self._shelves: dict[Shape, _Shelf] = {}
        self.refill()

    def refill(self) -> None:
        """Have as many others instead, all of them new; a gateway must be told before they are lent."""
        self._shelves = {shape: _Shelf(tuple(self._enlist(n, shape.adapter))) for shape, n in self._counts.items() if n}
        self._read = False

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, lent or not."""
        return tuple(name for name, _ in self.declared())

    def declared(self) -> Iterator[tuple[str, Shape]]:
        """Every name with its shape."""
        return ((name, shape) for shape, shelf in self._shelves.items() for name in shelf.names)

    def shape_of(self, name: str) -> Shape:
        """The shape of a name; a plain one where it is none of this pool's."""
        return next((shape for shape, shelf in self._shelves.items() if name in shelf.names), PLAIN)

    def take(self, count: int, shape: Shape = PLAIN) -> tuple[str, ...]:
        """Lend names that nobody had; a cache that once knew one of them would spoil the story that gets it again."""
        shelf = self._shelves.get(shape, _Shelf(()))
        taken = shelf.names[shelf.lent : shelf.lent + count]
        if len(taken) < count:
            raise unable(
                "providers-exhausted",
                f"{count} fresh providers are asked for, and {len(taken)} of the lane's {len(shelf.names)} are left "
                f"of the shape {shape}",
                tried="each provider is read by one story alone, and the pool is renewed between stories only",
                hint="raise the chapter's Needs.providers or Needs.shapes",
            )
        shelf.lent += count
        return taken

    def all_were_read(self) -> None:
        """Take note that a story read every provider of the gateway, those too that nobody was lent."""
        self._read = True

    @property
    def runs_low(self) -> bool:
        """Whether the next story might ask for more than is left of some shape."""
        return self._read or any(s.left < min(RESERVE, len(s.names) // 2) for s in self._shelves.values())
