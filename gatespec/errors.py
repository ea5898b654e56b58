"""The one form in which the judge says that it cannot go on."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum


class Exit(IntEnum):
    """What the `gatespec` command's exit code says; documented in docs/guides/exit-codes.md."""

    HOLDS = 0
    BROKEN = 1
    USAGE = 2
    COULD_NOT_JUDGE = 3


@dataclass
class GatespecError(Exception):
    """What broke, what was tried, what to do next.

    `code` is kebab-case and stable; `tried` and `hint` are sentences for a person at three in the morning.
    `exit_code` is 2 where the caller's words are wrong and 3 where the world is.
    """

    code: str
    message: str
    tried: str = ""
    hint: str = ""
    exit_code: Exit = field(default=Exit.COULD_NOT_JUDGE)

    def __str__(self) -> str:
        lines = [f"error[{self.code}]: {self.message}"]
        if self.tried:
            lines.append(f"  tried  {self.tried}")
        if self.hint:
            lines.append(f"  hint   {self.hint}")
        return "\n".join(lines)


def usage(code: str, message: str, *, tried: str = "", hint: str = "") -> GatespecError:
    """Build the error of somebody who asked for something that cannot be (exit code 2)."""
    return GatespecError(code, message, tried, hint, Exit.USAGE)


def unable(code: str, message: str, *, tried: str = "", hint: str = "") -> GatespecError:
    """Build the error of a judge who cannot judge (exit code 3)."""
    return GatespecError(code, message, tried, hint, Exit.COULD_NOT_JUDGE)
