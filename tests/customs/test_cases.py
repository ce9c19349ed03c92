"""What customs makes of declarations, decisions and holds: one behaviour of a case each, on the real store."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from contracts import catalogue
from contracts.envelope.codec import Event
from services.chassis.queue import fold_queue
from services.customs.domain import budgets
from tests.support import builders as b
from tests.support.pipeline import Line
from tests.support.stores import Store

pytestmark = pytest.mark.servers

EXPORT = b.CASE
TRANSIT = f"case:{b.CONSIGNMENT}/IR/TRANSIT/1"
SHARED = f"case:{b.CONSIGNMENT}/EAEU/TRANSIT/1"
IMPORT = f"case:{b.CONSIGNMENT}/RU/IMPORT/1"
AUTHORITY = {"PK": "fbr", "IR": "irica", "TM": "tmcustoms", "EAEU": "kgd", "RU": "fcs"}


def law_of(case: str) -> tuple[str, str]:
    return (case.split("/")[-3], case.split("/")[-2])


def lodged(case: str = EXPORT, at: float = -40, **more: Any) -> Event:
    jurisdiction, procedure = law_of(case)
    return b.a_declaration(at=at, **{"jurisdiction": jurisdiction, "procedure": procedure, **more})


def decided(decision: str, at: float, case: str = EXPORT, **more: Any) -> Event:
    return b.a_decision(decision, case, at, party=AUTHORITY[law_of(case)[0]], **more)


def a_hold(hold: str = "H1", at: float = -35, scope: str = EXPORT, party: str = "fbr", **more: Any) -> Event:
    data = {"occurred_at": b.hours(at), "hold": hold, "reason": "RANDOM", "officer": "A1", **more}
    return b.an_event(catalogue.HOLD_PLACED, scope, data, party=party)


def a_lift(hold: str = "H1", at: float = -33, scope: str = EXPORT, party: str = "fbr", **more: Any) -> Event:
    return b.an_event(catalogue.HOLD_LIFTED, scope, {"occurred_at": b.hours(at), "hold": hold, **more}, party=party)


async def case_of(store: Store, key: str = EXPORT) -> Any:
    return (await store.pictures())[key]


def states(case: Any) -> list[str]:
    return [step["state"] for step in case["steps"]]


def verdicts(case: Any) -> list[tuple[str, str]]:
    return [(v["decision"], v["verdict"]) for v in case.get("verdicts", ())]


def findings(case: Any) -> list[str]:
    return [f["finding"] for f in case.get("findings", ())]


async def published(store: Store, entity: str = "") -> list[tuple[str, dict[str, Any]]]:
    """What has gone out of one entity, or of all, as (topic, data)."""
    rows = await store.pool.fetch(
        "SELECT topic, body FROM outbox WHERE ($1 = '' OR key = $1) AND topic LIKE 'customs-%' ORDER BY id", entity
    )
    return [(row["topic"], json.loads(row["body"])) for row in rows]


async def outcomes(store: Store, event: Event) -> list[str]:
    return [r["outcome"] for r in await store.rows("receipt") if r["event_id"] == event.id]


# --- Walks

WALKS: dict[str, tuple[str, str, str]] = {
    "green": (
        EXPORT,
        "accept release start_transit present discharge",
        "LODGED ACCEPTED RELEASED IN_TRANSIT PRESENTED DISCHARGED",
    ),
    "yellow": (EXPORT, "accept review release", "LODGED ACCEPTED DOC_REVIEW RELEASED"),
    "red": (
        TRANSIT,
        "accept inspect present inspected release",
        "LODGED ACCEPTED INSPECTION_ORDERED INSPECTING INSPECTING RELEASED",
    ),
    "the order is changed": (TRANSIT, "accept inspect review", "LODGED ACCEPTED INSPECTION_ORDERED DOC_REVIEW"),
    "seized and returned": (
        TRANSIT,
        "accept inspect present seize return",
        "LODGED ACCEPTED INSPECTION_ORDERED INSPECTING SEIZED CLOSED",
    ),
    "seized and released on appeal": (
        TRANSIT,
        "accept inspect present seize release",
        "LODGED ACCEPTED INSPECTION_ORDERED INSPECTING SEIZED RELEASED",
    ),
    "refused and returned": (EXPORT, "accept review refuse return", "LODGED ACCEPTED DOC_REVIEW REFUSED CLOSED"),
    "an import is closed": (IMPORT, "accept release discharge", "LODGED ACCEPTED RELEASED CLOSED"),
    "recalled from the zone": (SHARED, "accept release inspect", "LODGED ACCEPTED RELEASED INSPECTION_ORDERED"),
    "inspected on the way": (
        SHARED,
        "accept release start_transit inspect present start_transit present",
        "LODGED ACCEPTED RELEASED IN_TRANSIT INSPECTION_ORDERED INSPECTING IN_TRANSIT PRESENTED",
    ),
    "a discrepancy is explained": (
        SHARED,
        "accept release start_transit present discrepancy discharge",
        "LODGED ACCEPTED RELEASED IN_TRANSIT PRESENTED DISCREPANCY DISCHARGED",
    ),
    "a discrepancy becomes a claim, with other proof": (
        SHARED,
        "accept release start_transit present discrepancy claim discharge",
        "LODGED ACCEPTED RELEASED IN_TRANSIT PRESENTED DISCREPANCY CLAIM DISCHARGED",
    ),
    "withdrawn by the office": (EXPORT, "accept review cancel", "LODGED ACCEPTED DOC_REVIEW CANCELLED"),
}


@pytest.mark.parametrize("name", WALKS)
async def test_a_case_walks_through_its_decisions(store: Store, name: str) -> None:
    case, decisions, expected = WALKS[name]
    ruled = [decided(d, n - 38, case) for n, d in enumerate(decisions.split())]

    await store.feed([lodged(case), *ruled])

    found = await case_of(store, case)
    assert states(found) == expected.split()
    assert findings(found) == []
    assert {v for _, v in verdicts(found)} == {"effective"}


async def test_a_rejected_declaration_is_lodged_again_as_the_next_attempt(store: Store) -> None:
    await store.feed([lodged(), decided("reject", -38), lodged(at=-37), decided("accept", -36)])

    case = await case_of(store)
    assert states(case) == ["LODGED", "REJECTED", "LODGED", "ACCEPTED"]
    assert case["attempt"] == 2


async def test_a_refused_case_may_be_lodged_again(store: Store) -> None:
    ruled = [decided("accept", -39), decided("review", -38), decided("refuse", -37)]
    await store.feed([lodged(), *ruled, lodged(at=-36)])

    case = await case_of(store)
    assert (states(case)[-2:], case["attempt"]) == (["REFUSED", "LODGED"], 2)


async def test_advance_data_come_before_the_declaration(store: Store) -> None:
    await store.feed([lodged(at=-50, stage="advance"), lodged(number="PK-1")])

    case = await case_of(store)
    assert (states(case), case["number"]) == (["PRE_ADVISED", "LODGED"], "PK-1")


async def later(store: Store, *events: Event) -> None:
    """Events that the broker takes a minute after those before."""
    store.clock.step(store.clock.now() + timedelta(minutes=1))
    await store.feed(events)


async def test_an_amendment_after_acceptance_waits_for_customs(store: Store) -> None:
    await later(store, lodged(id="d", containers=[b.container(2)]), decided("accept", -39))
    await later(store, lodged(id="d", updated_at=b.hours(1), containers=[b.container(3)]))

    case = await case_of(store)
    assert (case["containers"], findings(case)) == ([b.container(2)], ["AMENDMENT_REQUESTED"])
    assert [r["outcome"] for r in await store.rows("receipt") if r["event_id"] == "d"][-1] == "parked"


async def test_customs_take_an_amendment_over_and_the_case_stays_where_it_is(store: Store) -> None:
    await later(store, lodged(id="d", containers=[b.container(2)]), decided("accept", -39), decided("release", -38))
    await later(store, lodged(id="d", updated_at=b.hours(1), containers=[b.container(3)]))
    await later(store, decided("amend", -30))

    case = await case_of(store)
    assert (case["state"], case["containers"], findings(case)) == ("RELEASED", [b.container(3)], [])
    assert verdicts(case)[-1] == ("amend", "effective")


async def test_what_is_changed_after_an_amendment_waits_again(store: Store) -> None:
    await later(store, lodged(id="d", containers=[b.container(2)]), decided("accept", -39))
    await later(store, lodged(id="d", updated_at=b.hours(1), containers=[b.container(3)]))
    await later(store, decided("amend", -30))
    await later(store, lodged(id="d", updated_at=b.hours(2), containers=[b.container(4)]))

    case = await case_of(store)
    assert (case["containers"], findings(case)) == ([b.container(3)], ["AMENDMENT_REQUESTED"])


async def test_a_declaration_retracted_after_acceptance_stands(store: Store) -> None:
    declaration = lodged(id="d")
    await later(store, declaration, decided("accept", -39), decided("release", -38))
    await later(store, void(declaration))

    case = await case_of(store)
    assert (case["state"], findings(case)) == ("RELEASED", ["WITHDRAWAL_REQUESTED"])
    assert verdicts(case) == [("accept", "effective"), ("release", "effective")]


async def test_a_cancellation_after_acceptance_waits_for_customs(store: Store) -> None:
    await later(store, lodged(), decided("accept", -39))
    await later(store, cancelled("indus-forwarding"))
    asked = await case_of(store)
    await later(store, decided("cancel", -10))

    assert (asked["state"], findings(asked)) == ("ACCEPTED", ["CANCELLATION_REQUESTED"])
    done = await case_of(store)
    assert (done["state"], findings(done)) == ("CANCELLED", [])


async def test_a_declaration_of_a_stranger_waits_and_both_sides_are_told(store: Store) -> None:
    """It takes neither the case nor the decisions that are in force, however early it is dated."""
    await later(store, lodged(), decided("accept", -39), decided("release", -38))
    data = {"jurisdiction": "PK", "procedure": "EXPORT", "number": "FAKE"}
    early = b.an_event(catalogue.LODGED, b.CONSIGNMENT, {**data, "occurred_at": b.hours(-45)}, party="volga-logistics")
    gone = {**data, "occurred_at": b.hours(-37)}
    await later(store, early, b.an_event(catalogue.CANCELLED, b.CONSIGNMENT, gone, party="volga-logistics"))

    case = await case_of(store)
    assert (case["state"], "number" in case, set(findings(case))) == ("RELEASED", False, {"NOT_A_PARTY"})
    assert verdicts(case) == [("accept", "effective"), ("release", "effective")]
    told = [r for r in await store.rows("receipt") if r["party"] == "volga-logistics" and r["outcome"] == "parked"]
    assert {r["detail"] for r in told} == {"waits for a booking that names volga-logistics as its party"}


AGENT = "volga-logistics"
NOTE = {"scheme": "cim", "issuer": "rai", "number": "702688"}
NOTED = "case:reference:cim:rai:702688/PK/EXPORT/1"


def booked(**more: Any) -> Event:
    """A booking that names an agent as its declarant, and its note."""
    agent = {"parties": [{"role": "declarant", "party": AGENT}], "references": [NOTE]}
    return b.a_booking(**{"id": "booking", **agent, **more})


DROPPING: dict[str, dict[str, Any]] = {
    "the agent": {"parties": []},
    "the note": {"references": []},
    "both": {"parties": [], "references": []},
    "all of it": {"retracted": True},
}


@pytest.mark.parametrize("dropped", DROPPING.values(), ids=DROPPING.keys())
@pytest.mark.parametrize("case", [EXPORT, NOTED], ids=["goods", "note"])
async def test_what_customs_accepted_stays_accepted_when_the_booking_drops_who_declared(
    line: Line, case: str, dropped: dict[str, Any]
) -> None:
    about = case.removeprefix("case:").split("/PK/")[0]
    await line.feed_later(booked())
    await line.feed_later(b.a_declaration(about, party=AGENT), decided("accept", -38, case))

    await line.feed_later(booked(updated_at=b.hours(1), **dropped))
    await line.feed_later(decided("release", -30, case))

    ruled = await case_of(line.customs, case)
    assert (ruled["state"], ruled["declarant"], findings(ruled)) == ("RELEASED", AGENT, [])


@pytest.mark.parametrize("case", [EXPORT, NOTED], ids=["goods", "note"])
async def test_who_was_dropped_from_a_booking_before_customs_accepted_is_no_party(line: Line, case: str) -> None:
    about = case.removeprefix("case:").split("/PK/")[0]
    await line.feed_later(booked())
    await line.feed_later(b.a_declaration(about, party=AGENT))
    await line.feed_later(booked(updated_at=b.hours(1), parties=[]))
    await line.feed_later(decided("accept", -38, case))

    ruled = await case_of(line.customs, case)
    assert (verdicts(ruled), findings(ruled)) == ([("accept", "waiting")], ["NOT_A_PARTY"])


async def test_a_declaration_that_is_dated_back_behind_a_decision_changes_nothing(store: Store) -> None:
    """A second one of the same party, taken after the acceptance of the first and dated before it."""
    await later(store, lodged(id="d", containers=[b.container(2)]), decided("accept", -39), decided("release", -38))
    await later(store, lodged(id="other", at=-45, containers=[b.container(3)]))

    case = await case_of(store)
    assert (case["state"], case["containers"]) == ("RELEASED", [b.container(2)])
    assert verdicts(case) == [("accept", "effective"), ("release", "effective")]


async def test_the_acceptance_of_the_next_attempt_may_arrive_before_its_declaration(store: Store) -> None:
    """The rejected one was not accepted by it: what comes later is no back-dated lodging, but what was accepted."""
    await store.feed([lodged(id="d1", at=-40), decided("reject", -39.5)])
    store.clock.step(store.clock.now() + timedelta(hours=1))
    await store.feed([decided("accept", -38)])
    store.clock.step(store.clock.now() + timedelta(hours=1))
    await store.feed([lodged(id="d2", at=-39, attempt=2)])

    case = await case_of(store)
    assert states(case) == ["LODGED", "REJECTED", "LODGED", "ACCEPTED"]
    assert verdicts(case)[-1] == ("accept", "effective")


async def test_a_declaration_that_is_dated_back_by_a_later_revision_takes_no_acceptance_over(store: Store) -> None:
    """Its first revision, dated ahead, was there before the acceptance; what it says now was not."""
    own, others = [b.container(2)], [b.container(3)]
    await later(store, lodged(id="a", containers=own), lodged(id="b", at=24 * 60, containers=others))
    await later(store, decided("accept", -39))
    await later(store, lodged(id="b", at=-41, updated_at=b.hours(1), containers=others))

    case = await case_of(store)
    assert (case["containers"], states(case)) == (own, ["LODGED", "ACCEPTED"])


async def test_an_amendment_is_a_revision_of_the_same_declaration(store: Store) -> None:
    amended = lodged(id="d", updated_at=b.hours(1), containers=[b.container(3)])

    await store.feed([lodged(id="d"), decided("accept", -39), amended])

    case = await case_of(store)
    assert (states(case), case["containers"]) == (["LODGED", "ACCEPTED"], [b.container(3)])


async def test_a_declarant_withdraws_its_declaration(store: Store) -> None:
    await store.feed([lodged(), cancelled("indus-forwarding")])

    assert states(await case_of(store)) == ["LODGED", "CANCELLED"]


async def test_nobody_else_withdraws_a_declaration(store: Store) -> None:
    await store.feed([lodged(), cancelled("volga-logistics")])

    case = await case_of(store)
    assert states(case) == ["LODGED"]
    assert findings(case) == ["NOT_A_PARTY"]


def cancelled(party: str) -> Event:
    data = {"occurred_at": b.hours(-39), "jurisdiction": "PK", "procedure": "EXPORT"}
    return b.an_event(catalogue.CANCELLED, b.CONSIGNMENT, data, party=party)


async def test_the_limit_that_passes_makes_a_transit_overdue_at_that_instant(store: Store) -> None:
    await store.feed([*in_transit(limit=b.hours(10)), decided("present", 20, TRANSIT)])

    case = await case_of(store, TRANSIT)
    assert states(case)[-3:] == ["IN_TRANSIT", "OVERDUE", "PRESENTED"]
    assert case["steps"][-2]["instant"] == b.hours(10)


def in_transit(limit: str | None = None, case: str = TRANSIT) -> list[Event]:
    start = decided("start_transit", -30, case, **({"limit": limit} if limit else {}))
    return [lodged(case), decided("accept", -38, case), decided("release", -36, case), start]


async def test_a_transit_becomes_overdue_when_the_clock_passes_its_limit(store: Store) -> None:
    limit = datetime.fromisoformat(AS_OF) + timedelta(hours=5)
    await store.feed(in_transit(limit=limit.isoformat()))

    store.clock.step(limit + timedelta(seconds=1))
    await store.settler.enqueue_due()
    await store.settle()

    assert states(await case_of(store, TRANSIT))[-1] == "OVERDUE"


AS_OF = "2026-08-01T00:00:00+00:00"


async def test_at_the_instant_of_the_limit_it_is_kept_and_nothing_is_due(store: Store) -> None:
    """A clock that stands at the limit would fire again and again, and the system would never be settled."""
    limit = datetime.fromisoformat(AS_OF) + timedelta(hours=5)
    await store.feed(in_transit(limit=limit.isoformat()))

    store.clock.step(limit)

    assert await store.settler.enqueue_due() == 0
    assert states(await case_of(store, TRANSIT))[-1] == "IN_TRANSIT"


async def test_an_extended_limit_takes_an_overdue_transit_back(store: Store) -> None:
    extended = decided("extend", 20, TRANSIT, limit=b.hours(40))
    await store.feed([*in_transit(limit=b.hours(10)), extended, decided("present", 30, TRANSIT)])

    case = await case_of(store, TRANSIT)
    assert states(case)[-4:] == ["IN_TRANSIT", "OVERDUE", "IN_TRANSIT", "PRESENTED"]
    assert case["limit"] == b.hours(40)


async def test_each_limit_that_passes_is_a_step_of_its_own(store: Store) -> None:
    extended = decided("extend", 20, TRANSIT, limit=b.hours(40))
    await store.feed([*in_transit(limit=b.hours(10)), extended, decided("claim", 50, TRANSIT)])

    case = await case_of(store, TRANSIT)
    assert states(case)[-5:] == ["IN_TRANSIT", "OVERDUE", "IN_TRANSIT", "OVERDUE", "CLAIM"]
    assert len({(s["source"], s["event_id"]) for s in case["steps"]}) == len(case["steps"])


async def test_a_limit_that_has_passed_bounds_no_longer_once_it_is_extended_without_a_date(store: Store) -> None:
    await store.feed([*in_transit(limit=b.hours(10)), decided("extend", 20, TRANSIT)])

    case = await case_of(store, TRANSIT)
    assert (states(case)[-2:], case.get("limit")) == (["OVERDUE", "IN_TRANSIT"], None)


async def test_steps_stay_in_order_when_a_limit_is_set_that_has_passed_already(store: Store) -> None:
    await store.feed([*in_transit(limit=b.hours(10)), decided("extend", 20, TRANSIT, limit=b.hours(15))])

    instants = [s["instant"] for s in (await case_of(store, TRANSIT))["steps"]]
    assert instants == sorted(instants)


async def test_a_limit_of_a_bare_date_lasts_until_the_end_of_that_day(store: Store) -> None:
    await store.feed([*in_transit(limit="2026-06-23"), decided("present", 32, TRANSIT)])

    assert states(await case_of(store, TRANSIT))[-2:] == ["IN_TRANSIT", "PRESENTED"]


async def test_goods_under_inspection_go_on_in_transit_only_if_they_were_in_transit_before(store: Store) -> None:
    """Or goods could leave the zone that nobody has ever released."""
    ruled = ["accept", "inspect", "present", "start_transit"]
    await store.feed([lodged(TRANSIT), *(decided(d, n - 38, TRANSIT) for n, d in enumerate(ruled))])

    case = await case_of(store, TRANSIT)
    assert case["state"] == "INSPECTING"
    assert verdicts(case)[-1] == ("start_transit", "conflict")


# --- Verdicts


async def test_a_release_under_a_hold_is_refused_with_the_names_of_the_holds(store: Store) -> None:
    holds = [a_hold("H1"), a_hold("H2", at=-34)]

    await store.feed([lodged(), decided("accept", -38), *holds, decided("release", -30)])

    case = await case_of(store)
    assert case["state"] == "ACCEPTED"
    assert (case["verdicts"][-1]["verdict"], case["verdicts"][-1]["holds"]) == ("refused", ["H1", "H2"])


async def test_what_the_table_does_not_allow_is_a_conflict_and_a_finding(store: Store) -> None:
    await store.feed([lodged(), decided("release", -30)])

    case = await case_of(store)
    assert (case["state"], findings(case)) == ("LODGED", ["ILLEGAL_TRANSITION"])
    assert verdicts(case) == [("release", "conflict")]


async def test_a_finding_goes_when_the_missing_message_arrives(store: Store) -> None:
    await store.feed([lodged(), decided("release", -30)])
    await store.feed([decided("accept", -38)])

    case = await case_of(store)
    assert (case["state"], findings(case)) == ("RELEASED", [])
    assert verdicts(case) == [("accept", "effective"), ("release", "effective")]


async def test_a_decision_waits_for_its_declaration_and_then_takes_effect(store: Store) -> None:
    accepted = decided("accept", -38)

    await store.feed([accepted])
    before = await case_of(store)
    await store.feed([lodged()])

    assert (verdicts(before), findings(before)) == ([("accept", "waiting")], [])
    assert (await case_of(store))["state"] == "ACCEPTED"
    assert await outcomes(store, accepted) == ["accepted", "parked", "effective"]


@pytest.mark.parametrize("decision", ["accept", "release", "cancel"])
async def test_whatever_is_decided_before_a_declaration_is_known_waits(store: Store, decision: str) -> None:
    await store.feed([decided(decision, -38)])

    assert verdicts(await case_of(store)) == [(decision, "waiting")]


async def test_a_decision_that_is_dated_before_its_declaration_is_a_conflict(store: Store) -> None:
    """It does not wait for a declaration, which is there: it has to be put right."""
    await store.feed([lodged(at=-20), decided("accept", -38)])

    assert verdicts(await case_of(store)) == [("accept", "conflict")]


async def test_a_refused_release_asks_to_be_issued_again_when_the_hold_turns_out_void(store: Store) -> None:
    hold = a_hold()
    await store.feed([lodged(), decided("accept", -38), hold, decided("release", -30)])
    await store.feed([void(hold)])

    case = await case_of(store)
    assert (case["state"], verdicts(case)[-1]) == ("ACCEPTED", ("release", "reissue_required"))


def void(event: Event) -> Event:
    """The retraction of an event."""
    data = json.loads(event.body) | {"updated_at": b.hours(100), "retracted": True}
    return b.an_event(event.type, event.subject, data, id=event.id, party=event.source.split(":")[2])


async def test_the_release_that_is_issued_again_takes_effect(store: Store) -> None:
    hold = a_hold()
    await store.feed([lodged(), decided("accept", -38), hold, decided("release", -30)])
    await store.feed([void(hold), decided("release", -20)])

    assert (await case_of(store))["state"] == "RELEASED"


async def test_that_a_release_was_refused_is_not_forgotten_while_its_declaration_is_away(store: Store) -> None:
    declaration, hold = lodged(), a_hold()
    await store.feed([declaration, decided("accept", -38), hold, decided("release", -30)])
    await store.feed([void(declaration)])
    await store.feed([void(hold)])

    again = json.loads(declaration.body) | {"updated_at": b.hours(200)}
    await store.feed([b.an_event(catalogue.LODGED, b.CONSIGNMENT, again, id=declaration.id, party="indus-forwarding")])

    case = await case_of(store)
    assert (case["state"], verdicts(case)[-1]) == ("ACCEPTED", ("release", "reissue_required"))


async def test_a_hold_that_arrives_late_takes_a_release_back(store: Store) -> None:
    await store.feed([lodged(), decided("accept", -38), decided("release", -30)])
    await store.feed([a_hold(at=-35)])

    case = await case_of(store)
    assert (case["state"], verdicts(case)[-1]) == ("ACCEPTED", ("release", "refused"))


async def test_a_national_release_under_a_hold_counts_and_is_a_finding(store: Store) -> None:
    release = decided("release", -30, origin="transcribed", national_number="N1")

    await store.feed([lodged(), decided("accept", -38), a_hold(), release])

    case = await case_of(store)
    assert (case["state"], case["held"], findings(case)) == ("RELEASED", True, ["RELEASE_UNDER_HOLD"])
    assert verdicts(case)[-1] == ("release", "effective")


async def test_a_national_decision_counts_whatever_we_know_of_the_steps_before(store: Store) -> None:
    release = decided("release", -30, origin="transcribed", national_number="N1")

    await store.feed([release])

    case = await case_of(store)
    assert (case["state"], findings(case)) == ("RELEASED", ["ILLEGAL_TRANSITION"])
    assert verdicts(case) == [("release", "effective")]


async def test_a_verdict_is_answered_again_when_late_information_changes_it(store: Store) -> None:
    release = decided("release", -30, id="r")
    await store.feed([lodged(), release])
    await store.feed([decided("accept", -38)])

    answers = [data for _, data in await published(store, f"answer:{EXPORT}/{release.source}#r#pk")]
    assert [a["verdict"] for a in answers] == ["conflict", "effective"]
    assert answers[1]["previous_version"] == answers[0]["version"]


async def test_decisions_with_long_names_that_begin_alike_have_answers_of_their_own(store: Store) -> None:
    long = "x" * 390
    await store.feed([lodged(), decided("accept", -38, id=f"{long}a"), decided("review", -37, id=f"{long}b")])

    rows = await store.pool.fetch("SELECT DISTINCT key FROM outbox WHERE key LIKE 'answer:%'")
    assert len(rows) == 2


async def test_a_late_decision_takes_its_place_in_the_order_of_occurrence(store: Store) -> None:
    await store.feed([lodged(), decided("accept", -38), decided("inspect", -30)])
    await store.feed([decided("review", -34)])

    assert states(await case_of(store)) == ["LODGED", "ACCEPTED", "DOC_REVIEW", "INSPECTION_ORDERED"]


async def test_a_retracted_decision_is_as_if_it_had_never_been(store: Store) -> None:
    release = decided("release", -30)
    await store.feed([lodged(), decided("accept", -38), release, void(release)])

    case = await case_of(store)
    assert (case["state"], verdicts(case)) == ("ACCEPTED", [("accept", "effective")])


async def test_two_contents_of_one_decision_are_a_finding(store: Store) -> None:
    await store.feed([lodged(), decided("accept", -38, id="a"), decided("reject", -38, id="a")])

    case = await case_of(store)
    assert (case["state"], findings(case)) == ("LODGED", ["DATA_CONFLICT"])


async def test_everybody_is_told_when_all_that_was_said_of_a_case_is_taken_back(store: Store) -> None:
    """What was published last would stand for ever."""
    declaration = lodged()
    await store.feed([declaration])
    await store.feed([void(declaration)])

    for entity in (f"{EXPORT}#pk", f"{EXPORT}#public", f"{EXPORT}#involved"):
        assert [data["state"] for _, data in await published(store, entity)] == ["LODGED", "NOT_FILED"]


async def test_a_declaration_that_was_for_another_procedure_leaves_the_case(store: Store) -> None:
    wrong = lodged(id="d")
    right = lodged(id="d", procedure="TRANSIT", updated_at=b.hours(1))

    await store.feed([wrong])
    await store.feed([right])

    assert (await case_of(store))["state"] == "NOT_FILED"
    assert (await case_of(store, EXPORT.replace("EXPORT", "TRANSIT")))["state"] == "LODGED"


async def test_a_decision_dated_ahead_is_parked_until_its_time_has_come(store: Store) -> None:
    ahead = b.an_event(
        catalogue.DECISION, EXPORT, {"occurred_at": "2026-08-02T00:00:00Z", "decision": "accept", "officer": "A"}
    )
    ahead = b.an_event(catalogue.DECISION, EXPORT, json.loads(ahead.body), id="ahead", party="fbr")
    await store.feed([lodged(), ahead])
    before = (await case_of(store))["state"]

    store.clock.step(datetime.fromisoformat("2026-08-02T00:00:00Z"))
    await store.settler.enqueue_due()
    await store.settle()

    assert (before, (await case_of(store))["state"]) == ("LODGED", "ACCEPTED")
    assert await outcomes(store, ahead) == ["accepted", "parked", "effective"]


# --- Holds


async def test_several_holds_are_open_at_once_and_lifting_one_leaves_the_others(store: Store) -> None:
    await store.feed([lodged(), a_hold("H1"), a_hold("H2", authority="veterinary"), a_lift("H1")])

    case = await case_of(store)
    assert [(h["hold"], h.get("lifted_at")) for h in case["holds"]] == [("H1", b.hours(-33)), ("H2", None)]
    assert case["held"] is True


async def test_lifting_the_last_hold_releases_nothing(store: Store) -> None:
    refused = decided("release", -34)
    await store.feed([lodged(), decided("accept", -38), a_hold(), refused, a_lift()])

    case = await case_of(store)
    assert (case["state"], case.get("held")) == ("ACCEPTED", None)


async def test_a_release_after_the_hold_was_lifted_takes_effect(store: Store) -> None:
    await store.feed([lodged(), decided("accept", -38), a_hold(), a_lift(), decided("release", -30)])

    assert (await case_of(store))["state"] == "RELEASED"


async def test_a_hold_is_lifted_by_its_own_authority_only(store: Store) -> None:
    shared = [a_hold(scope=SHARED, party="kgd"), a_lift(scope=SHARED, party="fcs")]

    await store.feed([lodged(SHARED), *shared])

    assert (await case_of(store, SHARED))["held"] is True


async def test_a_lifting_that_finds_no_hold_is_parked_until_it_does(store: Store) -> None:
    """Such as one that names the case where the hold is on the container."""
    lift = a_lift()

    await store.feed([lodged(), lift])
    await store.feed([a_hold()])

    assert await outcomes(store, lift) == ["accepted", "parked", "effective"]
    assert (await case_of(store)).get("held") is None


async def test_a_hold_may_be_placed_again_under_its_name(store: Store) -> None:
    await store.feed([lodged(), a_hold(at=-35), a_lift(at=-33), a_hold(at=-31)])

    case = await case_of(store)
    assert [h.get("lifted_at") for h in case["holds"]] == [b.hours(-33), None]


@pytest.mark.parametrize("scope", [b.CONSIGNMENT, b.CONTAINER, b.WAGON])
async def test_a_hold_stops_the_case_of_the_goods_that_it_is_on(line: Line, scope: str) -> None:
    booking = b.a_booking(wagons=[b.WAGON])
    hold = a_hold(scope=scope)

    await line.feed(booking, lodged(), decided("accept", -38), hold, decided("release", -30))

    case = await case_of(line.customs)
    assert verdicts(case)[-1] == ("release", "refused")
    assert [h["scope"] for h in case["holds"]] == [scope]


async def test_a_hold_on_the_wagon_stops_the_goods_for_as_long_as_they_are_on_it(line: Line) -> None:
    unloaded = b.a_milestone("DISC", b.CONTAINER, at=20, point="pk-lahore", party="lahore-dry-port", wagon=b.WAGON)
    hold = a_hold(scope=b.WAGON)

    await line.feed(b.a_booking(), b.a_consist(), unloaded, lodged(), decided("accept", -38), hold)
    await line.feed(decided("release", 10, id="on"), decided("release", 30, id="off"))

    assert verdicts(await case_of(line.customs))[1:] == [("release", "refused"), ("release", "effective")]


async def test_a_hold_on_another_container_stops_nothing(line: Line) -> None:
    hold = a_hold(scope=b.container(9))

    await line.feed(b.a_booking(), lodged(), decided("accept", -38), hold, decided("release", -30))

    assert (await case_of(line.customs))["state"] == "RELEASED"


async def test_a_hold_of_another_jurisdiction_stops_nothing(line: Line) -> None:
    hold = a_hold(scope=b.CONTAINER, party="irica")

    await line.feed(b.a_booking(), lodged(), decided("accept", -38), hold, decided("release", -30))

    case = await case_of(line.customs)
    assert (case["state"], case.get("holds")) == ("RELEASED", None)


async def test_a_hold_of_either_country_stops_the_transit_that_they_share(line: Line) -> None:
    hold = a_hold(scope=b.CONTAINER, party="fcs")
    ruled = [decided("accept", -38, SHARED), hold, decided("release", -30, SHARED)]

    await line.feed(b.a_booking(), lodged(SHARED), *ruled)

    assert verdicts(await case_of(line.customs, SHARED))[-1] == ("release", "refused")


async def test_a_hold_placed_in_transit_leaves_the_state_as_it_is(store: Store) -> None:
    await store.feed([*in_transit(), a_hold(scope=TRANSIT, at=-20, party="irica")])

    case = await case_of(store, TRANSIT)
    assert (case["state"], case["held"]) == ("IN_TRANSIT", True)


async def test_a_hold_placed_after_the_release_does_not_touch_it(store: Store) -> None:
    await store.feed([lodged(), decided("accept", -38), decided("release", -30), a_hold(at=-20)])

    assert (await case_of(store))["state"] == "RELEASED"


async def test_a_hold_on_goods_opens_and_ends_when_its_time_has_come(line: Line) -> None:
    """Its times are on the container's picture; the case has to see them come nevertheless."""
    hold = a_hold(scope=b.CONTAINER, occurred_at="2026-08-02T00:00:00Z")
    lift = a_lift(scope=b.CONTAINER, occurred_at="2026-08-03T00:00:00Z")
    await line.feed(b.a_booking(), lodged(), hold, lift)
    held = [(await case_of(line.customs)).get("held")]

    for day in (2, 3):
        await line.step(datetime.fromisoformat(f"2026-08-0{day}T00:00:00Z"))
        held.append((await case_of(line.customs)).get("held"))

    assert held == [None, True, None]


async def test_a_hold_of_which_only_the_dates_are_known_stops_on_the_whole_of_both_days(store: Store) -> None:
    hold, lift = a_hold(occurred_at="2026-06-21"), a_lift(occurred_at="2026-06-22")
    early, late = (decided("release", at) for at in (-20, 10))

    await store.feed([lodged(), decided("accept", -38), hold, lift, early, late])

    assert verdicts(await case_of(store))[1:] == [("release", "refused"), ("release", "refused")]


async def test_a_bare_date_is_the_whole_day_where_the_law_rules(store: Store) -> None:
    """In Pakistan the day ends five hours before it does in UTC; an acceptance comes before a review of that day."""
    accepted = decided("accept", 0, occurred_at="2026-06-21")
    await store.feed([lodged(), accepted, b.a_decision("review", at=-10.5), b.a_decision("release", at=-9.5)])

    case = await case_of(store)
    assert verdicts(case) == [("accept", "effective"), ("review", "effective"), ("release", "effective")]
    assert (case["steps"][1]["instant"], case["steps"][1]["day"]) == ("2026-06-20T19:00:00Z", "2026-06-21")


@pytest.mark.parametrize("when", [{"occurred_at": "2026-06-21"}, {}], ids=["of one day", "of one instant"])
@pytest.mark.parametrize("ids", list(itertools.permutations("abc")), ids="".join)
async def test_what_is_decided_at_once_is_ordered_by_what_it_is_and_not_by_its_name(
    store: Store, ids: tuple[str, ...], when: dict[str, Any]
) -> None:
    """The green channel: lodged, accepted and released in one minute."""
    lodging, accepted, release = ids
    ruled = [decided("accept", -30, id=accepted, **when), decided("release", -30, id=release, **when)]
    await store.feed([lodged(at=-30, id=lodging, **when), *ruled])

    case = await case_of(store)
    assert (states(case), findings(case)) == (["LODGED", "ACCEPTED", "RELEASED"], [])


async def test_a_declaration_of_a_day_comes_before_the_acceptance_of_that_day(store: Store) -> None:
    await store.feed([lodged(occurred_at="2026-06-21"), decided("accept", -25)])

    assert (await case_of(store))["state"] == "ACCEPTED"


async def test_what_is_dated_today_is_known_today(store: Store) -> None:
    await store.feed([lodged(occurred_at="2026-08-01")])

    assert (await case_of(store))["state"] == "LODGED"


# --- Forms and topics

SECRET = "Zq7-secret"


async def test_nobody_but_the_authority_gets_a_reason_an_office_or_an_officer(line: Line) -> None:
    """Over all that a journey with every kind of decision and hold publishes."""
    said: Any = {"office": SECRET, "officer": SECRET, "remarks": SECRET}
    events = [b.a_booking(), lodged(office=SECRET), b.a_consist(), b.a_milestone("DEPA", at=2)]
    events += [decided(d, n - 38, reason=SECRET, **said) for n, d in enumerate(["accept", "review", "release"])]
    events += [a_hold(scope=s, **said) for s in (EXPORT, b.CONSIGNMENT, b.CONTAINER)]
    events += [decided("release", -20, reason=SECRET, origin="transcribed", national_number="N1", **said)]
    await line.feed(*events)
    await line.feed(b.a_milestone("DEPA", at=100, point="pk-taftan"))

    leaks = [(t, d) for t, d in await published(line.customs) if SECRET in json.dumps(d) and t != "customs-cases-pk"]

    assert leaks == []
    assert any(SECRET in json.dumps(d) for t, d in await published(line.customs) if t == "customs-cases-pk")
    assert SECRET not in json.dumps([str(r) for r in await line.notifications.deliveries()])


@pytest.mark.parametrize(("authority", "own", "other"), [("kgd", "kz", "ru"), ("fcs", "ru", "kz")])
async def test_of_a_shared_case_each_country_has_its_own_reasons_alone(
    store: Store, authority: str, own: str, other: str
) -> None:
    secret: Any = {"reason": "INTEL", "officer": "Zq7-officer", "office": "Zq7-office"}
    await store.feed([lodged(SHARED), b.a_decision("accept", SHARED, -38, party=authority, office="Zq7-office")])
    await store.feed([a_hold(scope=SHARED, party=authority, **secret)])

    forms = {c: (await published(store, f"{SHARED}#{c}"))[-1] for c in (own, other)}

    assert [t for t, _ in forms.values()] == [f"customs-cases-{own}", f"customs-cases-{other}"]
    assert (forms[own][1]["holds"][0]["reason"], forms[own][1]["office"]) == ("INTEL", "Zq7-office")
    assert [h["hold"] for h in forms[other][1]["holds"]] == ["H1"]
    assert [word for word in ("INTEL", "Zq7") if word in json.dumps(forms[other][1])] == []


async def test_the_public_form_has_only_the_state(store: Store) -> None:
    await store.feed([lodged(number="PK-1"), decided("accept", -38), a_hold()])

    form = (await published(store, f"{EXPORT}#public"))[-1][1]
    told = {name for name, value in form.items() if value not in ([], None)}
    stamps = {"version", "previous_version", "recorded_at", "as_of", "fold", "form"}
    where = {"case", "about", "consignment", "jurisdiction", "procedure", "sequence"}
    assert told - stamps == where | {"state", "since", "held"}


async def test_the_involved_form_says_what_is_to_be_done(store: Store) -> None:
    await store.feed([lodged(), decided("accept", -38), decided("inspect", -37), a_hold()])

    form = (await published(store, f"{EXPORT}#involved"))[-1][1]
    assert form["to_do"] == ["present the goods for inspection", "a hold is open: ask the office"]


@pytest.mark.parametrize(
    ("case", "topics"),
    [
        (EXPORT, ["customs-cases-pk"]),
        (TRANSIT, ["customs-cases-ir"]),
        (SHARED, ["customs-cases-kz", "customs-cases-ru"]),
        (IMPORT, ["customs-cases-ru"]),
    ],
)
async def test_a_case_and_its_answers_go_to_the_countries_of_its_law(
    store: Store, case: str, topics: Sequence[str]
) -> None:
    await store.feed([lodged(case), decided("accept", -38, case, id="a")])

    answer = f"answer:{case}/{b.source_of(AUTHORITY[law_of(case)[0]])}#a"
    forms = {(t, e) for t in topics for e in (f"{case}#{t[-2:]}",) if await published(store, e)}
    assert sorted(t for t, _ in forms) == topics
    answers = {t for topic in topics for t, _ in await published(store, f"{answer}#{topic[-2:]}")}
    assert sorted(answers) == topics


async def test_who_decided_is_told_to_the_country_whose_authority_it_is(store: Store) -> None:
    """Kazakhstan and Russia share a law; the number of the act is for both, its officer for one."""
    act = {"origin": "transcribed", "national_number": "KZ-7", "office": "KZBOL"}
    await store.feed([lodged(SHARED), decided("accept", -38, SHARED, id="a", **act)])

    found = {}
    for country in ("kz", "ru"):
        ((_, answer),) = await published(store, f"answer:{SHARED}/{b.source_of('kgd')}#a#{country}")
        (_, form) = (await published(store, f"{SHARED}#{country}"))[-1]
        found[country] = [
            [one.get(n) for n in ("officer", "office", "national_number")] for one in (answer, *form["verdicts"])
        ]
    assert found == {"kz": [["A1", "KZBOL", "KZ-7"]] * 2, "ru": [[None, None, "KZ-7"]] * 2}


async def test_the_other_forms_go_to_the_topic_that_the_services_read(store: Store) -> None:
    await store.feed([lodged()])

    for entity in (f"{EXPORT}#public", f"{EXPORT}#involved"):
        assert [t for t, _ in await published(store, entity)] == ["customs-events"]


async def test_a_decision_for_another_jurisdiction_is_refused(store: Store) -> None:
    await store.feed([lodged(), b.a_decision("accept", EXPORT, party="irica")])

    (dead,) = await store.rows("dead_letter")
    assert (dead["reason"], (await case_of(store))["state"]) == ("not_entitled", "LODGED")


async def test_a_release_behind_the_lifting_of_its_hold_is_effective_though_both_come_at_once(line: Line) -> None:
    """The hold is on the container: the case learns of its lifting by way of two other pictures."""
    await line.feed(b.a_booking(), b.a_hold(b.CONTAINER))
    await line.feed(lodged(), decided("accept", -39))

    await line.feed(b.a_lift(b.CONTAINER, at=-33), decided("release", -30))

    assert verdicts(await case_of(line.customs)) == [("accept", "effective"), ("release", "effective")]


async def test_a_release_that_is_stored_while_its_case_is_being_folded_is_judged_with_the_lifting(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing waits when the case is asked for; then lifting and release are stored in one batch."""
    await line.feed(b.a_booking(), b.a_hold(b.CONTAINER))
    await line.feed(lodged(), decided("accept", -39))
    late = [line.customs.record(e) for e in (b.a_lift(b.CONTAINER, at=-33), decided("release", -30))]
    ask = fold_queue.behind_news

    async def ask_before_they_come(connection: Any, subjects: Sequence[str], taken: Sequence[str]) -> set[str]:
        found = await ask(connection, subjects, taken)
        if late and subjects:
            await line.customs.take([late.pop(0), late.pop(0)])
        return found

    monkeypatch.setattr(fold_queue, "behind_news", ask_before_they_come)
    await line.customs.pool.execute("INSERT INTO fold_queue (subject, cause) VALUES ($1, 'test')", EXPORT)
    await line.customs.settle()

    assert not late
    assert verdicts(await case_of(line.customs)) == [("accept", "effective"), ("release", "effective")]


async def test_a_release_under_a_hold_that_comes_with_it_is_never_effective(line: Line) -> None:
    await line.feed(b.a_booking())
    await line.feed(lodged(), decided("accept", -39))

    await line.feed(b.a_hold(b.CONTAINER), decided("release", -30))

    assert verdicts(await case_of(line.customs)) == [("accept", "effective"), ("release", "refused")]
    answers = [o["body"] for o in await line.customs.rows("outbox") if o["ce_type"] == catalogue.ANSWER]
    assert not [a for a in answers if b'"effective"' in a and b'"release"' in a]


async def test_of_one_party_so_many_statements_count_and_the_first_ones_stand(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "STATEMENTS_OF_A_PARTY", 3)
    holds = [a_hold(f"H{n}", at=-35 + n) for n in range(6)]

    await store.feed([lodged(), *holds])

    assert [h["hold"] for h in (await case_of(store))["holds"]] == ["H0", "H1", "H2"]
    parked = [r["event_id"] for r in await store.rows("receipt") if r["outcome"] == "parked"]
    assert parked == [one.id for one in holds[3:]]


async def test_whoever_has_no_part_in_the_goods_is_one_finding_however_often_it_declares(store: Store) -> None:
    strangers = [lodged(id=f"d{n}", party="volga-logistics") for n in range(5)]

    await store.feed([lodged(), *strangers])

    assert findings(await case_of(store)) == ["NOT_A_PARTY"]
    assert len([r for r in await store.rows("receipt") if r["outcome"] == "parked"]) == 5


async def test_a_case_shows_its_first_findings(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "FINDINGS_SHOWN", 2)

    await store.feed([lodged(), *(decided("discharge", -30 + n, id=f"x{n}") for n in range(4))])

    assert len(findings(await case_of(store))) == 2
