"""Whether the address is ours to listen on."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reference_gateway.edge.settings import Address


class CannotListen(Exception):  # noqa: N818 - it is the sentence on stderr
    """Somebody else listens there, or the address is not this machine's."""


def check_free(listen: Address) -> None:
    """Raise `CannotListen` if nobody could listen there now.

    granian would share the port with whoever listens there already, and each would get some of the requests.
    """
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(listen)
        except OSError as error:
            raise CannotListen(f"cannot listen on {listen.host}:{listen.port}: {error.strerror}") from None
