"""What is sent: readable by the contracts, entitled by the parties' book, and as messy as the README says."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from contracts import topics
from contracts.envelope import codec
from contracts.envelope.codec import Event
from contracts.refusal import Refused
from deploy.demo import mess, script, wire
from deploy.demo.mail import Mail
from deploy.demo.player import steps
from deploy.demo.scenario import authorities, operators
from deploy.demo.scenario.journey import journey
from deploy.demo.wire import Send
from deploy.provision import read_parties
from services.chassis.ingest.stream import ReportStream
from services.customs import handlers as customs
from services.tracking import handlers as tracking

README = Path(mess.__file__).parent / "README.md"
BOOK = {party.party: party for party in read_parties()}


def read(send: Send) -> Event:
    """The event as the service that reads it takes it; raises `Refused`."""
    record = wire.record(send)
    streams = [*tracking.STREAMS, *customs.STREAMS]
    stream = next(s for s in streams if topics.party_of(record.topic, s.topic) == send.party)
    event = codec.decode_record(record.headers, record.value, stream.topic.events, topics.MAX_INCOMING)
    party = BOOK[send.party]
    party.require(event)
    assert isinstance(stream, ReportStream)
    stream.authorize(event, party)
    return event


def reason(send: Send) -> str | None:
    try:
        read(send)
    except Refused as refusal:
        return refusal.first.reason
    return None


def test_what_is_to_be_accepted_is_and_what_is_to_be_refused_is_for_the_reason_that_the_readme_names() -> None:
    reasons = {outcome: Counter(reason(s) for s in script.sends() if s.outcome == outcome) for outcome in OUTCOMES}

    assert set(reasons["accepted"]) == set(reasons["repeat"]) == {None}
    assert reasons["refused"] == {
        "not_json": 1,
        "bad_header": 1,
        "not_entitled": 2,
        "check_digit": 1,
        "time_without_offset": 1,
    }


OUTCOMES = ("accepted", "repeat", "refused")


def test_a_repeat_is_what_was_sent_before_and_all_else_is_new() -> None:
    seen: set[tuple[str, str, bytes]] = set()
    for send in script.sends():
        if send.outcome != "refused":
            content = (send.party, send.id, read(send).content_hash)
            assert (content in seen) == (send.outcome == "repeat"), send.id
            seen.add(content)


def test_everybody_reports_by_a_topic_of_its_own() -> None:
    topics_of = {send.party: send.topic for send in script.sends() if send.service == "tracking"}

    assert set(topics_of) == {p.party for p in BOOK.values() if p.role in ("railway", "terminal", "forwarder")}
    assert len(set(topics_of.values())) == len(topics_of)


def test_all_three_ways_of_sending_are_used() -> None:
    assert {send.mode for send in script.sends()} == {"binary", "structured", "http"}


def test_every_play_sends_the_same_bytes() -> None:
    first, second = script.sends(), script.sends.__wrapped__()

    assert [wire.record(send) for send in first] == [wire.record(send) for send in second]


def test_steps_go_forward_and_end_at_the_end() -> None:
    plan = steps(script.sends(), journey().ends)

    assert [s for step in plan for s in step.sends] == list(script.sends())
    assert [step.instant for step in plan] == sorted(step.instant for step in plan)
    assert plan[-1].instant == journey().ends


def test_the_readme_lists_each_mess_and_the_ids_in_it() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*) \| .* \|$", README.read_text(encoding="utf-8"), re.MULTILINE)

    assert [name for name, _ in rows] == [muddle.__name__ for muddle in mess.MESS]
    ids = {send.id for send in script.sends()}
    for name, events in rows:
        for listed in re.findall(r"`([^`]+)`", events):
            assert listed in ids or any(i.startswith(listed[:-1]) for i in ids if listed.endswith("*")), (name, listed)


def test_each_mess_touches_what_its_row_names() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \| .* \|$", README.read_text(encoding="utf-8"), re.MULTILINE))
    clean = [*operators.sends(journey()), *authorities.sends(journey())]

    for muddle in mess.MESS:
        mail = Mail(clean)
        muddle(mail)
        touched = {send.id for send in set(map(_key, mail)) ^ set(map(_key, clean))}
        named = [listed.rstrip("*") for listed in re.findall(r"`([^`]+)`", rows[muddle.__name__])]
        assert touched, muddle.__name__
        assert all(any(id.startswith(name) for name in named) for id in touched), muddle.__name__


class _Key(tuple[object, ...]):
    """A sending that can be a member of a set."""

    id: str


def _key(send: Send) -> _Key:
    key = _Key((send.at, send.party, send.id, wire.record(send).value, send.outcome, send.spoilt))
    key.id = send.id
    return key
