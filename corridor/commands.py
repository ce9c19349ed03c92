"""The commands: what each is called, what it is for, and where it is.

Invariant: a command is loaded when it is run, and not before, so that none needs what another needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Command:
    """`place` is `module:function`; the function takes the words after the command and returns the exit code."""

    place: str
    summary: str


_RUN: Final = {
    "demo": Command("deploy.demo.command:main", "the pilot-train journey on a stack of its own"),
    "up": Command("deploy.up:main", "Kafka, Postgres and the three services on real time"),
    "stack": Command("deploy.local.command:main", "Kafka and Postgres alone"),
    "service": Command("corridor.services:service", "one copy of a service; all settings are from the environment"),
}
_OPERATE: Final = {
    "provision": Command("deploy.provision:main", "topics, parties, tokens, and Kafka's users with their rights"),
    "tokens": Command("deploy.tokens:main", "the parties' tokens: list, issue, rotate, revoke"),
    "backup": Command("deploy.backup:main", "saves a service's store to a file, and puts it back"),
    "dead-letters": Command("corridor.services:dead_letters", "what a service has put aside: list, replay, discard"),
    "eta": Command("corridor.eta.command:main", "durations from past journeys; how good estimates are"),
    "cluster": Command("deploy.cluster:main", "the Kafka that a service's store belongs to: show, forget"),
    "migrate": Command("deploy.migrate:main", "brings a service's store to the newest schema"),
}
_DEVELOP: Final = {
    "contracts": Command("contracts.tooling.generate:main", "the published documents: generate, check, release"),
    "schema": Command("tests.schema.command:main", "the stores' schemas, as migrations make them: write, release"),
    "jars": Command("deploy.local.resolve_jars:main", "writes the list of Kafka's jars anew"),
    "sbom": Command("deploy.sbom:main", "what a release is made of, and the licences of others"),
    "sizes": Command("tests.house.command:main", "how long modules and functions are; fails over the limits"),
    "cases": Command("tests.house.cases:main", "writes down what may follow on what in a customs case"),
    "path": Command("tests.house.path:main", "the files of a report from Kafka to Kafka; fails over the limit"),
    "page": Command("tests.house.page:main", "types and habits of the page's code; fails on any fault"),
    "bench": Command("tests.bench.command:main", "throughput and latency, each beside what bounds it"),
    "transactions": Command("tests.bench.transactions:main", "what Kafka's transactions would cost the relay"),
    "heads": Command("tests.bench.heads:main", "what the heads of all identities cost as they grow"),
    "faults": Command("tests.faults.command:main", "kills, cuts and restores under load, by a seed"),
    "trials": Command("tests.trials.command:main", "faults that others have met, each played in three orders"),
    "fuzz": Command("tests.fuzz.command:main", "mutated records through everything that reads them"),
}

GROUPS: Final[Mapping[str, Mapping[str, Command]]] = {
    "to run": _RUN,
    "to operate": _OPERATE,
    "to develop, in a checkout": _DEVELOP,
}
COMMANDS: Final[Mapping[str, Command]] = {name: one for group in GROUPS.values() for name, one in group.items()}
