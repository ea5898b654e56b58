"""Logs: JSON lines on stdout. What a client sent appears in none of them but by route template."""

from __future__ import annotations

import logging
import sys
from typing import IO, TYPE_CHECKING, Any

import orjson
import structlog

from reference_gateway.edge import clock
from reference_gateway.edge.line_writer import LineWriter

if TYPE_CHECKING:
    from collections.abc import MutableMapping

TRACE_MAX_FRAMES = 20
"""Innermost frames of a traceback that a log line keeps; file, line and function only, for values can be secrets."""


class JsonHandler(logging.Handler):
    """Turns the records of granian, Django, asyncio and the rest into the same lines."""

    def __init__(self, writer: LineWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record; the message only, and of an exception its type and where it was raised."""
        event = {"event": record.getMessage(), "level": record.levelname.lower(), "logger": record.name}
        if record.exc_info and record.exc_info[0] is not None:
            event |= failure(record.exc_info[1])
        self._writer.write(_rendered(None, "", structlog.contextvars.merge_contextvars(None, "", event)))


def failure(error: BaseException | None) -> dict[str, Any]:
    """Say what kind of exception it was and where it came from, never its text: that may quote a secret."""
    frames: list[str] = []
    trace = error.__traceback__ if error else None
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_qualname}")
        trace = trace.tb_next
    return {"error": type(error).__name__, "where": frames[-TRACE_MAX_FRAMES:]}


def line(message: str, level: str, trace_id: str | None, **more: object) -> bytes:
    """Render one line, for those who log more often than a logger's machinery is worth."""
    return orjson.dumps(
        {"timestamp": clock.timestamp(), "level": level, "message": message, "trace_id": trace_id, **more}
    )


def _lost(lines: int) -> bytes:
    return line("log lines dropped", "warning", None, dropped=lines)


def _rendered(_: object, __: str, event: MutableMapping[str, Any]) -> bytes:
    trace_id = event.pop("trace_id", None)
    message, level = _text(event.pop("event")), _text(event.pop("level"))
    fields = {name: value if isinstance(value, int | float | list) else _text(value) for name, value in event.items()}
    return line(message, level, trace_id, **fields)


def _text(value: object) -> str:
    """Escape lone surrogates: a line that cannot be encoded would be an error in the place that reports errors."""
    return str(value).encode("utf-8", "backslashreplace").decode()


def _without_path(record: logging.LogRecord) -> bool:
    """Let Django tell of exceptions, without the path, which is the client's; statuses are in our own lines."""
    record.msg, record.args = "django failed", ()
    return bool(record.exc_info)


def configure(out: IO[bytes] | None = None) -> LineWriter:
    """Send every log of this process to `out` (default: stdout) as JSON lines; returns the writer of access lines."""
    writer = LineWriter(out or sys.stdout.buffer, _lost)
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, _rendered],
        logger_factory=lambda *_: writer,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [JsonHandler(writer)]
    root.setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    logging.getLogger("django.request").addFilter(_without_path)
    return writer
