"""Users, rights and quotas of a real broker: made from the parties, removed with them, the same when made again."""

from __future__ import annotations

import asyncio
import stat
import subprocess
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import GroupAuthorizationFailedError, KafkaConnectionError, TopicAuthorizationFailedError
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from deploy.broker import secure
from deploy.broker_admin import Changes
from deploy.broker_clients import CLIENTS, PASSWORDS, party_access, read_passwords, service_access
from deploy.broker_quotas import read_quotas as quotas_there
from deploy.local.kafka import Kafka, answers
from deploy.local.runtime import prepare_runtime
from deploy.local.stack import Stack
from deploy.provision import create_topics, read_parties, read_quotas
from services.chassis.base.access import KafkaAccess
from services.chassis.base.parties import Party
from tests.support.kafka_rights import connected, reads, writes
from tests.support.system import until

pytestmark = pytest.mark.servers

PARTIES = read_parties()
TOPICS = {"milestones-pr", "tracking-events"}


class Broker:
    """A broker with users, and the directory in which their passwords are."""

    def __init__(self, access: KafkaAccess, directory: Path) -> None:
        self.admin = access
        self.directory = directory

    async def secure(self, parties: list[Party] = PARTIES, *renewed: str) -> Changes:
        return await secure(self.admin, self.directory, parties, read_quotas(), renewed)

    def party(self, name: str) -> KafkaAccess:
        return party_access(self.directory, self.admin, name)

    def files(self) -> dict[str, str]:
        return {f.name: f.read_text() for f in (self.directory / CLIENTS).iterdir()}


@pytest.fixture
async def broker(stack: Stack, tmp_path: Path) -> Broker:
    found = Broker(stack.access, tmp_path)
    # Whoever had these users before had other passwords.
    await found.secure([])
    await found.secure(PARTIES, "service.tracking", "service.customs", "service.notifications")
    await create_topics(stack.access, PARTIES)
    return found


async def test_done_again_it_changes_nothing(broker: Broker) -> None:
    before = (broker.files(), (broker.directory / PASSWORDS).read_text(), await quotas_there(broker.admin))

    changes = await broker.secure()

    assert not changes.any
    assert (broker.files(), (broker.directory / PASSWORDS).read_text(), await quotas_there(broker.admin)) == before
    assert await writes(broker.party("pr"), TOPICS) == {"milestones-pr"}


async def test_a_party_that_is_gone_loses_everything_at_once(broker: Broker) -> None:
    """Also over the connection that it has open."""
    gone = broker.party("pr")
    producer = AIOKafkaProducer(**gone.options())
    await producer.start()
    try:
        await producer.send_and_wait("milestones-pr", b"{}")

        changes = await broker.secure([p for p in PARTIES if p.party != "pr"])

        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait("milestones-pr", b"{}")
    finally:
        await producer.stop()
    with pytest.raises(KafkaConnectionError):
        await writes(gone, TOPICS)
    assert (changes.users_removed, changes.quotas_changed) == ({"party.pr"}, {"party.pr"})
    assert not {"pr.conf", "pr.properties"} & broker.files().keys()
    assert "party.pr" not in read_passwords(broker.directory)
    assert "party.pr" not in await quotas_there(broker.admin)


async def test_a_party_may_do_no_more_when_its_entry_says_so(broker: Broker) -> None:
    fewer = [replaced(p, types=(), sources=()) if p.party == "pr" else p for p in PARTIES]

    await broker.secure(fewer)

    assert await writes(broker.party("pr"), TOPICS) == set()
    assert await reads(broker.party("pr"), {"receipts-pr", "notifications-pr"}) == {"notifications-pr"}


def replaced(party: Party, **changes: object) -> Party:
    return party.model_copy(update=changes)


@pytest.mark.parametrize(
    "who",
    [
        lambda access: KafkaAccess(access.bootstrap),
        lambda access: access.signed_in_as("party.pr", "guessed"),
        lambda access: access.signed_in_as("nobody", "guessed"),
        lambda access: access.signed_in_as("admin", "admin"),
    ],
    ids=["anonymous", "a wrong password", "an unknown user", "an administrator who guesses"],
)
async def test_who_does_not_sign_in_is_not_let_in(broker: Broker, who: Callable[[KafkaAccess], KafkaAccess]) -> None:
    with pytest.raises(KafkaConnectionError):
        await writes(replace(who(broker.admin)), TOPICS)


async def test_a_forged_record_on_our_own_topics_is_refused(broker: Broker) -> None:
    """By a party, and by a service that is not the one that writes there."""
    customs = service_access(broker.directory, broker.admin, "customs")

    assert await writes(broker.party("operations"), {"tracking-events", "customs-events"}) == set()
    assert await writes(customs, {"tracking-events", "customs-events"}) == {"customs-events"}


async def test_a_party_makes_no_topic(broker: Broker) -> None:
    admin = AIOKafkaAdminClient(**broker.party("pr").options())
    await admin.start()
    try:
        answer: Any = await admin.create_topics([NewTopic("milestones-mallory", 1, 1)])
    finally:
        await admin.close()

    assert [code for _, code, _ in answer.topic_errors] == [TopicAuthorizationFailedError.errno]


@pytest.mark.parametrize(("group", "may"), [("party.pr.reader", True), ("party.rzd.x", False), ("tracking-x", False)])
async def test_a_partys_groups_begin_with_its_own_name(broker: Broker, group: str, may: bool) -> None:
    consumer = AIOKafkaConsumer("receipts-pr", **broker.party("pr").options(), group_id=group)
    if may:
        await consumer.start()
        assert consumer.assignment()
    else:
        with pytest.raises(GroupAuthorizationFailedError):
            await consumer.start()
    await consumer.stop()


async def test_a_party_does_not_see_whose_topics_there_are(broker: Broker) -> None:
    """The names of topics are those of parties, rivals among them."""
    async with connected(broker.party("ravi-textiles")) as client:
        cluster = await client.fetch_all_metadata()

    assert set(cluster.topics()) == {"notifications-ravi-textiles"}


async def test_each_party_has_the_quotas_of_its_role(broker: Broker) -> None:
    there, by_role = await quotas_there(broker.admin), read_quotas()

    assert there == {f"party.{p.party}": by_role[p.role] for p in PARTIES}


async def test_a_new_password_replaces_the_old_one(broker: Broker) -> None:
    before, other = broker.party("pr"), broker.party("rzd")

    await broker.secure(PARTIES, "party.pr")

    with pytest.raises(KafkaConnectionError):
        await writes(before, TOPICS)
    assert await writes(broker.party("pr"), TOPICS) == {"milestones-pr"}
    assert broker.party("rzd") == other


async def test_a_password_that_only_kafka_has_stays(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> None:
    """As when somebody else, without the file, provisions a new party."""
    elsewhere = Broker(broker.admin, tmp_path_factory.mktemp("elsewhere"))

    await elsewhere.secure()

    assert read_passwords(elsewhere.directory) == {}
    assert await writes(broker.party("pr"), TOPICS) == {"milestones-pr"}


async def test_others_who_may_write_what_services_alone_are_to_write_are_told(broker: Broker) -> None:
    """They are not ours to remove: somebody has let them."""
    client = AdminClient(broker.admin.config())
    what = ("tracking-ev", ResourcePatternType.PREFIXED, "User:mirror", "*", AclOperation.ALL, AclPermissionType.ALLOW)
    await done(client.create_acls([AclBinding(ResourceType.TOPIC, *what)]))
    told: list[Changes] = []

    async def seen() -> bool:
        # What was taken is in force a moment later.
        told.append(await broker.secure())
        return bool(told[-1].strangers)

    try:
        await until(seen, 10, "the right of a stranger")
    finally:
        await done(client.delete_acls([AclBindingFilter(ResourceType.TOPIC, *what)]))

    assert (list(told[-1].strangers), told[-1].rights_taken) == (["User:mirror may write tracking-ev"], 0)


async def done(asked: dict[Any, Future[Any]]) -> None:
    for one in asked.values():
        await asyncio.wait_for(asyncio.wrap_future(one), 10)


async def test_the_files_of_users_are_their_owners_alone(broker: Broker) -> None:
    files = [*(broker.directory / CLIENTS).iterdir(), broker.directory / PASSWORDS]

    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((broker.directory / CLIENTS).stat().st_mode) == 0o700
    assert len(files) == 2 * len(PARTIES) + 3 + 1


async def test_parties_may_be_told_another_address_than_services(broker: Broker) -> None:
    await secure(broker.admin, broker.directory, PARTIES, read_quotas(), parties_at="kafka.example:9094")

    files = broker.files()
    assert "bootstrap.servers=kafka.example:9094" in files["pr.conf"].splitlines()
    assert "bootstrap.servers=kafka.example:9094" in files["pr.properties"].splitlines()
    assert f"KAFKA_BOOTSTRAP_SERVERS={broker.admin.bootstrap}" in files["tracking.env"].splitlines()


async def test_a_partys_file_is_as_clients_on_librdkafka_take_it(broker: Broker) -> None:
    """kcat does: `kcat -F`."""
    lines = (broker.directory / CLIENTS / "pr.conf").read_text().splitlines()

    there = AdminClient(dict(line.partition("=")[::2] for line in lines)).list_topics(timeout=10).topics

    assert set(there) == {"milestones-pr", "receipts-pr", "notifications-pr"}


async def test_a_partys_file_is_as_clients_of_java_take_it(broker: Broker) -> None:
    tool = ("org.apache.kafka.tools.TopicCommand", "--list", "--bootstrap-server", broker.admin.bootstrap)
    file = broker.directory / CLIENTS / "pr.properties"

    assert java(*tool, "--command-config", str(file)) == ["milestones-pr", "notifications-pr", "receipts-pr"]


def java(*command: str) -> list[str]:
    ended = subprocess.run(
        prepare_runtime(lambda _: None, with_aot_cache=False).command(*command),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return sorted(ended.stdout.split())


async def test_over_tls_the_server_is_one_that_its_authority_vouches_for(tmp_path: Path) -> None:
    with Kafka(tmp_path / "kafka", prepare_runtime(lambda _: None), tls=True) as kafka:
        broker = Broker(kafka.access, tmp_path)
        await broker.secure()
        await create_topics(kafka.access, PARTIES)

        assert await writes(broker.party("pr"), TOPICS) == {"milestones-pr"}
        listed = ("org.apache.kafka.tools.TopicCommand", "--list", "--bootstrap-server", kafka.bootstrap_servers)
        properties = str(tmp_path / CLIENTS / "pr.properties")
        assert "milestones-pr" in await asyncio.to_thread(java, *listed, "--command-config", properties)
        # An authority that the system knows has vouched for nobody here, and nobody speaks without TLS.
        assert not await asyncio.to_thread(answers, replace(kafka.access, ca_file=None))
        assert not await asyncio.to_thread(answers, replace(kafka.access, security="sasl_plaintext"))


async def test_the_controller_lets_nobody_in_without_its_password(stack: Stack) -> None:
    assert stack.kafka is not None
    controller = f"127.0.0.1:{stack.kafka._controller_port}"

    for access in (KafkaAccess(controller), replace(stack.access.at(controller), password="guessed")):
        with pytest.raises(KafkaConnectionError):
            async with connected(access):
                pass
