"""The topic table: names, who is served, what is kept, and that no name leads to two rows."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import topics
from contracts.catalogue import TYPES
from contracts.tooling import gates
from contracts.topics import SERVICES, TABLE, Topic, party_of

KAFKA_LEGAL = re.compile(r"[a-z0-9-]{1,249}")
NAMES = {"party": "indus-forwarding", "authority": "fbr", "country": "kz", "service": "customs"}
rows = pytest.mark.parametrize("row", TABLE, ids=lambda r: r.name)


def concrete(row: Topic) -> str:
    return row.of(next((name for variable, name in NAMES.items() if f"<{variable}>" in row.name), ""))


def test_the_table_keeps_its_rules() -> None:
    assert gates.irregular() == []


@rows
def test_a_topic_name_is_legal_and_belongs_to_its_own_row_only(row: Topic) -> None:
    name = concrete(row)
    assert KAFKA_LEGAL.fullmatch(name)
    assert [other.name for other in TABLE if re.fullmatch(other.regex, name)] == [row.name]


@rows
def test_the_name_inside_a_topic_comes_back(row: Topic) -> None:
    expected = next((name for variable, name in NAMES.items() if f"<{variable}>" in row.name), None)
    assert party_of(concrete(row), row) == expected


@given(st.from_regex(r"[a-z0-9]+(-[a-z0-9]+){0,3}", fullmatch=True).filter(lambda name: name != "dlq"))
def test_no_party_has_a_topic_of_another_row(party: str) -> None:
    own = [row.of(party) for row in TABLE if "<" in row.name and "<service>" not in row.name]
    for topic in own:
        assert sum(bool(re.fullmatch(row.regex, topic)) for row in TABLE) == 1


def test_a_party_called_dlq_is_no_party_for_it_would_read_dead_letters() -> None:
    with pytest.raises(ValueError, match="cannot be part"):
        topics.NOTIFICATIONS.of("dlq")


@pytest.mark.parametrize(
    "name", ["", "a.b", "a_b", "pr\n", "-pr", "pr-", "a--b", "p r", "ПР", "\\1", "\\g<0>", "a" * 300]
)
def test_a_bad_name_makes_no_topic(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be part"):
        topics.MILESTONES.of(name)


def test_a_country_is_written_in_lower_case() -> None:
    assert topics.CUSTOMS_CASES.of("KZ") == "customs-cases-kz"


@pytest.mark.parametrize(
    "topic", ["milestones-pr\n", "xmilestones-pr", "milestones-", "milestones-PR", "declarations-pr"]
)
def test_a_topic_of_no_party_has_none(topic: str) -> None:
    assert party_of(topic, topics.MILESTONES) is None


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_has_dead_letters_of_its_own(service: str) -> None:
    assert topics.DLQ.of(service) == f"{service}-dlq"
    assert party_of(f"{service}-dlq", topics.DLQ) == service


def test_nobody_but_a_service_has_dead_letters() -> None:
    with pytest.raises(ValueError, match="cannot be part"):
        topics.DLQ.of("pr")


@pytest.mark.parametrize("name", sorted(TYPES))
def test_a_type_is_carried_and_an_incoming_one_arrives_in_one_place(name: str) -> None:
    assert any(name in row.types for row in TABLE)
    assert [row.ingress for row in TABLE if name in row.types].count(True) == (1 if TYPES[name].incoming else 0)


@rows
def test_settings_are_those_of_the_design(row: Topic) -> None:
    kept = (
        {"cleanup.policy": "compact"} if row.compacted else {"cleanup.policy": "delete", "retention.ms": "2592000000"}
    )
    config = row.config()
    assert config.pop("message.timestamp.type") == "LogAppendTime"
    assert int(config.pop("max.message.bytes")) >= 2 * (256 if row.ingress else 512) * 1024
    assert config == kept


def test_compacted_topics_are_those_that_hold_pictures() -> None:
    assert [row.name for row in TABLE if row.compacted] == [
        "tracking-events",
        "customs-events",
        "customs-cases-<country>",
    ]


def test_ingress_receipts_and_notifications_have_one_partition_and_egress_eight() -> None:
    assert {row.name: row.partitions for row in TABLE if row.partitions != 1} == {
        "tracking-events": 8,
        "customs-events": 8,
    }


@rows
def test_only_a_service_reads_what_parties_write(row: Topic) -> None:
    if row.ingress:
        assert set(row.readers) <= set(SERVICES)
