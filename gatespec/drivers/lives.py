"""The lives of a lane's instances: paused where they stand, killed, and running again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatespec.read_ports import Life
    from gatespec.stack.lane import Lane


class Lives:
    """How each instance is, and how to change it."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._lives: list[Life] = ["running"] * len(lane.instances)

    @property
    def known(self) -> bool:
        """Whether there are processes that we may change."""
        return bool(self._lives)

    @property
    def not_running(self) -> list[int]:
        """Who must be brought back."""
        return [place for place, life in enumerate(self._lives) if life != "running"]

    def hold_all(self, ports: frozenset[int]) -> bool:
        """Whether each instance holds a connection from one of these ports of this machine."""
        return all(not ports.isdisjoint(instance.local_ports) for instance in self._lane.instances)

    def become(self, place: int, life: Life) -> bool:
        """Return when it is so (running: ready), saying whether it was not so before."""
        before, self._lives[place] = self._lives[place], life
        if before == life:
            return False
        instance = self._lane.instances[place]
        if before == "killed":
            self._lane.restart(place)
        if life == "paused":
            instance.pause()
        elif life == "killed":
            instance.kill()
        elif before == "paused":
            instance.resume()
            instance.ready()
        return True
