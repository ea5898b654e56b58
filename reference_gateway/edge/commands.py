"""The command line: serve, migrate, users, services."""

from __future__ import annotations

import argparse
import os
import re
import sys
from typing import TYPE_CHECKING

from reference_gateway.core.identity import PLANS
from reference_gateway.edge import logs, site
from reference_gateway.edge.admin.changing import AccountsFailed, migrate
from reference_gateway.edge.listening import CannotListen
from reference_gateway.edge.settings import SettingInvalid, database_url, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Actions = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - argparse has no other name for it
    Told = Callable[[argparse.Namespace], Iterable[str]]

USAGE_EXIT = 2
FAILED_EXIT = 1
USERS_MAX = 10_000
"""Of one command; each is a line on stdout."""

_PLAIN = re.compile(r"[A-Za-z0-9._@:+-]{1,64}")


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
    users = commands.add_parser("users", help="users, their plans, passwords and keys")
    _add_users(users.add_subparsers(required=True, metavar="action"))
    services = commands.add_parser("services", help="programs that ask for tokens with a secret")
    _add_services(services.add_subparsers(required=True, metavar="action"))
    return parser


def _add_users(actions: Actions) -> None:
    create = _action(actions, "create", "make users; prints one JSON object a line, with the key, this once", _create)
    create.add_argument("--plan", choices=PLANS, default="free")
    create.add_argument("--count", type=_count, default=1)
    create.add_argument("--password", action="store_true", help="let each sign in; prints name and password, this once")
    _action(actions, "list", "print the newest users", _list_users)
    plan = _action(actions, "plan", "put a user and his API keys on another plan", _change_plan)
    plan.add_argument("--id", required=True)
    plan.add_argument("--plan", choices=PLANS, required=True)
    password = _action(actions, "set-password", "read a password from stdin; ends his sessions", _set_password)
    password.add_argument("--id", required=True)
    password.add_argument("--username", type=_plain, help="what he signs in with; once is enough")
    for name, about, told in (
        ("revoke", "refuse all that proves a user, everywhere within 5 s", _revoke_user),
        ("restore", "let a revoked user in again", _restore_user),
    ):
        _action(actions, name, about, told).add_argument("--id", required=True)


def _add_services(actions: Actions) -> None:
    create = _action(actions, "create", "make a service; prints its secret, this once", _create_service)
    create.add_argument("--id", type=_plain, required=True)
    create.add_argument("--scope", type=_plain, action="append", default=[], help="may be given several times")
    for name, about, told in (
        ("rotate", "give a service another secret; prints it, this once", _rotate_service),
        ("revoke", "refuse a service's secret and tokens, everywhere within 5 s", _revoke_service),
    ):
        _action(actions, name, about, told).add_argument("--id", required=True)


def _action(actions: Actions, name: str, about: str, told: Told) -> argparse.ArgumentParser:
    """Add an action that works on the tables and prints a JSON object a line."""

    def run(arguments: argparse.Namespace) -> None:
        site.configure(database_url(os.environ))
        for text in told(arguments):
            sys.stdout.write(text + "\n")

    action = actions.add_parser(name, help=about)
    action.set_defaults(run=run)
    return action


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= USERS_MAX:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to {USERS_MAX}")
    return int(text)


def _plain(text: str) -> str:
    if not _PLAIN.fullmatch(text):
        raise argparse.ArgumentTypeError("expected 1 to 64 letters, digits and . _ @ : + -")
    return text


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


def _create(arguments: argparse.Namespace) -> Iterable[str]:
    from reference_gateway.edge.admin import users  # noqa: PLC0415 - Django must be configured first

    return users.create_users(arguments.plan, arguments.count, with_password=arguments.password)


def _list_users(_: argparse.Namespace) -> Iterable[str]:
    from reference_gateway.edge.admin import users  # noqa: PLC0415 - Django must be configured first

    return users.list_users()


def _change_plan(arguments: argparse.Namespace) -> Iterable[str]:
    from reference_gateway.edge.admin import users  # noqa: PLC0415 - Django must be configured first

    return [users.change_plan(arguments.id, arguments.plan)]


def _set_password(arguments: argparse.Namespace) -> Iterable[str]:
    from reference_gateway.edge.admin import users  # noqa: PLC0415 - Django must be configured first

    return [users.set_password(arguments.id, arguments.username, sys.stdin.readline().rstrip("\r\n"))]


def _revoke_user(arguments: argparse.Namespace) -> Iterable[str]:
    from reference_gateway.edge.admin import users  # noqa: PLC0415 - Django must be configured first

    return [users.revoke_user(arguments.id)]


def _restore_user(arguments: argparse.Namespace) -> Iterable[str]:
    from reference_gateway.edge.admin import users  # noqa: PLC0415 - Django must be configured first

    return [users.restore_user(arguments.id)]


def _create_service(arguments: argparse.Namespace) -> Iterable[str]:
    from reference_gateway.edge.admin import services  # noqa: PLC0415 - Django must be configured first

    return [services.create_service(arguments.id, arguments.scope)]


def _rotate_service(arguments: argparse.Namespace) -> Iterable[str]:
    from reference_gateway.edge.admin import services  # noqa: PLC0415 - Django must be configured first

    return [services.rotate_service(arguments.id)]


def _revoke_service(arguments: argparse.Namespace) -> Iterable[str]:
    from reference_gateway.edge.admin import services  # noqa: PLC0415 - Django must be configured first

    return [services.revoke_service(arguments.id)]
