"""What customs' door shows of cases, and to whom."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contracts import catalogue
from contracts.envelope.codec import Event
from tests.support import builders as b
from tests.support.doors import Doors
from tests.support.pipeline import Line

pytestmark = pytest.mark.servers

SHARED = f"case:{b.CONSIGNMENT}/EAEU/TRANSIT/1"
PAPER = "reference:smgs:trk:SM-77"
OF_PAPER = f"case:{PAPER}/RU/IMPORT/1"
CAST = [{"party": "ravi-textiles", "role": "shipper"}]
NUMBERED = [{"scheme": "smgs", "issuer": "trk", "number": "SM-77"}]


def held(scope: str, party: str, **more: Any) -> Event:
    said = {"hold": "H1", "occurred_at": b.hours(-35), "reason": "INTEL", "officer": "Zq7-officer"} | more
    return b.an_event(catalogue.HOLD_PLACED, scope, said, party=party)


async def cases(doors: Doors, party: str, **query: Any) -> list[dict[str, Any]]:
    return list((await doors.ask("customs", "/v1/cases", party, **query)).json()["items"])


async def a_shared_case(line: Line) -> None:
    lodged = b.a_declaration(jurisdiction="EAEU", procedure="TRANSIT", number="EA-1")
    accepted = b.a_decision("accept", SHARED, -38, party="kgd", office="Zq7-office", reason="Zq7-reason")
    await line.feed(b.a_booking(parties=CAST), lodged, accepted, held(SHARED, "kgd", office="Zq7-office"))


@pytest.mark.parametrize(
    ("party", "form"),
    [
        ("kgd", "authority"),
        ("fcs", "authority"),
        ("corridor-control", "involved"),
        ("operations", "involved"),
        ("indus-forwarding", "involved"),
        ("ravi-textiles", "involved"),
        ("ktz", "public"),
        ("irica", "public"),
    ],
)
async def test_a_reason_is_read_by_the_country_that_wrote_it_alone(
    line: Line, doors: Doors, party: str, form: str
) -> None:
    await a_shared_case(line)

    (case,) = await cases(doors, party)

    assert case["form"] == form
    secrets = [word for word in ("INTEL", "Zq7-officer", "Zq7-office") if word in json.dumps(case)]
    assert secrets == (["INTEL", "Zq7-officer", "Zq7-office"] if party == "kgd" else [])
    assert "Zq7-reason" not in json.dumps(case)


async def test_the_cases_of_others_leave_no_trace_on_any_page(line: Line, doors: Doors) -> None:
    rivals = [f"consignment:volga-logistics/V{n}" for n in range(5)]
    await line.feed(*(b.a_booking([], r, party="volga-logistics") for r in rivals))
    await line.feed(*(b.a_declaration(r, party="volga-logistics") for r in rivals))
    await line.feed(b.a_booking(parties=CAST), b.a_declaration())

    for party, own in (("ravi-textiles", [b.CASE]), ("sialkot-leather", [])):
        page = (await doors.ask("customs", "/v1/cases", party, limit=1)).json()
        assert ([c["case"] for c in page["items"]], page["after"]) == (own, own[0] if own else None)
    for query in ({"consignment": rivals[0]}, {"state": "LODGED", "consignment": rivals[0]}, {"jurisdiction": "PK"}):
        page = (await doors.ask("customs", "/v1/cases", "sialkot-leather", limit=1, **query)).json()
        assert page == {"items": [], "after": None}


async def test_off_the_route_of_its_goods_and_its_law_nobody_reads_of_a_case(line: Line, doors: Doors) -> None:
    await line.feed(b.a_booking(origin="pk-lahore", destination="pk-quetta", parties=CAST), b.a_declaration())

    seen = {p: bool(await cases(doors, p)) for p in ("pr", "fbr", "rai", "rzd", "irica", "fcs", "zahedan-yard")}

    assert [party for party, sees in seen.items() if sees] == ["pr", "fbr"]


async def test_who_declared_a_document_sees_its_case_and_a_stranger_that_books_it_does_not(
    line: Line, doors: Doors
) -> None:
    guarantee = {"required": True, "number": "Zq7-guarantee"}
    lodged = b.a_declaration(PAPER, jurisdiction="RU", procedure="IMPORT", number="Zq7-number", guarantee=guarantee)
    await line.feed(b.a_booking(references=NUMBERED), lodged)
    cast = [{"party": "sialkot-leather", "role": "consignee"}]
    stranger: Any = {"party": "volga-logistics", "references": NUMBERED, "parties": cast}
    await line.feed(b.a_booking([b.container(2)], "consignment:volga-logistics/V1", **stranger))

    (case,) = await cases(doors, "indus-forwarding")

    assert (case["form"], case["number"]) == ("involved", "Zq7-number")
    assert "volga-logistics" not in json.dumps(case)
    assert await cases(doors, "volga-logistics") == await cases(doors, "sialkot-leather") == []
    feeds = await line.notifications.deliveries()
    assert {i["party"] for i in feeds if i["fact"].startswith(f"{OF_PAPER}|")} >= {"indus-forwarding", "fcs"}
    assert not [i for i in feeds if i["party"] in ("volga-logistics", "sialkot-leather") and OF_PAPER in str(i)]


async def test_what_a_stranger_has_declared_is_no_case_of_his(line: Line, doors: Doors) -> None:
    await line.feed(b.a_booking(parties=CAST), b.a_declaration(party="volga-logistics", number="Zq7-number"))

    assert await cases(doors, "volga-logistics") == []
    assert "Zq7-number" not in json.dumps(await cases(doors, "indus-forwarding"))


async def test_the_parties_of_a_booking_take_part_in_the_case_of_its_document(line: Line, doors: Doors) -> None:
    await line.feed(b.a_booking(parties=CAST, references=NUMBERED))
    await line.feed(b.a_declaration(PAPER, jurisdiction="RU", procedure="IMPORT"))

    forms = {p: [c["form"] for c in await cases(doors, p)] for p in ("indus-forwarding", "ravi-textiles")}

    assert forms == {"indus-forwarding": ["involved"], "ravi-textiles": ["involved"]}


async def test_a_verdict_on_anothers_decision_is_answered_as_one_that_is_not_there(line: Line, doors: Doors) -> None:
    await line.feed(b.a_booking(), b.a_declaration(), b.a_decision("accept", id="d"))
    asked = {"case": b.CASE, "source": b.source_of("fbr"), "id": "d"}

    answers = [
        await doors.ask("customs", "/v1/verdicts", party, **query)
        for party, query in (("irica", asked), ("irica", asked | {"id": "nope"}), ("fbr", asked | {"id": "nope"}))
    ]

    assert {(a.status_code, a.text) for a in answers} == {(404, answers[0].text)}
    assert (await doors.ask("customs", "/v1/verdicts", "fbr", **asked)).json()["verdict"] == "effective"


async def test_operations_sees_of_an_authoritys_dead_letter_where_it_lies_and_not_what_it_says(
    line: Line, doors: Doors
) -> None:
    bad = held(b.CASE, "fbr", remarks="Zq7-remark")
    record = line.customs.record(bad, "customs-decisions-irica")
    await line.customs.take([record])

    listed = (await doors.ask("customs", "/ops/dead-letters", "operations")).json()["items"]
    found = (await doors.ask("customs", f"/ops/dead-letters/{listed[0]['id']}", "operations")).json()

    assert (found["topic"], found["reason"], len(found["sha256"])) == ("customs-decisions-irica", "not_entitled", 64)
    assert not [w for w in ("Zq7", "INTEL") if w in json.dumps([listed, found])]
