"""Tables with rows in them are brought forward, and nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import count
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.gateway_edge.edge_wire import ROOT, run

if TYPE_CHECKING:
    from gatespec.stack.postgres import PostgresServer

_NUMBERS = count(1)
UP_TO = """
import os
from reference_gateway.edge import site
site.configure(os.environ["GATEWAY_DATABASE_URL"])
from django.core.management import call_command
call_command("migrate", "store", "{name}", verbosity=0, interactive=False)
"""


@pytest.fixture
def database(postgres_server: PostgresServer) -> str:
    return postgres_server.create_database(f"forward_{next(_NUMBERS)}")


def migrate_to(name: str, database: str) -> None:
    environment = {"PATH": os.environ["PATH"], "GATEWAY_DATABASE_URL": database}
    code = UP_TO.format(name=name)
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, timeout=60)


def test_users_and_keys_come_through_with_the_best_plan_that_they_had(database: str) -> None:
    migrate_to("0001", database)
    with psycopg.connect(database) as connection:
        connection.execute(
            "INSERT INTO store_user (id, plan, created_at) VALUES ('ann', 'free', now()), ('bob', 'pro', now())"
        )
        connection.execute(
            "INSERT INTO store_apikey (id, user_id, plan, hash, created_at, revoked_at) VALUES "
            "('1', 'ann', 'pro', '\\x01', now(), NULL), ('2', 'ann', 'enterprise', '\\x02', now(), now()), "
            "('3', 'ann', 'free', '\\x03', now(), NULL)"
        )
    done = run("migrate", environment={"GATEWAY_DATABASE_URL": database})
    assert (done.returncode, done.stderr) == (0, "")
    with psycopg.connect(database) as connection:
        users = connection.execute("SELECT id, plan, revoked_at FROM store_user ORDER BY id").fetchall()
        keys = connection.execute("SELECT id, user_id, name, hash FROM store_apikey ORDER BY id").fetchall()
    assert users == [("ann", "pro", None), ("bob", "pro", None)]
    assert keys == [("1", "ann", "", b"\x01"), ("2", "ann", "", b"\x02"), ("3", "ann", "", b"\x03")]


def test_the_models_are_what_the_migrations_make(database: str) -> None:
    code = UP_TO.format(name="0001").replace(
        'call_command("migrate", "store", "0001", verbosity=0, interactive=False)',
        'call_command("makemigrations", "store", check=True, dry_run=True, interactive=False)',
    )
    environment = {"PATH": os.environ["PATH"], "GATEWAY_DATABASE_URL": database}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
