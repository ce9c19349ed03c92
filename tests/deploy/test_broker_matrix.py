"""Who writes and reads which topic, tried for each user and each topic against a list that was written by hand."""

from __future__ import annotations

import pytest

from deploy.broker_clients import read_passwords
from deploy.local.stack import Stack
from deploy.provision import provision
from services.chassis.base.access import KafkaAccess
from tests.support.kafka_rights import reads, writes

pytestmark = pytest.mark.servers

RAILWAYS = ["pr", "rai", "trk", "ktz", "rzd"]
TERMINALS = ["lahore-dry-port", "zahedan-yard", "sarakhs-yard", "astrakhan-terminal"]
FORWARDERS = ["indus-forwarding", "volga-logistics"]
SHIPPERS = ["ravi-textiles", "sialkot-leather", "lahore-medical", "caspian-trading"]
# The law of Kazakhstan and Russia is one: what is of both is on the topic of each.
CUSTOMS = {"fbr": "pk", "irica": "ir", "tmcustoms": "tm", "kgd": "kz", "fcs": "ru"}

MILESTONES = {f"milestones-{name}" for name in RAILWAYS + TERMINALS + FORWARDERS}
DECLARATIONS = {f"declarations-{name}" for name in FORWARDERS}
DECISIONS = {f"customs-decisions-{name}" for name in CUSTOMS}
RECEIPTS = {f"receipts-{name}" for name in [*RAILWAYS, *TERMINALS, *FORWARDERS, *CUSTOMS]}
CASES = {f"customs-cases-{country}" for country in CUSTOMS.values()}
FEEDS = {
    f"notifications-{name}"
    for name in [*RAILWAYS, *TERMINALS, *FORWARDERS, *SHIPPERS, *CUSTOMS, "corridor-control", "operations"]
}
DEAD = {"tracking-dlq", "customs-dlq", "notifications-dlq"}
OURS = {"tracking-events", "customs-events"}
ALL = MILESTONES | DECLARATIONS | DECISIONS | RECEIPTS | CASES | FEEDS | DEAD | OURS

# User: what it writes, what it reads.
EXPECTED: dict[str, tuple[set[str], set[str]]] = {
    "service.tracking": (
        MILESTONES | RECEIPTS | {"tracking-events", "tracking-dlq"},
        MILESTONES | {"tracking-events"},
    ),
    "service.customs": (
        DECLARATIONS | DECISIONS | RECEIPTS | CASES | {"customs-events", "customs-dlq"},
        DECLARATIONS | DECISIONS | CASES | OURS,
    ),
    # Its dead letters begin as its feeds do.
    "service.notifications": (RECEIPTS | FEEDS | {"notifications-dlq"}, FEEDS | OURS | {"notifications-dlq"}),
    **{
        f"party.{name}": ({f"milestones-{name}"}, {f"receipts-{name}", f"notifications-{name}"})
        for name in RAILWAYS + TERMINALS
    },
    **{
        f"party.{name}": (
            {f"milestones-{name}", f"declarations-{name}"},
            {f"receipts-{name}", f"notifications-{name}"},
        )
        for name in FORWARDERS
    },
    **{f"party.{name}": (set(), {f"notifications-{name}"}) for name in SHIPPERS},
    **{
        f"party.{name}": (
            {f"customs-decisions-{name}"},
            {f"receipts-{name}", f"notifications-{name}", f"customs-cases-{country}"},
        )
        for name, country in CUSTOMS.items()
    },
    "party.corridor-control": (set(), {"notifications-corridor-control"}),
    "party.operations": (set(), DEAD | {"notifications-operations"}),
}


@pytest.fixture(scope="module")
async def users(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, KafkaAccess]:
    """How each user signs in; every topic has a record."""
    directory = tmp_path_factory.mktemp("provisioned")
    everybody = list(EXPECTED)
    await provision(stack.access, stack.database_urls, directory / "tokens.json", new_passwords=everybody)
    assert await writes(stack.access, ALL) == ALL
    return {user: stack.access.signed_in_as(user, word) for user, word in read_passwords(directory).items()}


def test_the_list_has_every_user(users: dict[str, KafkaAccess]) -> None:
    assert set(users) == set(EXPECTED)


async def test_each_user_writes_and_reads_what_it_may_and_nothing_else(users: dict[str, KafkaAccess]) -> None:
    found = {user: (await writes(access, ALL), await reads(access, ALL)) for user, access in users.items()}

    assert found == EXPECTED
