"""Makes one cluster of Redis nodes that stand alone; where they are one already it does nothing.

    REDIS_PASSWORD=... python join.py redis-0.redis redis-1.redis redis-2.redis ...

Each step looks first and does only what is missing, so that a run which was cut short is ended by the next. The first
half of the names get the slots, if nobody ever had them; whoever is left without slots becomes a replica of the primary
that has the fewest. A node that came back at another address is introduced again; one that came back without its volume
is a new node, and its former self is forgotten. It needs Python and redis-py, and knows nothing of Kubernetes.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import redis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SLOTS = 16_384
PORT = 6379
ANSWER_S = 5
"""How long one node may take to answer one question."""
AGREE_S = float(os.environ.get("JOIN_AGREE_S", "60"))
"""How long nodes may take to start, to gossip, or to elect a replica: some seconds on a quiet machine."""
LOOK_S = 0.2


class CannotJoin(Exception):  # noqa: N818 - it is the sentence on stderr
    """What did not come about, and what to look at."""


@dataclass(frozen=True)
class Seen:
    """A node as another one, or itself, sees it: one line of CLUSTER NODES."""

    id: str
    address: str
    flags: frozenset[str]
    follows: str
    """The id of its primary; `-` for a primary."""
    linked: bool
    slots: tuple[tuple[int, int], ...]

    @property
    def known(self) -> bool:
        """Whether its id is its own, and not one that stands in until it has said it."""
        return "handshake" not in self.flags and "noaddr" not in self.flags


class Node:
    """One server, and what it says of all."""

    def __init__(self, name: str, password: str | None) -> None:
        host, _, port = name.partition(":")
        self.name, self.host, self.port = name, host, int(port or PORT)
        self._client = redis.Redis(
            host,
            self.port,
            password=password,
            decode_responses=True,
            socket_timeout=ANSWER_S,
            socket_connect_timeout=ANSWER_S,
        )

    def ask(self, *words: str | int) -> str:
        """Send one CLUSTER command."""
        return str(self._client.execute_command("CLUSTER", *words))  # type: ignore[no-untyped-call] # redis-py's own

    def view(self) -> dict[str, Seen]:
        """All that it knows, by id."""
        return {seen.id: seen for seen in map(_seen, self.ask("NODES").splitlines())}

    def itself(self) -> Seen:
        """Its own line."""
        return next(seen for seen in self.view().values() if "myself" in seen.flags)

    def in_step(self) -> bool:
        """Whether it has its primary's keys, if it has one: only then could it take over."""
        told = self._client.info("replication")
        return bool(told.get("master_link_status", "up") == "up")

    def ip(self) -> str:
        """Today's address."""
        return str(socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0][4][0])


def _seen(line: str) -> Seen:
    name, address, flags, follows, _, _, _, link, *slots = line.split()
    ranges = [slot.partition("-") for slot in slots if not slot.startswith("[")]
    taken = tuple((int(first), int(last or first)) for first, _, last in ranges)
    return Seen(name, address.partition("@")[0], frozenset(flags.split(",")), follows, link == "connected", taken)


def join(nodes: list[Node]) -> None:
    """Make one cluster of them; raises `CannotJoin`."""
    _until("every node answers", lambda: all(node.itself().id for node in nodes))
    _introduce(nodes)
    _forget_former_selves(nodes)
    _share_slots(nodes)
    _give_replicas(nodes)
    _until(
        "every node says that the cluster is well, and every replica has its primary's keys",
        lambda: all(map(_is_well, nodes)),
    )


def _introduce(nodes: list[Node]) -> None:
    """Let each that does not see another at today's address meet it; a second meeting only brings the address."""
    for one, other in _strangers(nodes):
        one.ask("MEET", other.ip(), other.port)
    _until("all nodes see each other", lambda: not list(_strangers(nodes)))


def _strangers(nodes: list[Node]) -> Iterator[tuple[Node, Node]]:
    selves = {node.name: node.itself().id for node in nodes}
    for one in nodes:
        view = one.view()
        for other in nodes:
            seen = view.get(selves[other.name])
            if other is not one and (seen is None or seen.address != f"{other.ip()}:{other.port}" or not seen.linked):
                yield one, other


def _forget_former_selves(nodes: list[Node]) -> None:
    """Forget ids that no node has any more: of nodes that lost their volumes. Their slots must be somebody's by now."""
    selves = {node.itself().id for node in nodes}

    def gone() -> list[Seen]:
        return [seen for node in nodes for seen in node.view().values() if seen.known and seen.id not in selves]

    _until(
        "the slots of nodes that are gone are taken over by their replicas (where none is left, their keys are lost, "
        "and `redis-cli --cluster fix` gives the slots away)",
        lambda: not any(seen.slots for seen in gone()),
    )
    for node in nodes:
        for seen in node.view().values():
            if seen.known and seen.id not in selves:
                node.ask("FORGET", seen.id)


def _share_slots(nodes: list[Node]) -> None:
    """Give each of the first half its share, if nobody in anybody's eyes has any of it."""
    primaries = nodes[: len(nodes) // 2]
    taken = [span for node in nodes for seen in node.view().values() for span in seen.slots]
    for number, node in enumerate(primaries):
        first, last = SLOTS * number // len(primaries), SLOTS * (number + 1) // len(primaries) - 1
        if not any(low <= last and first <= high for low, high in taken):
            node.ask("ADDSLOTSRANGE", first, last)
    _until("all slots are somebody's in everybody's eyes", lambda: all(_slots_known(node) == SLOTS for node in nodes))


def _slots_known(node: Node) -> int:
    return sum(last - first + 1 for seen in node.view().values() for first, last in seen.slots)


def _give_replicas(nodes: list[Node]) -> None:
    """Let whoever is a primary of nothing follow the primary that the fewest follow."""
    for node in nodes:
        me = node.itself()
        if "master" in me.flags and not me.slots:
            node.ask("REPLICATE", _loneliest(nodes))
            _until(f"{node.name} is a replica in everybody's eyes", partial(_all_see_replica, nodes, me.id))


def _loneliest(nodes: list[Node]) -> str:
    """The id of the primary that the fewest follow."""
    selves = [node.itself() for node in nodes]
    followed = Counter(seen.follows for seen in selves)
    return min((seen.id for seen in selves if seen.slots), key=lambda name: followed[name])


def _all_see_replica(nodes: list[Node], name: str) -> bool:
    return all("slave" in node.view()[name].flags for node in nodes)


def _is_well(node: Node) -> bool:
    return "cluster_state:ok" in node.ask("INFO") and node.in_step()


def _until(what: str, reached: Callable[[], bool]) -> None:
    """Wait until it is so, at most `AGREE_S`; a node that is away meanwhile is asked again."""
    deadline = time.monotonic() + AGREE_S
    why = "it is not so"
    while time.monotonic() < deadline:
        try:
            if reached():
                return
        except (redis.RedisError, OSError, KeyError) as error:
            why = f"{type(error).__name__}: {error}"
        time.sleep(LOOK_S)
    raise CannotJoin(f"waited {AGREE_S:g} s until {what}: {why}")


def main(names: list[str]) -> int:
    """Join them; the exit code is 1 where that could not be."""
    nodes = [Node(name, os.environ.get("REDIS_PASSWORD")) for name in names]
    try:
        join(nodes)
    except (CannotJoin, redis.RedisError, OSError) as error:
        sys.stderr.write(f"join: {error}\n")
        return 1
    sys.stdout.write(f"join: {len(names)} nodes are one cluster\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
