"""Decisions on some of the goods, those of national systems, holds on wagons, limits, seals, offices: an instance of
each kind, and a family of histories around it.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope.codec import Event
from contracts.identifiers.schemes import same_seal
from contracts.refusal import Refused
from services.customs.domain.seals import on_now
from services.customs.domain.shared import SealMark
from tests.customs.folded import a_fact, a_picture, fold_all, passage_of
from tests.support import builders as b

BOXES = tuple(b.container(n) for n in (1, 2, 3))
LAW = f"case:{b.CONSIGNMENT}/IR/TRANSIT/1"
SHARED = f"case:{b.CONSIGNMENT}/EAEU/TRANSIT/1"
NOW = b.START + timedelta(hours=900)
COURSE = ("release", "start_transit", "present", "let_out", "discharge")
STATES = ("RELEASED", "IN_TRANSIT", "PRESENTED", "LET_OUT", "DISCHARGED")


def booked(boxes: Sequence[str] = BOXES, **more: Any) -> list[Event]:
    """A consignment of some containers, as tracking shows it."""
    ends = {"origin": "pk-lahore", "destination": "ru-astrakhan", "route_variant": "R1"}
    members = [{"subject": box, "status": "in_transit"} for box in boxes]
    carries = [{"relation": "in_consignment", "subject": b.CONSIGNMENT, "start": b.hours(-300)}]
    units = [a_picture(box, NOW, associations=carries) for box in boxes]
    return [a_picture(b.CONSIGNMENT, NOW, members=members, **(ends | more)), *units]


def decided(decision: str, at: float, *boxes: str, case: str = LAW, party: str = "irica", **more: Any) -> Event:
    named: dict[str, Any] = {"containers": list(boxes)} if boxes else {}
    return b.a_decision(decision, case, at, party=party, **named, **more)


def accepted(case: str = LAW, party: str = "irica", **more: Any) -> list[Event]:
    jurisdiction, procedure = case.split("/")[-3:-1]
    lodged = b.a_declaration(at=-40, jurisdiction=jurisdiction, procedure=procedure, **more)
    return [lodged, decided("accept", -39, case=case, party=party)]


def case_of(*events: Event, case: str = LAW) -> Any:
    return fold_all(events, NOW)[case].content


def states(case: Any) -> list[str]:
    return [step["state"] for step in case["steps"]]


def apart(case: Any) -> dict[str, str]:
    return {one["unit"]: one["state"] for one in case.get("units", ())}


def verdicts(case: Any) -> list[str]:
    return [v["verdict"] for v in case["verdicts"]]


def findings(case: Any) -> list[str]:
    return [f["finding"] for f in case.get("findings", ())]


# --- Some of the goods


def test_a_discharge_in_part_leaves_the_case_open_for_the_rest() -> None:
    way = [decided(d, n) for n, d in enumerate(("release", "start_transit"))]
    came = [decided("present", 10, BOXES[0]), decided("discharge", 11, BOXES[0], reason="PARTIAL")]

    case = case_of(*booked(), *accepted(), *way, *came)
    assert (case["state"], apart(case), findings(case)) == ("IN_TRANSIT", {BOXES[0]: "DISCHARGED"}, [])

    rest = [decided("present", 20), decided("discharge", 21)]
    case = case_of(*booked(), *accepted(), *way, *came, *rest)
    assert (case["state"], apart(case), set(verdicts(case))) == ("DISCHARGED", {}, {"effective"})


def test_a_discharge_in_part_that_names_nothing_leaves_the_case_open_and_is_a_finding() -> None:
    way = [decided(d, n) for n, d in enumerate(("release", "start_transit", "present"))]
    case = case_of(*booked(), *accepted(), *way, decided("discharge", 11, reason="PARTIAL"))

    assert (case["state"], findings(case)) == ("PRESENTED", ["PARTIAL_WITHOUT_UNITS"])


def test_the_limit_of_what_is_left_behind_passes() -> None:
    way = [decided("release", 0), decided("start_transit", 1, limit=b.hours(100))]
    came = [decided(d, 10, BOXES[0]) for d in ("present", "discharge")]

    case = case_of(*booked(), *accepted(), *way, *came)
    assert (case["state"], apart(case)) == ("OVERDUE", {BOXES[0]: "DISCHARGED"})


def test_what_is_not_held_is_released_while_another_is() -> None:
    hold = b.a_hold(BOXES[1], at=-35, party="irica")
    some = case_of(*booked(), *accepted(), hold, decided("release", 0, BOXES[0], BOXES[2]))
    all_of_it = case_of(*booked(), *accepted(), hold, decided("release", 0))

    assert (some["state"], apart(some)) == ("ACCEPTED", {BOXES[0]: "RELEASED", BOXES[2]: "RELEASED"})
    assert (all_of_it["state"], verdicts(all_of_it)[-1]) == ("ACCEPTED", "refused")


def test_a_case_goes_with_the_last_of_its_units() -> None:
    case = case_of(*booked(), *accepted(), *(decided("release", n, box) for n, box in enumerate(BOXES)))

    assert (case["state"], apart(case), case["steps"][-1]["instant"]) == ("RELEASED", {}, b.hours(2))


def test_what_was_seized_is_not_released_with_the_rest() -> None:
    case = case_of(*booked(), *accepted(), decided("seize", 0, BOXES[0]), decided("release", 1))

    assert (case["state"], apart(case)) == ("RELEASED", {BOXES[0]: "SEIZED"})


def test_a_decision_on_what_is_not_in_the_case_is_a_conflict() -> None:
    case = case_of(*booked(), *accepted(containers=[BOXES[0]]), decided("release", 0, BOXES[1]))

    assert (case["state"], verdicts(case)[-1], findings(case)) == ("ACCEPTED", "conflict", ["UNIT_NOT_DECLARED"])


@given(st.lists(st.tuples(st.sampled_from([*BOXES, None]), st.integers(0, 4)), max_size=14), st.integers(0, 2**32))
def test_each_unit_goes_its_own_way_and_the_case_with_them(acts: list[tuple[str | None, int]], seed: int) -> None:
    """Against a plain reading: what is said of one unit moves it alone; what is said of all, those with the case."""
    events = [*booked(), *accepted()]
    whole, alone = -1, dict[str, int]()
    for at, (box, step) in enumerate(acts):
        events.append(decided(COURSE[step], at, *([box] if box else [])))
        where = alone.get(box, whole) if box else whole
        if not _follows(where, step):
            # What is said of all is about whom it may be about, where the case itself may not.
            alone |= {u: step for u, n in alone.items() if box is None and _follows(n, step)}
        elif box is None:
            alone |= {u: step for u, n in alone.items() if n == whole}
            whole = step
        else:
            alone[box] = step
        whole = _joined(whole, alone)
    random.Random(seed).shuffle(events)

    case = case_of(*events)
    assert case["state"] == ("ACCEPTED", *STATES)[whole + 1]
    assert apart(case) == {u: ("ACCEPTED", *STATES)[n + 1] for u, n in sorted(alone.items()) if n != whole}


def _follows(where: int, step: int) -> bool:
    """Presenting may be left out, and letting out; a release may follow where goods were presented."""
    may = {-1: (0,), 0: (1,), 1: (2, 3, 4), 2: (0, 3, 4), 3: (4,), 4: ()}
    return step in may[where]


def _joined(whole: int, alone: dict[str, int]) -> int:
    if set(alone) != set(BOXES):
        return whole
    left = {n for n in alone.values() if n != 4} or {4}
    return left.pop() if len(left) == 1 else whole


# --- National systems


def national(decision: str, at: float, number: str = "N1", **more: Any) -> Event:
    return decided(decision, at, origin="transcribed", national_number=number, **more)


def test_a_transcribed_decision_has_its_number() -> None:
    with pytest.raises(Refused, match="national_number"):
        decided("release", 0, origin="transcribed")


def test_a_release_that_is_told_again_moves_nothing() -> None:
    here = [decided("release", 0), decided("start_transit", 1, limit=b.hours(50))]
    case = case_of(*booked(), *accepted(), *here, national("release", 2))

    assert (states(case)[-2:], findings(case)) == (["IN_TRANSIT", "OVERDUE"], [])
    assert verdicts(case)[-1] == "effective"


def test_the_same_number_is_an_echo_also_where_the_goods_were_recalled() -> None:
    case = case_of(*booked(), *accepted(), national("release", 0), decided("inspect", 1), national("release", 2))
    anew = case_of(*booked(), *accepted(), national("release", 0), decided("inspect", 1), national("release", 2, "N2"))

    assert (case["state"], anew["state"]) == ("INSPECTION_ORDERED", "RELEASED")


RANK = {state: n for n, state in enumerate(("LODGED", "ACCEPTED", *STATES))}


@given(st.lists(st.tuples(st.sampled_from(("accept", *COURSE)), st.sampled_from(["N1", "N2"])), max_size=12))
def test_what_a_national_system_tells_never_takes_a_case_back(acts: list[tuple[str, str]]) -> None:
    told = [national(decision, n, number) for n, (decision, number) in enumerate(acts)]
    case = case_of(*booked(), b.a_declaration(at=-40, jurisdiction="IR", procedure="TRANSIT"), *told)

    # Goods that were presented may be released onward, which the table allows.
    ranks = [RANK[state] for state in states(case)]
    steps = list(itertools.pairwise(ranks))
    assert all(one < other or (one, other) == (RANK["PRESENTED"], RANK["RELEASED"]) for one, other in steps)
    assert {v["verdict"] for v in case.get("verdicts", ())} <= {"effective"}


def test_an_import_is_never_in_transit_though_a_national_system_says_so() -> None:
    case = f"case:{b.CONSIGNMENT}/RU/IMPORT/1"
    told = b.a_decision("start_transit", case, 0, party="fcs", origin="transcribed", national_number="N1")
    found = case_of(*booked(), *accepted(case, "fcs"), told, case=case)

    assert (found["state"], findings(found)) == ("ACCEPTED", ["ILLEGAL_TRANSITION"])


# --- Holds on wagons


def on_wagon(box: str, start: float, end: float | None) -> Event:
    ridden = {"relation": "on_wagon", "subject": b.WAGON, "start": b.hours(start)}
    carries = {"relation": "in_consignment", "subject": b.CONSIGNMENT, "start": b.hours(-300)}
    return a_picture(box, NOW, associations=[carries, ridden | ({"end": b.hours(end)} if end is not None else {})])


@given(
    st.integers(-30, 30),
    st.none() | st.integers(1, 40),
    st.integers(-30, 30),
    st.none() | st.integers(0, 40),
    st.integers(-25, 60),
)
def test_a_hold_on_a_wagon_holds_what_is_on_it_while_it_is(
    start: int, ride: int | None, placed: int, held: int | None, at: int
) -> None:
    end, lifted = (start + ride if ride else None), (placed + held if held is not None else None)
    hold = [b.a_hold(b.WAGON, at=placed, party="irica")]
    hold += [b.a_lift(b.WAGON, at=lifted, party="irica")] if lifted is not None else []
    events = [*booked()[:1], a_picture(b.WAGON, NOW), on_wagon(BOXES[0], start, end), *accepted(), *hold]
    case = case_of(*events, decided("release", at))

    stops = max(start, placed) <= at < min(x for x in (end, lifted, 999) if x is not None)
    assert verdicts(case)[-1] == ("refused" if stops else "effective")


# --- Limits


@pytest.mark.parametrize(
    ("office", "state"),
    [("ru-astrakhan", "OVERDUE"), ("ru-moscow", "IN_TRANSIT"), (None, "IN_TRANSIT"), ("kz-atyrau", "OVERDUE")],
)
def test_a_limit_passes_by_the_clock_of_its_office(office: str | None, state: str) -> None:
    """Of a date the last hour is another one in Atyrau, Astrakhan and Moscow; without an office the latest counts."""
    limit: dict[str, Any] = {"limit": "2026-07-11"} | ({"limit_office": office} if office else {})
    way = [
        decided("release", 0, case=SHARED, party="kgd"),
        decided("start_transit", 1, case=SHARED, party="kgd", **limit),
    ]
    events = [*booked(), *accepted(SHARED, "kgd"), *way]
    at = b.START.replace(month=7, day=11, hour=20, minute=30)

    assert fold_all(events, at)[SHARED].content["state"] == state


# --- Offices


@pytest.mark.parametrize(
    ("party", "decision", "verdict"),
    [
        ("kgd", "release", "effective"),
        ("fcs", "release", "conflict"),
        ("fcs", "discharge", "effective"),
        ("kgd", "discharge", "conflict"),
    ],
)
def test_of_a_shared_transit_each_country_decides_on_its_own_end(party: str, decision: str, verdict: str) -> None:
    way = ["release", "start_transit", "present"] if decision == "discharge" else []
    events = [decided(d, n, case=SHARED, party="kgd") for n, d in enumerate(way)]
    case = case_of(
        *booked(), *accepted(SHARED, "kgd"), *events, decided(decision, 10, case=SHARED, party=party), case=SHARED
    )

    assert verdicts(case)[-1] == verdict
    assert findings(case) == ([] if verdict == "effective" else ["WRONG_OFFICE"])


@pytest.mark.parametrize("law", ["EAEU/IMPORT", "EAEU/EXPORT", "RU/TRANSIT", "KZ/TRANSIT"])
def test_a_union_has_transit_alone_and_its_members_have_the_rest(law: str) -> None:
    jurisdiction, procedure = law.split("/")
    with pytest.raises(Refused):
        b.a_declaration(jurisdiction=jurisdiction, procedure=procedure)
    with pytest.raises(Refused):
        b.a_decision("accept", f"case:{b.CONSIGNMENT}/{law}/1", party="fcs")


# --- Seals


def test_the_seals_of_customs_are_announced_to_the_next_country() -> None:
    first = a_fact("DEPA", "pk-lahore", b.hours(2), b.hours(2), seals=[{"number": "LDP1"}, {"number": "NAV7"}])
    carries = {"relation": "in_consignment", "subject": b.CONSIGNMENT, "start": b.hours(-300)}
    unit = a_picture(BOXES[0], NOW, timeline=[first], associations=[carries])
    seals = [{"number": "FBR55", "affixed_by": "customs"}, {"number": "ldp-1", "removed": True}]
    fbr = {"case": b.CASE, "party": "fbr"}
    ruled = [decided("inspect", 3, **fbr), decided("inspected", 4, seals=seals, **fbr)]
    events = [booked(BOXES[:1])[0], unit, *accepted(b.CASE, "fbr"), *ruled]

    (arrival,) = passage_of(fold_all(events, NOW))["announcements"]
    assert arrival["units"][0]["seals"] == ["NAV7", "FBR55"]


marks = st.builds(
    SealMark,
    st.integers(0, 9).map(lambda n: b.START + timedelta(hours=n)),
    st.sampled_from(["S1", "s 1", "S2", "S3"]),
    st.booleans(),
)


@given(st.lists(marks, max_size=8), st.integers(0, 2**32))
def test_seals_accumulate_until_they_are_taken_off_in_whatever_order_they_are_told(
    given_: list[SealMark], seed: int
) -> None:
    mixed = list(given_)
    random.Random(seed).shuffle(mixed)
    last = {same_seal(m.number): m for m in sorted(given_, key=lambda m: (m.instant, not m.removed))}

    on = {n for n, m in last.items() if not m.removed}
    assert [{same_seal(n) for n in on_now(told)} for told in (given_, mixed)] == [on, on]
