"""The command line: serve, migrate, users create."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from reference_gateway.core.identity import PLANS
from reference_gateway.edge import logs, site
from reference_gateway.edge.accounts import USERS_MAX, AccountsFailed, create_users, migrate
from reference_gateway.edge.listening import CannotListen
from reference_gateway.edge.settings import SettingInvalid, database_url, load

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE_EXIT = 2
FAILED_EXIT = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 1 where the world is to blame, 2 where the caller's words are."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except SettingInvalid as error:
        return _say(str(error), USAGE_EXIT)
    except (AccountsFailed, CannotListen) as error:
        return _say(str(error), FAILED_EXIT)
    return 0


def _say(text: str, exit_code: int) -> int:
    sys.stderr.write(f"reference_gateway: {' '.join(text.split())}\n")
    return exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reference_gateway", description="The reference gateway.")
    commands = parser.add_subparsers(required=True, metavar="command")
    commands.add_parser("serve", help="serve on GATEWAY_LISTEN until SIGTERM").set_defaults(run=_serve)
    commands.add_parser("migrate", help="bring the tables up to date").set_defaults(run=_migrate)
    users = commands.add_parser("users", help="users and their keys").add_subparsers(required=True, metavar="action")
    create = users.add_parser("create", help="make users; prints one JSON object a line, with the key, this once")
    create.add_argument("--plan", choices=PLANS, default="free")
    create.add_argument("--count", type=_count, default=1)
    create.set_defaults(run=_create_users)
    return parser


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= USERS_MAX:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to {USERS_MAX}")
    return int(text)


def _serve(_: argparse.Namespace) -> None:
    settings = load(os.environ)
    site.configure(settings.database_url, settings.body_max_bytes)
    from reference_gateway.edge.serving import serve  # noqa: PLC0415 - Ninja reads Django's settings when imported

    writer = logs.configure()
    try:
        serve(settings, writer)
    finally:
        writer.close()


def _migrate(_: argparse.Namespace) -> None:
    site.configure(database_url(os.environ))
    migrate()


def _create_users(arguments: argparse.Namespace) -> None:
    site.configure(database_url(os.environ))
    for text in create_users(arguments.plan, arguments.count):
        sys.stdout.write(text + "\n")
