"""A gateway that is ready, and looks for Redis once a second over a connection that it keeps."""

import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import redis

EVERY_S = 1.0


class Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def look() -> None:
    client = redis.Redis.from_url(os.environ["GATEWAY_REDIS_URL"], retry=None)
    pause = threading.Event()
    while not pause.wait(EVERY_S):
        try:
            client.ping()
        except redis.RedisError:
            continue


threading.Thread(target=look, daemon=True).start()
host, port = os.environ["MY_LISTEN"].split(":")
ThreadingHTTPServer((host, int(port)), Ready).serve_forever()
