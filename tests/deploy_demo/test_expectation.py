"""The committed expectation: fresh, and right about what a reader of the story would look up."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.demo import script
from deploy.demo.check import differences, shape, shape_case


@pytest.fixture(scope="module")
def agreed() -> dict[str, Any]:
    return script.agreed()


def facts(agreed: dict[str, Any], subject: str, *codes: str) -> list[str]:
    rows = agreed["subjects"][subject]["timeline"]
    return [f"{row[0]} {row[1]} {row[2]} {row[3]}" for row in rows if not codes or row[0] in codes]


def test_it_is_what_the_truth_gives_now(agreed: dict[str, Any]) -> None:
    assert agreed == script.work_out()


def test_it_is_written_as_its_command_writes_it(agreed: dict[str, Any]) -> None:
    assert script.EXPECTED.read_text(encoding="utf-8") == script.render(agreed) + "\n"


def test_the_figures(agreed: dict[str, Any]) -> None:
    assert agreed["counts"] == {
        "sent": 974,
        "accepted": 922,
        "repeats": 46,
        "dead_letters": 6,
        "parked": 2,
        "subjects": 118,
        "cases": 40,
    }


def test_the_box_that_stays_behind_is_at_zahedan_and_its_consignment_is_not_delivered(agreed: dict[str, Any]) -> None:
    box = agreed["subjects"]["container:PKRU1001189"]

    assert (box["status"], box["place"][0]) == ("at_point", "ir-zahedan")
    assert facts(agreed, "container:PKRU1001189")[-1] == "DISC ir-zahedan 2026-06-27T21:22:00Z zahedan-yard"
    assert agreed["subjects"]["consignment:indus-forwarding/IF-2603"]["status"] == "at_point"
    delivered = [k for k, v in agreed["subjects"].items() if k.startswith("container:") and v["status"] == "delivered"]
    assert len(delivered) == 30


def test_a_box_is_on_three_wagons_one_after_the_other(agreed: dict[str, Any]) -> None:
    wagons = [row for row in agreed["subjects"]["container:KTZU2040518"]["associations"] if row[0] == "on_wagon"]

    assert [row[1].split("/")[0] for row in wagons] == ["wagon:national", "wagon:uic", "wagon:1520"]
    assert [row[2:] for row in wagons] == [
        ["2026-06-21T08:45:00Z", "2026-06-27T23:22:00Z"],
        ["2026-06-28T21:10:00Z", "2026-07-03T19:46:00Z"],
        ["2026-07-03T20:05:00Z", "2026-07-10T11:40:00Z"],
    ]


def test_corrections_and_retractions_are_what_counts(agreed: dict[str, Any]) -> None:
    assert facts(agreed, "train:rai/40173/2026-06-29", "BARR") == ["BARR ir-sarakhs 2026-07-02T12:40:00Z rai"]
    assert facts(agreed, "train:ktz/6647-101-6184/2026-07-07", "ARRI", "DEPA")[0] == (
        "DEPA kz-bolashak 2026-07-07T12:00:00Z ktz"
    )
    assert "kz-beyneu" not in "".join(facts(agreed, "run:pk-ru/001", "ARRI"))
    assert "tm-bereket" not in "".join(facts(agreed, "run:pk-ru/001", "ARRI"))
    assert facts(agreed, "container:PKRU1001050", "GTIN") == ["GTIN pk-lahore 2026-06-18T04:40:00Z lahore-dry-port"]


def test_a_second_hand_report_stands_beside_the_railways_own(agreed: dict[str, Any]) -> None:
    rows = agreed["subjects"]["train:trk/7569-001-6647/2026-07-04"]["timeline"]

    assert ["PASS", "tm-ashgabat", "2026-07-05T04:40:00Z", "trk", "observed", None, ["indus-forwarding"]] in rows


def test_every_frontier_is_crossed_once_and_only_inferred(agreed: dict[str, Any]) -> None:
    rows = agreed["subjects"]["run:pk-ru/001"]["timeline"]

    crossed = [(row[1], row[4]) for row in rows if row[0] == "XBRD"]
    points = ("ir-mirjaveh", "tm-serakhs", "kz-bolashak", "ru-aksarayskaya")
    assert crossed == [(point, "inferred") for point in points]


def test_goods_without_a_container_go_all_the_way(agreed: dict[str, Any]) -> None:
    codes = [row[0] for row in agreed["subjects"]["consignment:volga-logistics/VL-120"]["timeline"]]

    assert codes.count("LOAD") == codes.count("DISC") == 3
    assert codes.count("GCIN") == codes.count("GCOUT") == 2
    assert codes[-1] == "DLVD"


def test_the_inspected_jackets_pass_through_every_state(agreed: dict[str, Any]) -> None:
    case = agreed["cases"]["case:consignment:indus-forwarding/IF-2602/TM/TRANSIT/1"]

    assert [step[0] for step in case["steps"]] == [
        "PRE_ADVISED",
        "LODGED",
        "ACCEPTED",
        "INSPECTION_ORDERED",
        "INSPECTING",
        "INSPECTING",
        "RELEASED",
        "IN_TRANSIT",
        "PRESENTED",
        "DISCHARGED",
    ]


def test_a_release_under_a_hold_does_not_count(agreed: dict[str, Any]) -> None:
    case = agreed["cases"]["case:consignment:indus-forwarding/IF-2604/IR/TRANSIT/1"]

    assert case["not_effective"] == [["early-release-IR-TRANSIT-IF-2604", "refused"]]
    assert [step[1] for step in case["steps"] if step[0] == "RELEASED"] == ["2026-06-29T05:42:00Z"]


def test_a_difference_is_told_with_its_path() -> None:
    expected = {"status": "delivered", "timeline": [["DEPA", "pk-lahore"]], "parked": []}
    found = {"status": "at_point", "timeline": [["DEPA", "pk-sibi"], ["ARRI", "pk-quetta"]], "exceptions": ["X"]}

    assert list(differences(expected, found)) == [
        "$.exceptions: expected '(missing)', found ['X']",
        "$.status: expected 'delivered', found 'at_point'",
        "$.timeline[0][1]: expected 'pk-lahore', found 'pk-sibi'",
        "$.timeline[1]: expected '(missing)', found ['ARRI', 'pk-quetta']",
    ]


def test_what_is_empty_is_the_same_as_what_is_missing() -> None:
    assert list(differences({"parked": []}, {"calls": [], "place": None})) == []


def test_a_picture_without_anything_has_a_shape() -> None:
    assert list(differences({"status": "unknown"}, shape({"status": "unknown"}))) == []
    assert list(differences({"state": "LODGED"}, shape_case({"state": "LODGED"}))) == []
