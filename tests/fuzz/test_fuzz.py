"""A short `make fuzz`, and that its checks bite."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import httpx
import pytest

from contracts.catalogue import TYPES
from contracts.envelope import codec
from contracts.refusal import REASONS, Refused, refused
from contracts.topics import TABLE
from deploy.local.stack import Stack
from services.chassis.ingest import stream
from services.chassis.ingest.records import Rejected
from services.chassis.ingest.stream import Stream
from tests.fuzz import guided, judged, on_purpose, over_http, over_kafka, over_openapi
from tests.fuzz.command import Report
from tests.fuzz.draft import Draft
from tests.fuzz.mutate import Spoilt, many, spoilt, untouched
from tests.fuzz.ways import WAYS
from tests.support.examples import as_record, load_examples
from tests.support.system import running_system

SEED = 5


def test_spoilt_records_come_to_events_or_to_reasons_of_the_closed_list() -> None:
    tally = judged.judge_all(many(SEED, 4000))

    assert tally.failures == []
    assert set(tally.reasons) == set(REASONS) - {"type_changed", "over_budget", "quarantined"}
    assert tally.events > 500


def test_the_golden_examples_are_taken_as_they_are() -> None:
    at_home = [one for one in untouched() if TYPES[one.example.type].incoming and is_at_home(one)]

    tally = judged.judge_all(at_home)

    assert (tally.failures, tally.reasons, tally.events) == ([], {}, len(at_home))
    assert len(at_home) > 20


def is_at_home(one: Spoilt) -> bool:
    """Whether a record is on the topic of its own sender, and of its own kind."""
    (row,) = (row for row in TABLE if one.example.type in row.types)
    return one.topic == row.of(one.example.event.source.split(":")[2])


def test_a_record_can_be_made_again_from_its_number() -> None:
    assert [spoilt(SEED, n) for n in range(200)] == [spoilt(SEED, n) for n in range(200)]
    assert "make fuzz SEED=5 ONLY=7" in str(spoilt(SEED, 7))


@pytest.mark.parametrize("way", WAYS)
def test_each_way_spoils_something(way: str) -> None:
    def changed(number: int) -> bool:
        example = load_examples()[number % len(load_examples())]
        headers, value = as_record(example, "binary" if number % 2 else "structured")
        draft = Draft("milestones-pr", b"k", list(headers), value, random.Random(number))
        WAYS[way](draft)
        return (draft.key, draft.headers, draft.value) != (b"k", list(headers), value)

    assert any(changed(number) for number in range(60))


def fuzz_with(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, broken: Any) -> list[str]:
    monkeypatch.setattr(owner, name, broken)
    return judged.judge_all(many(SEED, 300)).failures


def test_a_codec_that_raises_anything_else_is_found_with_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise KeyError("subject")

    failures = fuzz_with(monkeypatch, codec, "_subject", broken)

    assert any("KeyError" in f and "make fuzz SEED=5 ONLY=" in f for f in failures)


def test_a_reason_that_is_not_of_the_list_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise refused("no_idea", "$", "?")  # type: ignore[arg-type]

    assert any("no_idea" in f for f in fuzz_with(monkeypatch, stream, "decode_record", broken))


def test_a_text_that_no_store_takes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Refused, attributes: Any) -> None:
        _.quoted = dict(attributes)

    assert any("cannot be stored" in f for f in fuzz_with(monkeypatch, Refused, "quote", broken))


def test_a_handler_that_fails_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Any) -> Any:
        raise ZeroDivisionError

    streams: tuple[Stream, ...] = tuple(replace(s, links_of=broken) for s in judged.STREAMS)

    assert any("ZeroDivisionError" in f for f in fuzz_with(monkeypatch, judged, "STREAMS", streams))


@pytest.mark.parametrize(
    ("expected", "given", "dead", "said"),
    [
        (None, [], None, "answered []"),
        (None, [("accepted", None), ("repeat", None)], None, "answered ['accepted', 'repeat']"),
        ("not_json", [("refused", "not_json")], None, "its dead letter says None"),
        ("not_json", [("refused", "not_json")], {"reason": "bad_field"}, "says bad_field"),
        (None, [("accepted", None)], {"reason": "bad_field"}, "says bad_field"),
        ("not_json", [("refused", "bad_field")], {"reason": "bad_field"}, "in process it was not_json"),
        ("not_json", [("accepted", None)], None, "in process it was not_json"),
        (None, [("refused", "quarantined")], {"reason": "quarantined", "detail": "?"}, "quarantined (?)"),
    ],
)
def test_a_wrong_answer_over_kafka_is_found(expected: Any, given: Any, dead: Any, said: str) -> None:
    assert [f for f in over_kafka.faults(expected, given, dead) if said in f]


@pytest.mark.parametrize(
    ("expected", "given", "dead"),
    [
        (None, [("accepted", None)], None),
        (None, [("repeat", None)], None),
        (None, [("refused", "type_changed")], {"reason": "type_changed"}),
        ("not_json", [("refused", "not_json")], {"reason": "not_json"}),
    ],
)
def test_a_right_answer_over_kafka_is_no_fault(expected: Any, given: Any, dead: Any) -> None:
    assert list(over_kafka.faults(expected, given, dead)) == []


PROBLEM = {"content-type": "application/problem+json"}
REASONED = {"problems": [{"reason": "bad_field"}]}


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (httpx.Response(202, json={}), False),
        (httpx.Response(422, json=REASONED, headers=PROBLEM), False),
        (httpx.Response(400, text="Invalid HTTP request received."), False),
        (httpx.Response(500, json=REASONED, headers=PROBLEM), True),
        (httpx.Response(503, json=REASONED, headers=PROBLEM), True),
        (httpx.Response(200, json={}), True),
        (httpx.Response(422, json=REASONED), True),
        (httpx.Response(422, json={}, headers=PROBLEM), True),
        (httpx.Response(422, json={"problems": [{"reason": "no_idea"}]}, headers=PROBLEM), True),
    ],
)
def test_a_wrong_answer_over_http_is_found(answer: httpx.Response, wrong: bool) -> None:
    assert bool(over_http.faults(answer)) == wrong


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"operations": {"tested": 1, "selected": 2}},
        {"operations": {"tested": 2, "selected": 2}, "errors": ["?"]},
        {
            "operations": {"tested": 2, "selected": 2},
            "failures": [{"title": "Server error", "count": 1, "operations": ["GET /x"]}],
        },
    ],
)
def test_what_schemathesis_says_is_heard(report: dict[str, Any]) -> None:
    assert over_openapi.faults(report)


def test_a_reason_that_has_not_occurred_is_a_failure() -> None:
    report = Report({}, Counter(REASONS[:-1]))

    assert not report.close()
    assert report.failures == [f"never occurred: {REASONS[-1]}"]


@pytest.mark.skipif(not guided.is_there(), reason="atheris has wheels for Linux alone: nothing is guided by coverage")
def test_libfuzzer_drives_the_codec() -> None:
    found = guided.run(SEED, 3)

    assert found.failures == []
    assert found.runs > 100
    assert found.covered > 100


def test_a_record_for_libfuzzer_holds_everything() -> None:
    one = next(iter(untouched()))

    assert guided.to_bytes(one).endswith(b"\n\n" + (one.value or b""))
    assert all(name.encode() + b": " + (value or b"") in guided.to_bytes(one) for name, value in one.headers)


@pytest.mark.servers
async def test_spoilt_records_are_answered_over_kafka_and_http() -> None:
    async with running_system(over_kafka.READERS) as system:
        kafka = await over_kafka.run(system, list(many(SEED, 550)))
        http = await over_http.run(system, list(many(SEED + 1, 150)))

    assert (kafka.failures, http.failures) == ([], [])
    assert kafka.records > 350
    assert set(kafka.outcomes) == {"accepted", "superseded", "repeat", "refused"}
    assert {"202", "400", "422"} <= set(http.statuses)


@pytest.mark.servers
async def test_a_record_on_which_we_fail_is_quarantined(stack: Stack) -> None:
    assert stack.admin_url

    assert await on_purpose.quarantined(stack.admin_url) == {"quarantined": 1}


def test_a_rejection_without_a_path_is_found() -> None:
    verdict = judged.judge(spoilt(SEED, 0), judged.Book())
    odd = Rejected(verdict.record, None, (refused("bad_field", "", "?").first,))

    assert list(judged.faults(odd)) == ["no path or no detail"]


def test_a_record_is_shown_whole_enough_to_be_understood() -> None:
    one: Spoilt = next(r for r in many(SEED, 400) if "size" in r.ways)

    assert len(str(one)) < 2000
    assert one.topic in str(one)
