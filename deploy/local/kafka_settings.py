"""What a broker of the local stack is told, embedded or in a container.

Invariant: one node is enough for everything (each replication factor is 1), no topic appears by
itself, and groups form without delay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from deploy.local.ports import LOOPBACK

NODE = 1

SETTINGS: Mapping[str, str | int] = {
    "process.roles": "broker,controller",
    "node.id": NODE,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "default.replication.factor": 1,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 4,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 1000,
    # A broker back from a kill may register only when the session of its former self is over.
    "broker.session.timeout.ms": 3000,
    "broker.heartbeat.interval.ms": 500,
    # A quarter of the default is plenty here and spares 100 MB of heap.
    "log.cleaner.dedupe.buffer.size": 33_554_432,
}


class Door(NamedTuple):
    """A listener of its own for some clients: where the broker listens, and where they are told to find it.

    Clients follow the advertised address, so whatever stands between is passed by all that they send.
    """

    port: int
    advertised: int


def listeners(port: int, controller_port: int, doors: Mapping[str, Door]) -> dict[str, str]:
    """The broker's addresses, without a password on any."""
    own = {"PLAINTEXT": Door(port, port), **{name.upper(): door for name, door in doors.items()}}
    controller = f"{LOOPBACK}:{controller_port}"
    heard = [f"{name}://{LOOPBACK}:{door.port}" for name, door in own.items()]
    told = [f"{name}://{LOOPBACK}:{door.advertised}" for name, door in own.items()]
    return {
        "listeners": ",".join([*heard, f"CONTROLLER://{controller}"]),
        "advertised.listeners": ",".join(told),
        "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in [*own, "CONTROLLER"]),
        "controller.quorum.voters": f"{NODE}@{controller}",
    }


def as_properties(settings: Mapping[str, object]) -> str:
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def as_environment(settings: Mapping[str, object]) -> dict[str, str]:
    """The names that the image turns back into properties."""
    return {f"KAFKA_{name.replace('.', '_').upper()}": str(value) for name, value in settings.items()}
