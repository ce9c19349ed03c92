"""The embedded broker: the version we promise, and records that outlive every way of stopping it."""

from __future__ import annotations

import socket
import stat
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from deploy.local.kafka import Kafka, KafkaFailed
from deploy.local.runtime import prepare_runtime
from deploy.local.stack import Stack
from services.chassis.base.access import KafkaAccess

pytestmark = pytest.mark.servers

_BOUND = 20


def create_topic(access: KafkaAccess) -> str:
    name = f"test-{uuid4()}"
    admin = AdminClient(access.config())
    admin.create_topics([NewTopic(name, 1, 1)])[name].result(_BOUND)
    return name


def write(access: KafkaAccess, topic: str, value: bytes) -> None:
    failures: list[object] = []
    producer = Producer(access.config() | {"acks": "all"})
    producer.produce(topic, value, on_delivery=lambda error, _: failures.append(error) if error else None)
    assert producer.flush(_BOUND) == 0
    assert failures == []


def read_one(access: KafkaAccess, topic: str) -> bytes | str | None:
    consumer = Consumer(access.config() | {"group.id": topic})
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    message = consumer.poll(_BOUND)
    consumer.close()
    assert message is not None
    return message.value()


def silent(line: str) -> None:
    pass


def test_the_broker_is_kafka_4_4(kafka: Kafka) -> None:
    """aiokafka is not tested on 4.x by its makers, so our tests must know what they ran against."""
    assert "Kafka version: 4.4.0" in kafka.log.read_text()


def test_records_outlive_a_kill(kafka: Kafka) -> None:
    """What was acknowledged is there after kill -9, at the same address."""
    address = kafka.access
    topic = create_topic(address)
    write(address, topic, b"acknowledged")

    kafka.kill()
    kafka.start()

    assert read_one(address, topic) == b"acknowledged"


def test_records_outlive_a_restart(kafka: Kafka) -> None:
    """The broker is let finish, and is the same broker again."""
    topic = create_topic(kafka.access)
    write(kafka.access, topic, b"kept")

    kafka.restart()

    assert "shut down completed" in kafka.log.read_text()
    assert read_one(kafka.access, topic) == b"kept"


def test_no_topic_appears_by_itself(stack: Stack) -> None:
    """A misspelt topic is an error, not a new topic."""
    name = f"absent-{uuid4()}"
    metadata = AdminClient(stack.access.config()).list_topics(name, timeout=10)

    assert metadata.topics[name].error is not None


def test_a_broker_that_cannot_start_says_why(tmp_path: Path) -> None:
    """The end of its log is in the error."""
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        broker = Kafka(tmp_path, prepare_runtime(silent), port=occupied.getsockname()[1])

        with pytest.raises(KafkaFailed, match="Address already in use"):
            broker.start()

    assert not broker.running


def test_an_aot_cache_that_does_not_fit_is_passed_over(tmp_path: Path) -> None:
    """The cache is only an accelerator."""
    damaged = tmp_path / "damaged.aot"
    damaged.write_bytes(b"not a cache")
    command = prepare_runtime(silent).with_cache(damaged).command("kafka.tools.StorageTool", "random-uuid")

    done = subprocess.run(command, capture_output=True, text=True, timeout=_BOUND, check=True)

    assert len(done.stdout.splitlines()[-1]) == 22


def test_a_directory_whose_kafka_has_no_users_is_refused(tmp_path: Path) -> None:
    """As one of an earlier build: nobody could sign in."""
    (tmp_path / "formatted").touch()

    with pytest.raises(KafkaFailed, match="has no users"):
        Kafka(tmp_path, prepare_runtime(silent)).start()


def test_what_holds_a_password_is_its_owners_alone(kafka: Kafka) -> None:
    password = kafka.access.password.encode()
    files = [f for f in kafka.data_dir.iterdir() if f.is_file() and password in f.read_bytes()]

    assert {f.name for f in files} == {"admin.password", "server.properties"}
    assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}
    assert stat.S_IMODE(kafka.data_dir.stat().st_mode) == 0o700
