"""The smallest gateway that the judge can start: it says that it is ready, and what it was told."""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class StandIn(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"argv": sys.argv, "env": dict(os.environ)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


if os.environ.get("STAND_IN") == "dies":
    sys.exit("stand-in: there is no floor under me")
host, port = os.environ["MY_LISTEN"].split(":")
ThreadingHTTPServer((host, int(port)), StandIn).serve_forever()
