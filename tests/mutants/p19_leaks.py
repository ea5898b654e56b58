"""Leaks of a gateway of one page (`tests/secrecy/leaky_server.py`): what each does wrong, and where it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from gatespec.engine.tally import Step

    Story = tuple[Step, ...]

READS: Story = (("somebody_reads", {"which": 1, "instance": 0}),)
ECHO: Story = (("a_provider_echoes", {"which": 1, "form": "json", "status": 401, "instance": 0}),)
MISPLACED: Story = (("a_secret_is_misplaced", {"place": "body-type", "instance": 0, "known": True}),)
REPEATED: Story = (("a_key_is_issued_and_its_request_repeated", {"instance": 0}),)


class Leak:
    """What every leak says of itself."""

    kills = "P19"
    mistake: ClassVar[str]
    """As the server is told."""
    story: ClassVar[Story] = READS
    sink: ClassVar[str] = "logs"
    encoding: ClassVar[str] = "raw"


class InALogLine(Leak):
    """The headers of a call are logged, the credential among them."""

    mistake = "log-line"


class InAnException(Leak):
    """A refusal is raised with the headers that were sent, and its traceback goes to stderr."""

    mistake, story = "exception", ECHO


class InAUrl(Leak):
    """The credential is part of a URL, and the URL is logged."""

    mistake = "url"


class InAMetricLabel(Leak):
    """Calls are counted by credential."""

    mistake, sink = "metric-label", "metrics"


class Base64InRedis(Leak):
    """What is cached says what it was read with, in base64."""

    mistake, sink, encoding = "base64-in-redis", "redis", "base64"


class InAResponseHeader(Leak):
    """A header for debugging shows the credential to whoever reads."""

    mistake, sink = "response-header", "answers"


class InA422Echo(Leak):
    """A body that is refused is quoted in the refusal."""

    mistake, story, sink = "422-echo", MISPLACED, "answers"


class InAnIdempotentRepetition(Leak):
    """A repeated POST is answered with the key that the first one issued."""

    mistake, story, sink = "idempotent-repetition", REPEATED, "answers"


class InAWarning(Leak):
    """What a provider says of its refusal is passed on, credential and all."""

    mistake, story, sink = "error-echo", ECHO, "answers"


MUTANTS: tuple[type[Leak], ...] = (
    InALogLine,
    InAnException,
    InAUrl,
    InAMetricLabel,
    Base64InRedis,
    InAResponseHeader,
    InA422Echo,
    InAnIdempotentRepetition,
    InAWarning,
)
