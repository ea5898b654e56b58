"""The command `gatespec`: its subcommands, and the one form in which all of them fail."""

from __future__ import annotations

import errno
import importlib
import os
import sys
import traceback
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from gatespec.errors import Exit, GatespecError, unable, usage
from gatespec.report.visible import visible

if TYPE_CHECKING:
    from typer import Context

INTERRUPTED = 128 + 2
"""What shells expect of a program that Ctrl-C ended."""
COMMANDS = {
    "list": "list_properties",
    "explain": "explain",
    "doctor": "doctor",
    "up": "up",
    "down": "down",
    "verify": "verify",
    "judge": "judge",
    "contract": "contract",
    "drill": "drill",
}
"""Each subcommand and its function, in the module of `gatespec.cli` that has the subcommand's name."""
_DEBUG = "--debug"


class _Commands(TyperGroup):
    """Imports a subcommand only when it is asked for: `list` must not wait for the drivers of databases."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 - Typer's signature; its types are private
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002 - as above
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"gatespec.cli.{cmd_name}")
        alone = _plain()
        alone.command(cmd_name)(getattr(module, COMMANDS[cmd_name]))
        return get_command(alone)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - as above
        try:
            return super().invoke(ctx)
        except OSError as error:
            # Typer would turn a broken pipe into exit code 1, which says that a property is broken.
            raise _pipe_closed(error) if error.errno == errno.EPIPE else error from error


def _plain(cls: type[TyperGroup] | None = None) -> typer.Typer:
    """No tracebacks by Typer, whose locals could hold a secret, and no boxes: errors have a form of their own here."""
    return typer.Typer(cls=cls, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


app = _plain(_Commands)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"gatespec {version('gatespec')}")  # noqa: T201 - the command's output
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    ctx: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    _debug: Annotated[bool, typer.Option(_DEBUG, help="Show the traceback of an internal error.")] = False,
) -> None:
    """Judge a Provider API Gateway against its specification."""
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())  # noqa: T201 - the command's output
        raise typer.Exit(Exit.USAGE)


def main() -> int:
    """Run the command line that the process was given and return its exit code; nothing is ever raised."""
    for stream in (sys.stdout, sys.stderr):
        # A story may hold what the terminal's encoding cannot: better an escape than no verdict.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    # Wherever it stands: whoever repeats a failed line to see more adds it at the end.
    words = [word for word in sys.argv[1:] if word != _DEBUG]
    try:
        code = int(get_command(app)(words, prog_name="gatespec", standalone_mode=False) or 0)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever it is, it ends here and in one form
        code = _fail(error, debug=_DEBUG in sys.argv[1:])
    if code == INTERRUPTED:
        print("interrupted", file=sys.stderr)  # noqa: T201 - the command's output
    return code


def _fail(error: Exception, *, debug: bool) -> int:
    """Print the error in the one form and return its exit code."""
    if isinstance(error, BrokenPipeError):
        error = _pipe_closed(error)
    if isinstance(error, GatespecError):
        told = error
    elif isinstance(error, typer.TyperException):
        told = _misused(error)
    elif isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("gatespec"):
        told = unable("package-missing", str(error), hint="install all of them: `uv sync`, or `pip install gatespec`")
    else:
        told = _internal(error)
        if debug:
            traceback.print_exception(error)
    print(visible(str(told)), file=sys.stderr)  # noqa: T201 - the command's output
    return int(told.exit_code)


def _misused(error: typer.TyperException) -> GatespecError:
    """Say what Typer did not understand, and whose help to ask."""
    context: Context | None = getattr(error, "ctx", None)
    asked = context.command_path if context else "gatespec"
    return usage("usage", error.format_message(), hint=f"`{asked} --help` shows what it understands")


def _internal(error: Exception) -> GatespecError:
    """Say that the judge itself is at fault, without a word of what its variables held."""
    return unable(
        "internal",
        f"{type(error).__name__}: {error}" if str(error) else type(error).__name__,
        hint=f"this is a fault of gatespec: report it with what {_DEBUG} shows",
    )


def _pipe_closed(error: OSError) -> GatespecError:
    """Give up writing, so that Python's own last flush does not complain a second time."""
    if error.filename is None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return unable("output-closed", "whoever read the output stopped reading, so nothing was judged to its end")
