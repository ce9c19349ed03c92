"""The bench of the whole chain runs from end to end: a drift would only show when somebody measures."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from contracts import topics
from contracts.envelope import codec
from tests.bench import command
from tests.bench.chain.box import box
from tests.bench.chain.load import Load, MakeLoad, Numbers
from tests.bench.chain.mix import mix

_TINY = ["--parts", "chain", "--loads", "box", "--count", "48", "--floor-count", "48", "--measures", "drain", "live"]
_SHORT = ["--live-rate", "20", "--window", "1", "--told-after", "0", "--dearest", "1"]


@pytest.mark.servers
@pytest.mark.long
def test_both_chains_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([*_TINY, *_SHORT]) == 0

    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["chain_to_floor"]["box"] > 0
    counted = [f"{chain} box {mode}" for chain in ("floor", "ours") for mode in ("drain", "live fixed")]
    assert set(counted) <= set(found["cpu_ms_per_report"])
    assert sorted(found["commits_per_report"]) == sorted(found["wal_bytes_per_report"]) == counted
    assert all(found["commits_per_report"].values())
    assert all(one["samples"] == one["due"] > 0 for one in found["latency_ms"].values())
    assert all(speed > 0 for speed in found["machine"].values())


@pytest.mark.parametrize("make", [box, mix], ids=["box", "mix"])
def test_a_load_is_what_its_senders_may_send_and_all_of_it_is_new(make: MakeLoad) -> None:
    numbers = Numbers()

    loads = [make(300, numbers), make(300, numbers)]

    sent = [(one.send.source, one.send.id) for load in loads for one in (*load.before, *load.measured)]
    assert [len(load.measured) for load in loads] == [300, 300]
    assert len(set(sent)) == len(sent)
    marks = Counter(one.mark for load in loads for one in load.measured if one.mark)
    assert set(marks.values()) == {1}
    for load in loads:
        _accepted(load)


def test_trains_carry_30_to_62_boxes_and_have_customs_papers() -> None:
    load = mix(2000, Numbers())

    rows = Counter(row.name for one in load.measured for row in topics.TABLE if row.holds(one.send.topic))
    assert set(rows) == {"milestones-<party>", "declarations-<party>", "customs-decisions-<authority>"}
    consists = [json.loads(one.send.value or b"{}") for one in load.measured if (one.send.id or "").startswith("COMP-")]
    carried = [sum(len(wagon["containers"]) for wagon in consist["wagons"]) for consist in consists]
    assert all(30 <= boxes <= 62 for boxes in carried)
    assert len(set(carried)) > 1
    assert len({one.send.source for one in load.measured}) >= 5


def _accepted(load: Load) -> None:
    """Raises for a record that no service would take."""
    for one in (*load.before, *load.measured):
        row = next(row for row in topics.TABLE if row.ingress and row.holds(one.send.topic))
        codec.decode_record(one.send.headers, one.send.value, row.events, topics.MAX_INCOMING)
