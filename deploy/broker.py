"""What provisioning makes of Kafka: who signs in, with which password, and what he may do.

Invariant: a password is in the file before it is in Kafka, so none is lost when this is cut short, and it goes on when
it is run again.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from deploy.broker_admin import BrokerAdmin, BrokerError, Changes
from deploy.broker_clients import keep_passwords, write_clients
from deploy.broker_rules import quotas_of, rules_of, users_of
from services.chassis.base.access import KafkaAccess
from services.chassis.base.parties import Party


async def secure(
    access: KafkaAccess,
    directory: Path,
    parties: Sequence[Party],
    quotas: Mapping[str, Mapping[str, float]],
    renewed: Collection[str] = (),
    parties_at: str | None = None,
) -> Changes:
    """Users, rights and quotas in Kafka, and files with which to sign in.

    A password that only Kafka has stays; those of the users to be `renewed` are replaced.
    """
    users, broker = users_of(parties), BrokerAdmin(access)
    try:
        rules, limits = rules_of(parties), quotas_of(parties, quotas)
    except ValueError as failure:
        raise BrokerError(str(failure)) from failure
    if unknown := set(renewed) - set(users):
        raise BrokerError(f"{sorted(unknown)[0]} is none of Kafka's users: {', '.join(users)}")
    passwords = keep_passwords(directory, users, await broker.users(), renewed)
    changes = await broker.bring_to(users, passwords, rules, limits)
    write_clients(directory, access, passwords, parties_at)
    for stranger in changes.strangers:
        print(f"besides: {stranger}, which is no user of ours", file=sys.stderr)
    return changes
