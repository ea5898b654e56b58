"""Whether the gateway of this container is ready: exit code 0, else 1 with what it said. The standard library alone."""

import os
import sys
import urllib.error
import urllib.request

TIMEOUT_S = 2
port = os.environ.get("GATEWAY_LISTEN", "0.0.0.0:8000").rpartition(":")[2]
try:
    urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=TIMEOUT_S).close()
except (urllib.error.URLError, OSError) as error:
    sys.exit(f"not ready: {error}")
