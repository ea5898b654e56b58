"""What was done in vain a moment ago, and is not done again yet."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reference_gateway.core.cache.ports import Runtime


class Lately:
    """At most `paths_max` paths, each for `for_ms` after it was noted; the one noted first is forgotten first."""

    def __init__(self, runtime: Runtime, for_ms: int, paths_max: int) -> None:
        self._runtime = runtime
        self._for_ms = for_ms
        self._paths_max = paths_max
        self._until_ms: OrderedDict[str, int] = OrderedDict()

    def note(self, path: str) -> None:
        """It was in vain, just now."""
        self._until_ms[path] = self._runtime.now_ms() + self._for_ms
        self._until_ms.move_to_end(path)
        while len(self._until_ms) > self._paths_max:
            self._until_ms.popitem(last=False)

    def had(self, path: str) -> bool:
        """Whether it was in vain so recently that it need not be tried again."""
        until_ms = self._until_ms.get(path)
        if until_ms is None or self._runtime.now_ms() < until_ms:
            return until_ms is not None
        del self._until_ms[path]
        return False
