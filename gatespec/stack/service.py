"""What every service can do, whichever runtime it runs in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from gatespec import verdict


class Service(Protocol):
    """A server that the judge owns, starts and breaks. After `kill` or `stop`, `start` brings it back where it was."""

    name: str

    def start(self) -> None:
        """Begin; return without waiting."""

    def ready(self) -> None:
        """Wait until it serves; raise `unable` with the end of its log where it dies or takes too long."""

    @property
    def address(self) -> str:
        """Host and port; of several, comma-separated."""

    def pause(self) -> None:
        """Stop it where it stands (SIGSTOP): connections stay open and nothing answers."""

    def resume(self) -> None:
        """Let it go on after a pause."""

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL)."""

    def stop(self) -> None:
        """End it in good order, within a bound; then by SIGKILL."""

    @property
    def logs(self) -> tuple[Path, ...]:
        """The files that it writes to."""

    def described(self) -> verdict.Service:
        """Which server of which version runs, and why this one."""
