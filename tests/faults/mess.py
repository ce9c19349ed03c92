"""What goes wrong between what happened and what arrives: repeats, corrections, conflicts, lateness, bad records.

Invariant: one function for each kind of mess, all drawn from the journey's own chance; every reason for which Kafka
records are refused is among them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from contracts import catalogue
from contracts.events.fields import utc_text
from contracts.identifiers.schemes import make_container
from contracts.refusal import REASONS
from contracts.topics import MAX_INCOMING
from tests.faults.evidence import Send
from tests.faults.report import Report, milestone, wire
from tests.faults.voyage import Voyage, booking, note

BAD: Final = tuple(reason for reason in REASONS if reason not in ("over_budget", "quarantined"))
_MOVES: Final = ("DEPA", "ARRI", "BARR")


def muddled(one: Voyage, reports: Sequence[Report]) -> list[Report]:
    """The reports of a journey with what goes wrong on their way; bad records come on top, see `spoilt`."""
    found = _wrong_box(one, list(reports))
    found = _conflicts(one, found)
    found += [*_booked_again(one), *_another_procedure(one, found)]
    found = _corrected_times(one, found)
    found += [*_retracted(one), *_forecasts(one), *_far_ahead(one)]
    found = _late(one, found)
    return [*found, *_repeats(one, found)]


def _own(one: Voyage, reports: Sequence[Report], *codes: str) -> list[Report]:
    """The railways' own milestones of these codes that nobody else reports as well."""
    first_hand = (r for r in reports if r.data.get("code") in codes and "reported_for" not in r.data)
    return [r for r in first_hand if r.data["point"] not in ("ir-mirjaveh", "tm-ashgabat", "pk-sibi", "ir-bam")]


def _wrong_box(one: Voyage, reports: list[Report]) -> list[Report]:
    """A container comes in under a wrong number; the correction names the right one."""
    right = next(r for r in reports if r.data.get("code") == "GTIN" and r.subject == one.containers[1])
    wrong = f"container:{make_container('PKRU', 500000 + one.number)}"
    rest = [r for r in reports if r is not right]
    return [*rest, replace(right, subject=wrong), right.revised({}, hours=3)]


def _conflicts(one: Voyage, reports: list[Report]) -> list[Report]:
    """One update time with two contents: with a revision before, which counts, and without, where nothing does."""
    sibi = next(r for r in reports if r.data.get("point") == "pk-sibi")
    one_way = sibi.revised({"occurred_at": utc_text(one.at(30) + timedelta(minutes=5))}, minutes=40)
    other_way = replace(one_way, data={**one_way.data, "occurred_at": utc_text(one.at(30) + timedelta(minutes=8))})
    bam = next(r for r in reports if r.data.get("point") == "ir-bam")
    moved = replace(bam, data={**bam.data, "occurred_at": utc_text(one.at(190) + timedelta(minutes=6))})
    return [
        *reports,
        one_way,
        other_way.later(minutes=2),
        *([moved.later(minutes=2)] if one.draw.random() < 0.5 else ()),
    ]


def _booked_again(one: Voyage) -> Iterator[Report]:
    """A booking is sent again with what was forgotten; sometimes it claims the other one's note as well."""
    yield booking(one, 0).revised({"description": "cotton towels"}, hours=20)
    if one.draw.random() < 0.3:
        yield booking(one, 1).revised({"references": [note(one, 1), note(one, 0)]}, hours=30)


def _another_procedure(one: Voyage, reports: Sequence[Report]) -> Iterator[Report]:
    """A declaration that stood in a wrong case at first: what is there is its correction."""
    right = next(r for r in reports if r.type == catalogue.LODGED and r.subject == one.consignments[1] and "TM" in r.id)
    early = right.at - timedelta(hours=3)
    yield replace(right, at=early, data={**right.data, "procedure": "IMPORT", "updated_at": utc_text(early)})


def _corrected_times(one: Voyage, reports: list[Report]) -> list[Report]:
    """Times that were first told wrong; sometimes the correction is there before what it corrects."""
    chosen = one.draw.sample(_own(one, reports, *_MOVES), 3)
    found = [r for r in reports if r not in chosen]
    for number, right in enumerate(chosen):
        happened = datetime.fromisoformat(right.data["occurred_at"])
        earlier = utc_text(happened - timedelta(minutes=one.draw.randrange(1, 20)))
        first = replace(right, data={**right.data, "occurred_at": earlier})
        correction = right.revised({}, hours=2)
        found += [first.later(hours=4) if number == 0 else first, correction]
    return found


def _retracted(one: Voyage) -> Iterator[Report]:
    """Two arrivals that never were: one is taken back later, of the other the retraction comes first."""
    wrong = milestone(one.at(80), "pr", "PASS", one.train("pr"), "pk-nushki")
    yield from (wrong, wrong.revised({"retracted": True}, hours=2))
    wrong = milestone(one.at(194), "rai", "PASS", one.train("rai"), "ir-kerman")
    # Written in the same minute as what it takes back: it wins all the same.
    retraction = replace(wrong, data={**wrong.data, "retracted": True})
    yield from (retraction, wrong.later(hours=1))
    wrong = milestone(one.at(-30), "lahore-dry-port", "SEAL", one.containers[2], "pk-lahore")
    wrong = replace(wrong, id=f"{wrong.id}-again")
    yield from (wrong, wrong.revised({"retracted": True}, minutes=50))


def _forecasts(one: Voyage) -> Iterator[Report]:
    """Estimates of an arrival: the newest of a party counts, and none is a fact."""
    for hours in (10, 40):
        guess = milestone(one.at(hours), "pr", "ARRI", one.train("pr"), "pk-taftan")
        data = {**guess.data, "classifier": "EST", "occurred_at": one.planned(110 + hours / 10)}
        yield replace(guess, id=f"EST-{hours}-F{one.number:03}", data=data)


def _far_ahead(one: Voyage) -> Iterator[Report]:
    """An arrival with the wrong year: it must not be the latest for ever."""
    if one.draw.random() < 0.5:
        wrong = milestone(one.at(232), "rai", "ARRI", one.train("rai"), "ir-sarakhs")
        yield replace(wrong, data={**wrong.data, "occurred_at": wrong.data["occurred_at"].replace("2026-", "2031-")})


def _late(one: Voyage, reports: list[Report]) -> list[Report]:
    """Some milestones come days after they happened, a yard's file comes from its end to its beginning, and a
    declaration comes after the decision on it."""
    late = one.draw.sample([r for r in reports if "code" in r.data and r.type == catalogue.MILESTONE], 4)
    found = []
    for report in reports:
        if report.type == catalogue.LODGED and "-IR" in report.id and "advance" not in report.id:
            found.append(report.later(hours=30))
        elif report in late:
            found.append(report.later(hours=one.draw.randrange(20, 100)))
        elif report.party == "zahedan-yard":
            found.append(replace(report, at=one.at(158) + (one.at(158) - report.at) / 100))
        else:
            found.append(report)
    return found


def _repeats(one: Voyage, reports: Sequence[Report]) -> Iterator[Report]:
    """The same once more, at once or much later; sometimes its JSON is written in another order."""
    for number, report in enumerate(one.draw.sample(list(reports), 6)):
        again = report.later(minutes=one.draw.choice((0, 5, 3000)))
        yield replace(again, reordered=number < 2)


def spoilt(one: Voyage, reports: Sequence[Report], reasons: Sequence[str]) -> Iterator[tuple[Report, Send]]:
    """One bad record for each of the reasons, with the report that it was made from."""
    for number, reason in enumerate(reasons):
        base = milestone(one.at(-150 + number), "pr", "NOTE", one.consignments[0], "pk-lahore")
        report = replace(base, id=f"bad-{reason}-F{one.number:03}", refused_as=reason)
        yield _spoilt(one, report, reports, reason)


def _spoilt(one: Voyage, report: Report, reports: Sequence[Report], reason: str) -> tuple[Report, Send]:
    if reason == "not_json":
        send = wire(report)
        return report, replace(send, value=(send.value or b"")[:-7])
    if reason == "bad_header":
        send = wire(report)
        return report, replace(send, headers=(*send.headers, ("ce_operator", "Диспетчер".encode("cp1251"))))
    if reason == "bad_envelope":
        send = wire(report)
        return report, replace(send, headers=tuple(h for h in send.headers if h[0] != "ce_id"), id=None)
    report = _wrong(one, report, reports, reason)
    send = wire(report)
    if reason == "unknown_type":
        headers = tuple((n, b"corridor.weather.reported.v1" if n == "ce_type" else v) for n, v in send.headers)
        return report, replace(send, headers=headers)
    if reason == "not_entitled":
        topic = wire(replace(report, party="rai")).topic
        return report, replace(send, topic=topic)
    return report, send


def _wrong(one: Voyage, report: Report, reports: Sequence[Report], reason: str) -> Report:
    if reason == "check_digit":
        box = one.containers[0]
        return replace(report, subject=f"{box[:-1]}{(int(box[-1]) + 1) % 10}", data={**report.data, "code": "SEAL"})
    if reason == "type_changed":
        plan = next(r for r in reports if r.type == catalogue.PLANNED and r.party == "pr")
        return replace(report, id=plan.id, at=one.at(330))
    changes = {
        "bad_field": {"code": "ARRIVED"},
        "time_without_offset": {"occurred_at": report.data["occurred_at"][:19]},
        "from_the_future": {"updated_at": "2099-01-01T00:00:00Z"},
        "too_large": {"padding": "x" * MAX_INCOMING},
    }
    return replace(report, data={**report.data, **json.loads(json.dumps(changes.get(reason, {})))})
