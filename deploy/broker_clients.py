"""The passwords of Kafka's users, and the files with which each of them signs in.

Invariant: all of them are their owner's alone; whoever is no user any more has neither. For a party there is a file as
kcat and other clients on librdkafka take it (`.conf`) and one as Java's take it (`.properties`), for a service one with
its settings (`.env`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from contracts.topics import SERVICES
from deploy.broker_rules import party_name, party_user, service_user
from deploy.private import write_private
from services.chassis.base.access import MECHANISM, KafkaAccess
from services.chassis.base.parties import new_token

PASSWORDS: Final = "kafka-users.json"
CLIENTS: Final = "clients"
_LOGIN: Final = "org.apache.kafka.common.security.scram.ScramLoginModule"


def read_passwords(directory: Path) -> dict[str, str]:
    """The passwords by user, as far as this directory has them."""
    file = directory / PASSWORDS
    known: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return known


def keep_passwords(
    directory: Path, users: Collection[str], held: Collection[str] = (), renewed: Collection[str] = ()
) -> dict[str, str]:
    """The passwords of these users; new ones for those that have none anywhere, and those to be `renewed`."""
    known = read_passwords(directory)
    kept = {user: word for user, word in known.items() if user in users and user not in renewed}
    fresh = {user: new_token() for user in users if user not in kept and (user not in held or user in renewed)}
    if (passwords := kept | fresh) != known:
        directory.mkdir(parents=True, exist_ok=True)
        write_private(directory / PASSWORDS, json.dumps(passwords, indent=1, sort_keys=True))
    return passwords


def write_clients(
    directory: Path, access: KafkaAccess, passwords: Mapping[str, str], parties_at: str | None = None
) -> None:
    """Writes the files of these users where they are to be different, and removes all others.

    `parties_at` is where parties find Kafka, if that is elsewhere.
    """
    folder = directory / CLIENTS
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    told = [(user, access.signed_in_as(user, word)) for user, word in passwords.items()]
    wanted = {name: text for user, own in told for name, text in _files(own, user, parties_at or own.bootstrap)}
    for name, text in wanted.items():
        file = folder / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            write_private(file, text)
    for file in folder.iterdir():
        if file.name not in wanted:
            file.unlink()


def service_access(directory: Path, access: KafkaAccess, service: str) -> KafkaAccess:
    """How a service signs in; raises `KeyError` where its password is not in this directory."""
    return _access_of(directory, access, service_user(service))


def party_access(directory: Path, access: KafkaAccess, party: str) -> KafkaAccess:
    """How a party signs in; raises `KeyError` where its password is not in this directory."""
    return _access_of(directory, access, party_user(party))


def service_environments(directory: Path, access: KafkaAccess) -> dict[str, dict[str, str]]:
    """What each service is told of Kafka; raises `KeyError` as above."""
    return {service: service_access(directory, access, service).environment() for service in SERVICES}


def _access_of(directory: Path, access: KafkaAccess, user: str) -> KafkaAccess:
    return access.signed_in_as(user, read_passwords(directory)[user]) if access.secured else access


def _files(own: KafkaAccess, user: str, parties_at: str) -> Iterator[tuple[str, str]]:
    if party := party_name(user):
        yield f"{party}.conf", _lines(own.at(parties_at).config())
        yield f"{party}.properties", _lines(_java(own.at(parties_at)))
    else:
        yield f"{user.partition('.')[2]}.env", _lines(own.environment())


def _java(own: KafkaAccess) -> dict[str, str]:
    trust = {"ssl.truststore.type": "PEM", "ssl.truststore.location": own.ca_file} if own.ca_file else {}
    return {
        "bootstrap.servers": own.bootstrap,
        "security.protocol": own.security.upper(),
        "sasl.mechanism": MECHANISM,
        "sasl.jaas.config": f'{_LOGIN} required username="{own.username}" password="{own.password}";',
        # A consumer of Java is always in a group, and only such a one is this user's.
        "group.id": f"{own.username}.client",
        **trust,
    }


def _lines(values: Mapping[str, object]) -> str:
    return "".join(f"{name}={value}\n" for name, value in values.items())
