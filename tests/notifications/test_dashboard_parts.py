"""The dashboard where things are apart: boxes of one consignment, boxes used again, what cannot be in this order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from deploy.settled import Watch
from tests.notifications.pages import opened, page_of, row, show
from tests.support import builders as b
from tests.support.browser import NO_BROWSER
from tests.support.system import System, running_system

pytestmark = [NO_BROWSER, pytest.mark.servers]

NOW = b.START + timedelta(hours=500)
STAYED, USED_AGAIN, DELIVERED, TORN, CLAIMED = (b.container(n) for n in (100101, 100102, 100103, 100104, 100105))
TWO, DONE, NEXT = (f"consignment:indus-forwarding/{n}" for n in ("TWO", "DONE", "NEXT"))
MINE, RIVAL = "consignment:indus-forwarding/MINE", "consignment:volga-logistics/RIVAL"
OTHER_TRAIN = "train:rai/40173/2026-06-22"


@pytest_asyncio.fixture(scope="module")
async def system() -> AsyncIterator[System]:
    async with running_system(clock="stepped") as running:
        async with Watch(running.services.endpoints, running.stack.access, running.tokens["operations"]) as w:
            await w.step(NOW, 20)
        await running.send(*_apart(), *_of_one_train(), *_contested())
        await running.settled()
        yield running


def _apart() -> list[Any]:
    """A box that came and one that never left; a box that came and went with the next goods; one typed late."""
    terminal: dict[str, Any] = {"point": "ru-astrakhan", "party": "astrakhan-terminal"}
    return [
        b.a_booking([b.CONTAINER, STAYED], TWO),
        b.a_milestone("DLVD", b.CONTAINER, 300, **terminal),
        b.a_booking([USED_AGAIN], DONE, route_variant=None),
        b.a_milestone("DLVD", USED_AGAIN, 300, **terminal),
        b.a_milestone("MTRT", USED_AGAIN, 310, **terminal),
        b.a_booking([USED_AGAIN], NEXT, 315, origin="ru-astrakhan", destination="pk-lahore"),
        b.a_milestone("GTIN", USED_AGAIN, 320, **terminal),
        b.a_milestone("GTOT", USED_AGAIN, 330, **terminal),
        b.a_booking([DELIVERED], "consignment:indus-forwarding/LATE"),
        b.a_milestone("GTIN", DELIVERED, 290, **terminal),
        b.a_milestone("DLVD", DELIVERED, 300, **terminal),
        b.a_milestone("GTOT", DELIVERED, 300.1, **terminal),
    ]


def _of_one_train() -> list[Any]:
    """A train that is seen where it stands, leaves one point twice, and is then seen between two points."""
    return [
        b.a_consist({b.WAGON: []}, at=-2),
        b.a_milestone("ARRI", at=-1),
        b.a_milestone("PASS", at=-0.5),
        b.a_milestone("DEPA", at=1),
        b.a_milestone("DEPA", at=9),
        b.a_milestone("PASS", at=490, point=None, position={"latitude": 28.1, "longitude": 68.4}),
    ]


def _contested() -> list[Any]:
    """A box in the consists of two trains, and one in two bookings."""
    return [
        b.a_consist({b.wagon(2): [TORN]}, "train:pr/PK0002/2026-06-22"),
        b.a_consist({b.wagon(3): [TORN]}, OTHER_TRAIN, 0.5, "ir-bafq", party="rai"),
        b.a_milestone("DEPA", OTHER_TRAIN, 1, "ir-bafq", party="rai"),
        b.a_booking([CLAIMED], MINE),
        b.a_booking([CLAIMED], RIVAL, party="volga-logistics"),
        b.a_milestone("GTIN", CLAIMED, 2, party="lahore-dry-port"),
    ]


async def test_a_consignment_in_parts_says_how_many_are_where(system: System, browser: Browser) -> None:
    async with opened(system, browser) as watched:
        await expect(row(watched.page, TWO)).to_contain_text("partly delivered")
        await expect(row(watched.page, TWO)).to_contain_text("1 planned, 1 delivered")
        await show(watched.page, page_of(TWO))
        await expect(watched.page.get_by_label("Now", exact=True)).to_contain_text("1 planned, 1 delivered")
        await expect(watched.page.locator(".members li", has_text=STAYED.split(":")[1])).to_contain_text("planned")


async def test_on_a_phone_the_units_stand_below_the_status(system: System, browser: Browser) -> None:
    async with opened(system, browser, viewport={"width": 375, "height": 800}) as watched:
        shown = row(watched.page, TWO)
        await expect(shown).to_contain_text("1 planned, 1 delivered")
        boxes = [await shown.locator(part).bounding_box() for part in (".kind", ".status .tag", ".apart")]
        kind, status, units = (box or pytest.fail("it is not shown") for box in boxes)
        assert kind["x"] + kind["width"] <= min(status["x"], units["x"])
        assert status["y"] + status["height"] <= units["y"]


async def test_what_befell_a_box_until_it_was_delivered_stays_with_its_consignment(
    system: System, browser: Browser
) -> None:
    async with opened(system, browser) as watched:
        await expect(row(watched.page, TWO)).to_contain_text("left the zone without release")
        await expect(row(watched.page, NEXT)).not_to_contain_text("left the zone")


async def test_a_box_that_is_used_again_moves_its_former_consignment_no_more(system: System, browser: Browser) -> None:
    async with opened(system, browser) as watched:
        page = watched.page
        await expect(row(page, NEXT)).to_contain_text("left Astrakhan")
        await expect(row(page, DONE)).to_contain_text("at Astrakhan")
        await expect(row(page, DONE)).not_to_contain_text("silent")
        await show(page, page_of(DONE))
        await expect(page.get_by_label("Consists of")).to_contain_text("delivered")
        await expect(page.locator('.fact[data-code="GTOT"]')).to_have_count(0)


async def test_what_was_typed_behind_the_delivery_is_marked(system: System, browser: Browser) -> None:
    async with opened(system, browser, page_of(DELIVERED)) as watched:
        await expect(watched.page.locator(".state")).to_contain_text("delivered at Astrakhan")
        late = watched.page.locator('.fact[data-code="GTOT"]')
        await expect(late).to_contain_text("cannot be in this order")
        # Nobody has seen it at a border: that it left without permission follows from where it came.
        await expect(watched.page.locator(".fact.violation", has_text="Taftan").first).to_contain_text("inferred")


async def test_a_train_that_leaves_twice_is_flagged_at_the_second_time_alone(system: System, browser: Browser) -> None:
    async with opened(system, browser, page_of(b.TRAIN)) as watched:
        second, first = (watched.page.locator('.fact[data-code="DEPA"]').nth(n) for n in (0, 1))
        await expect(second).to_contain_text("cannot be in this order")
        await expect(first).not_to_contain_text("cannot be")


async def test_who_is_seen_has_passed_nothing_and_is_not_silent(system: System, browser: Browser) -> None:
    async with opened(system, browser) as watched:
        page = watched.page
        await expect(row(page, b.TRAIN)).to_contain_text("10 h ago")
        await expect(row(page, b.TRAIN)).not_to_contain_text("silent")
        await show(page, page_of(b.TRAIN))
        await expect(page.get_by_label("Now", exact=True)).to_contain_text("10 h ago at 28.10° N, 68.40° E")
        for nth in (0, 1):
            await expect(page.locator('.fact[data-code="PASS"]').nth(nth)).to_contain_text("Seen")


async def test_what_is_double_is_said(system: System, browser: Browser) -> None:
    async with opened(system, browser) as watched:
        page = watched.page
        await expect(row(page, TORN)).to_contain_text("on two wagons at once")
        await expect(row(page, MINE)).to_contain_text("claimed by two consignments")
        await expect(row(page, MINE)).not_to_contain_text("×")
        await show(page, "#/live?topic=exception")
        named = page.locator(".item", has_text="Claimed by two consignments").filter(has_text="MINE")
        await expect(named).to_contain_text(CLAIMED.replace(":", " "))


async def test_a_way_that_is_not_known_is_no_trouble_of_what_has_come(system: System, browser: Browser) -> None:
    async with opened(system, browser) as watched:
        await expect(row(watched.page, NEXT)).to_be_visible()
        await expect(row(watched.page, DONE)).not_to_contain_text("way not known")
