"""The lives of a lane's instances: paused where they stand, killed, and running again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec.errors import unable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatespec.read_ports import Life
    from gatespec.stack.gateway import GatewayInstance


class Lives:
    """How each instance is, and how to change it."""

    def __init__(self, instances: Sequence[GatewayInstance]) -> None:
        self._instances = instances
        self._lives: list[Life] = ["running"] * len(instances)

    @property
    def known(self) -> bool:
        """Whether there are processes that we may change."""
        return bool(self._instances)

    @property
    def not_running(self) -> list[int]:
        """Who must be brought back."""
        return [place for place, life in enumerate(self._lives) if life != "running"]

    def become(self, place: int, life: Life) -> bool:
        """Return when it is so (running: ready), saying whether it was not so before."""
        before, self._lives[place] = self._lives[place], life
        if before == life:
            return False
        instance = self._instances[place]
        if before == "killed":
            _restart(instance)
        if life == "paused":
            instance.pause()
        elif life == "killed":
            instance.kill()
        elif before == "paused":
            instance.resume()
            instance.ready()
        return True


def _restart(instance: GatewayInstance) -> None:
    """Bring it back where it was: whoever knows its address must find it there."""
    before = instance.url
    instance.start()
    instance.ready()
    if instance.url != before:
        message = f"{instance.name} could not come back at {before}: somebody took its port meanwhile"
        raise unable("port-lost", message, hint="run it again")
