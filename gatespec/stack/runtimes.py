"""Where the servers of a stack run: as child processes, in containers, or somewhere already."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal, get_args

from gatespec.errors import usage
from gatespec.stack import images
from gatespec.stack.finder import Missing, Server, chosen, find_postgres, find_redis, find_vault

if TYPE_CHECKING:
    from collections.abc import Callable

Runtime = Literal["native", "containers", "external"]
RUNTIMES: tuple[Runtime, ...] = get_args(Runtime)
WHERE = f"Where its servers run: {', '.join(RUNTIMES)}."
"""What the option says of itself."""


def runtime_named(asked: str) -> Runtime:
    """The runtime of this name; a usage error where there is none."""
    for runtime in RUNTIMES:
        if runtime == asked:
            return runtime
    raise usage("runtime-unknown", f"there is no runtime {asked!r:.40}", hint=f"--runtime {' or '.join(RUNTIMES)}")


class ServersToStart:
    """Which server of each role a runtime would start. What an external stack does not name is started natively."""

    def __init__(self, runtime: Runtime) -> None:
        self._contained = runtime == "containers"

    def look(self) -> list[Server | Missing]:
        """Each, or what is missing of it."""
        return [self._find(*each) for each in _ROLES]

    @cached_property
    def redis(self) -> Server:
        """Redis, or a server with its API."""
        return chosen(self._find(*_ROLES[0]))

    @cached_property
    def postgres(self) -> Server:
        """PostgreSQL."""
        return chosen(self._find(*_ROLES[1]))

    @cached_property
    def vault(self) -> Server:
        """Vault, or a server with its API."""
        return chosen(self._find(*_ROLES[2]))

    def _find(self, natively: Callable[[], Server | Missing], image: images.Image) -> Server | Missing:
        return images.find_in_image(image) if self._contained else natively()


_ROLES: tuple[tuple[Callable[[], Server | Missing], images.Image], ...] = (
    (find_redis, images.REDIS),
    (find_postgres, images.POSTGRES),
    (find_vault, images.VAULT),
)
