"""What a broker of the local stack is told, embedded or in a container.

Invariant: one node is enough for everything (each replication factor is 1), no topic appears by
itself, and groups form without delay. Nobody is let in without a password, on any listener, nor does anything that no
rule allows, but for the administrator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from deploy.local.ports import LOOPBACK
from services.chassis.base.access import MECHANISM

NODE = 1
ADMIN = "admin"
"""The user who may do everything, and makes the others."""

_OWN = "BROKER"
_LOGIN = "org.apache.kafka.common.security"

SETTINGS: Mapping[str, str | int] = {
    "process.roles": "broker,controller",
    "node.id": NODE,
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": _OWN,
    "sasl.mechanism.inter.broker.protocol": MECHANISM,
    # A controller looks users up in what it has yet to read.
    "sasl.mechanism.controller.protocol": "PLAIN",
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "false",
    "super.users": f"User:{ADMIN}",
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


class Keys(NamedTuple):
    """What a server shows over TLS, and the certificate of the authority that vouches for it."""

    store: Path
    password: str
    authority: Path


def listeners(
    port: int, controller_port: int, doors: Mapping[str, Door], password: str, keys: Keys | None = None
) -> dict[str, str]:
    """The broker's addresses, and how those who come to them sign in; `password` is the administrator's."""
    own = {_OWN: Door(port, port), **{name.upper(): door for name, door in doors.items()}}
    controller = f"{LOOPBACK}:{controller_port}"
    heard = [f"{name}://{LOOPBACK}:{door.port}" for name, door in own.items()]
    told = [f"{name}://{LOOPBACK}:{door.advertised}" for name, door in own.items()]
    protocol = "SASL_SSL" if keys else "SASL_PLAINTEXT"
    return {
        "listeners": ",".join([*heard, f"CONTROLLER://{controller}"]),
        "advertised.listeners": ",".join(told),
        "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name in [*own, "CONTROLLER"]),
        "controller.quorum.voters": f"{NODE}@{controller}",
        **_logins(own, password),
        **(_shown(keys) if keys else {}),
    }


def _logins(names: Iterable[str], password: str) -> dict[str, str]:
    """Each listener has its own mechanism: one list for all would keep the controller from starting."""
    me = f'required username="{ADMIN}" password="{password}"'
    found = {
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": (
            f'{_LOGIN}.plain.PlainLoginModule {me} user_{ADMIN}="{password}";'
        ),
    }
    for name in names:
        listener = f"listener.name.{name.lower()}"
        found[f"{listener}.sasl.enabled.mechanisms"] = MECHANISM
        found[f"{listener}.{MECHANISM.lower()}.sasl.jaas.config"] = f"{_LOGIN}.scram.ScramLoginModule {me};"
    return found


def _shown(keys: Keys) -> dict[str, str]:
    return {
        "ssl.keystore.type": "PKCS12",
        "ssl.keystore.location": str(keys.store),
        "ssl.keystore.password": keys.password,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(keys.authority),
    }


def as_properties(settings: Mapping[str, object]) -> str:
    return "".join(f"{name}={value}\n" for name, value in settings.items())
