"""A container that goes on with other goods: what customs hold of the goods before depends on no order of arrival.

Reports go through the real stores of tracking and customs, cut into batches, folded and handed over as it happens: so
customs may read every picture of tracking, or the last one alone.
"""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from contracts import topics
from contracts.envelope.codec import Event
from tests.customs.test_order import filled
from tests.support import builders as b
from tests.support.pipeline import Line, emptied, hand_over
from tests.support.stores import Store

pytestmark = pytest.mark.servers

EXAMPLES = int(os.environ.get("ORDER_EXAMPLES", "12"))
OTHER = "consignment:volga-logistics/V1"
WAGON = b.wagon(7)
NUMBER = {"origin": "transcribed", "national_number": "N1"}
WAY = (
    ("pk-lahore", "lahore-dry-port", ("GTIN", "DEPA")),
    ("pk-taftan", "pr", ("ARRI", "DEPA")),
    ("ir-mirjaveh", "rai", ("BARR", "DEPA")),
    ("ir-zahedan", "rai", ("ARRI", "DEPA")),
    ("ir-sarakhs", "rai", ("ARRI", "DEPA")),
    ("kz-beyneu", "ktz", ("ARRI", "DEPA")),
    ("ru-astrakhan", "astrakhan-terminal", ("ARRI", "GTOT", "DLVD")),
)
LAWS = (
    ("PK", "EXPORT", "fbr", ("accept", "release", "start_transit", "present", "let_out")),
    ("IR", "TRANSIT", "irica", ("accept", "release", "start_transit", "present", "let_out")),
    ("RU", "IMPORT", "fcs", ("accept", "release")),
)


def moved(code: str, at: float, point: str, party: str) -> Event:
    railway = {"lahore-dry-port": "pr", "astrakhan-terminal": "rzd"}
    sender = railway.get(party, party) if code in ("ARRI", "DEPA") else party
    return b.a_milestone(code, b.CONTAINER, at, point, party=sender, id=f"{code}-{point}-{at}")


@st.composite
def reused(draw: DrawFn) -> list[Event]:
    """A container that carries one consignment, is given back empty, and is taken for another."""
    events = [b.a_booking(id="b1"), b.a_booking(consignment=OTHER, at=560, party="volga-logistics", id="b2")]
    events += _journey(draw, 0)
    if draw(st.booleans()):
        events.append(b.a_milestone("LOAD", b.CONTAINER, 3, "pk-lahore", wagon=WAGON, id="l"))
        events.append(b.a_milestone("DISC", b.CONTAINER, 300, "ir-zahedan", party="rai", wagon=WAGON, id="u"))
    for law, procedure, party, course in LAWS:
        if draw(st.integers(0, 3)):
            events += _papers(draw, law, procedure, party, course)
    scope = draw(st.sampled_from([None, b.CONTAINER, WAGON, b.CONSIGNMENT]))
    if scope:
        events.append(b.a_hold(scope, at=draw(st.sampled_from([10, 200, 700])), id="h"))
    events.append(moved("MTRT", 550, "ru-astrakhan", "astrakhan-terminal"))
    return [*events, *_journey(draw, 600)[:6], moved("GTIN", 590, "pk-lahore", "lahore-dry-port")]


def _journey(draw: DrawFn, begins: float) -> list[Event]:
    hour, found = begins, []
    for point, party, codes in WAY:
        for code in codes:
            hour += draw(st.integers(1, 35))
            if draw(st.integers(0, 4)):
                found.append(moved(code, hour, point, party))
    return found


def _papers(draw: DrawFn, law: str, procedure: str, party: str, course: Sequence[str]) -> list[Event]:
    hour = draw(st.integers(-40, 300))
    case = f"case:{b.CONSIGNMENT}/{law}/{procedure}/1"
    found = [b.a_declaration(b.CONSIGNMENT, hour, jurisdiction=law, procedure=procedure, id=f"d-{law}")]
    for act in course[: draw(st.integers(0, len(course)))]:
        hour += draw(st.integers(1, 80))
        found.append(b.a_decision(act, case, hour, party=party, id=f"{act}-{law}", **NUMBER))
    return found


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(events=reused(), seed=st.integers(0, 2**32))
async def test_every_order_and_every_picture_missed_gives_the_same(
    shared_line: Line, events: list[Event], seed: int
) -> None:
    at_last = await customs_after(shared_line, events, None)
    one_by_one = await customs_after(shared_line, events, random.Random(0), shuffled=False)
    mixed = await customs_after(shared_line, events, random.Random(seed), shuffled=True)

    assert at_last == one_by_one == mixed


async def customs_after(
    shared: Line, events: Sequence[Event], draw: random.Random | None, *, shuffled: bool = False
) -> dict[str, Any]:
    """What customs have in the end: with `draw` folded and handed over on the way, without it only then."""
    line = await emptied(shared)
    pieces, offsets = list(events), itertools.count()
    if draw and shuffled:
        draw.shuffle(pieces)
    for piece in pieces:
        store = line._reader(piece)
        await store.take([b.record_of(piece, store.topic_of(piece), next(offsets))])
        if draw and (not shuffled or draw.random() < 0.5):
            await _hand_on(line.tracking, line.customs)
    await _hand_on(line.tracking, line.customs)
    return filled(await line.customs.pictures())


async def _hand_on(tracking: Store, customs: Store) -> None:
    await tracking.settle()
    await hand_over(tracking, topics.TRACKING_EVENTS.name, customs)
    await customs.settle()


async def test_a_violation_at_the_destination_is_raised_also_when_its_picture_was_missed(shared_line: Line) -> None:
    """Customs read of the container only when it has gone on: the delivery without release is raised all the same."""
    line = await emptied(shared_line)
    await line.feed(
        b.a_booking(),
        moved("GTIN", 0, "pk-lahore", "lahore-dry-port"),
        moved("DLVD", 500, "ru-astrakhan", "astrakhan-terminal"),
        moved("MTRT", 550, "ru-astrakhan", "astrakhan-terminal"),
        b.a_booking(consignment=OTHER, at=600, party="volga-logistics"),
        moved("GTIN", 700, "pk-lahore", "lahore-dry-port"),
    )

    passage = (await line.customs.pictures())[f"passage:{b.CONSIGNMENT}"]
    assert [(v["rule"], v["point"]) for v in passage["violations"]] == [("LEFT_ZONE_WITHOUT_RELEASE", "ru-astrakhan")]
    assert {a["state"] for a in passage["announcements"]} == {"arrived"}


async def test_goods_that_never_came_are_expected_nowhere_when_their_container_goes_on(shared_line: Line) -> None:
    line = await emptied(shared_line)
    await line.feed(
        b.a_booking(), moved("GTIN", 0, "pk-lahore", "lahore-dry-port"), moved("DEPA", 2, "pk-lahore", "pr")
    )
    before = (await line.customs.pictures())[f"passage:{b.CONSIGNMENT}"]["announcements"]

    await line.feed(
        moved("MTRT", 550, "pk-lahore", "lahore-dry-port"),
        b.a_booking(consignment=OTHER, at=600, party="volga-logistics"),
        moved("GTIN", 700, "pk-lahore", "lahore-dry-port"),
    )

    after = (await line.customs.pictures())[f"passage:{b.CONSIGNMENT}"]["announcements"]
    assert ([a["country"] for a in before], after) == (["IR"], [])
