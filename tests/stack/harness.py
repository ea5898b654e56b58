"""A judge that starts servers and children of every kind, tells of them, and then waits to be killed."""

import json
import sys
from functools import partial
from pathlib import Path

from gatespec.clock import until
from gatespec.stack.environment import base_environment
from gatespec.stack.finder import chosen, find_postgres, find_redis
from gatespec.stack.nursery import Nursery
from gatespec.stack.postgres import PostgresServer
from gatespec.stack.process import Command
from gatespec.stack.redis import RedisServer

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"
RUNAWAY = "import os, signal; os.fork() and os._exit(0); os.setsid(); print(os.getpid(), flush=True); signal.pause()"
"""Leaves its parent and its session, as a daemon does: only its mark tells whose it is."""


def wrote(log: Path) -> bool:
    return log.stat().st_size > 0


with Nursery("verify", Path(sys.argv[1])) as nursery:
    servers = (RedisServer(nursery, chosen(find_redis())), PostgresServer(nursery, chosen(find_postgres())))
    for server in servers:
        server.start()
    for server in servers:
        server.ready()
    for name, script in (("stubborn", STUBBORN), ("runaway", RUNAWAY)):
        child = nursery.launch(Command(name, (sys.executable, "-c", script), nursery.folder, base_environment()))
        until(partial(wrote, child.log), at_most_ms=20_000)
    servers[0].pause()
    about = {"reaper": nursery.reaper_pid, "ports": [s.port for s in servers], "folder": str(nursery.folder)}
    sys.stdout.write(json.dumps({**about, "run": nursery.id}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
