"""A judge that starts a container, tells of it, and then waits to be killed."""

import json
import sys
from pathlib import Path

from gatespec.stack.nursery import Nursery
from gatespec.stack.redis import RedisServer
from gatespec.stack.runtimes import ServersToStart

with Nursery("verify", Path(sys.argv[1])) as nursery:
    server = RedisServer(nursery, ServersToStart("containers").redis)
    server.start()
    server.ready()
    sys.stdout.write(json.dumps({"run": nursery.id, "port": server.port}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
