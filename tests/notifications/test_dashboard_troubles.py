"""The dashboard when things go wrong: a box left behind, reports that disagree, a service that does not answer.

Two weeks after a train has set out with two boxes of one consignment: one is delivered, nobody has heard of the other
since it was taken off.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from deploy.settled import Watch
from tests.notifications.pages import CONTROL, opened, page_of, phase, row, show
from tests.support import builders as b
from tests.support.browser import NO_BROWSER, watched_page
from tests.support.system import System, running_system, until

pytestmark = [NO_BROWSER, pytest.mark.servers]

NOW = b.START + timedelta(hours=420)
LEFT = b.container(100101)
SPARE, ONWARD = b.wagon(2), b.wagon(3)
NEXT_TRAIN = "train:rai/40173/2026-06-25"
NEVER_PLANNED = "train:pr/GHOST/2026-06-30"
CALLS = [{"point": "pk-lahore", "departure": b.hours(0)}, {"point": "ir-zahedan", "arrival": b.hours(58)}]


@pytest_asyncio.fixture(scope="module")
async def system() -> AsyncIterator[System]:
    async with running_system(clock="stepped", settings={"SESSION_TIMEOUT_SECONDS": "6"}) as running:
        async with Watch(running.services.endpoints, running.stack.access, running.tokens["operations"]) as w:
            await w.step(NOW, 20)
        await running.send(
            b.a_booking([b.CONTAINER, LEFT]),
            b.a_plan(calls=CALLS),
            b.a_consist({b.WAGON: [b.CONTAINER], SPARE: [LEFT]}, at=-2),
            b.a_milestone("DEPA", at=1),
            *disputed(b.TRAIN, "DEPA", 24, "pk-quetta"),
            b.a_milestone("DEPA", at=50, point="pk-taftan"),
            b.a_milestone("BARR", at=52, point="ir-mirjaveh", party="rai"),
            b.a_milestone("ARRI", at=60, point="ir-zahedan", party="rai"),
            b.a_milestone("DISC", LEFT, 61, "ir-zahedan", party="zahedan-yard", wagon=SPARE),
            b.a_consist({ONWARD: [b.CONTAINER]}, NEXT_TRAIN, 80, "ir-zahedan", party="rai"),
            b.a_milestone("DEPA", NEXT_TRAIN, 81, "ir-zahedan", party="rai"),
            b.a_milestone("DLVD", b.CONTAINER, 405, "ru-astrakhan", party="astrakhan-terminal"),
            b.a_declaration(at=300, jurisdiction="EAEU", procedure="TRANSIT"),
            b.a_declaration(at=380, jurisdiction="RU", procedure="IMPORT"),
            *disputed(SPARE, "DTCH", 62, "ir-zahedan"),
            *disputed(NEVER_PLANNED, "DEPA", 200, "pk-lahore"),
        )
        await running.settled()
        yield running


def disputed(subject: str, code: str, at: float, point: str) -> list[Any]:
    """A report, and two later versions of it that cannot both be right."""
    name = f"{code} of {subject}"
    later = {"id": name, "updated_at": b.hours(at + 9)}
    return [
        b.a_milestone(code, subject, at, point, id=name),
        b.a_milestone(code, subject, at + 1, point, **later),
        b.a_milestone(code, subject, at + 2, point, **later),
    ]


def chip(page: Page, word: str) -> Locator:
    return page.locator(".chip", has_text=word)


def kind(page: Page, word: str) -> Locator:
    return page.get_by_role("group", name="Kinds").get_by_role("button", name=word)


# --- What needs somebody


async def test_trouble_of_a_kind_that_is_switched_off_is_counted_and_reachable(
    system: System, browser: Browser
) -> None:
    async with opened(system, browser) as watched:
        page = watched.page
        about = page.locator(".about")
        await expect(row(page, SPARE)).to_have_count(0)
        # Both boxes, their consignment, three trains, and the wagon.
        await expect(about).to_contain_text("7 need attention, 1 of them not in this list")
        await expect(chip(page, "Needs attention")).to_contain_text("7")
        await about.get_by_role("link").click()
        await expect(row(page, SPARE)).to_contain_text("reports disagree")
        await expect(kind(page, "Wagons")).to_have_attribute("aria-pressed", "true")
        await chip(page, "Held").click()
        await expect(about).to_contain_text("None of")
        await expect(about).to_contain_text("7 need attention, not in this list")


async def test_trouble_with_what_is_not_in_the_list_is_there(system: System, browser: Browser) -> None:
    async with opened(system, browser) as watched:
        page = watched.page
        ghost = row(page, NEVER_PLANNED)
        await expect(ghost).to_contain_text("reports disagree")
        await ghost.get_by_role("link").click()
        await expect(page.locator(".attention")).to_contain_text("Departed Lahore, PK")
        await expect(page.locator(".empty")).to_contain_text("No report of it counts yet")
        watched.forget()


async def test_a_part_that_nobody_has_heard_of_is_a_matter_of_its_consignment(system: System, browser: Browser) -> None:
    async with opened(system, browser) as watched:
        page = watched.page
        await chip(page, "Silent").click()
        await expect(row(page, LEFT)).to_be_visible()
        await row(page, b.CONSIGNMENT).get_by_role("link").first.click()
        silent = page.locator(".attention li", has_text="Part silent since 24 Jun 21:30 +03:30")
        await expect(silent.get_by_role("link", name=LEFT.split(":")[1])).to_be_visible()


async def test_a_box_left_behind_shows_its_silence_and_whose_the_papers_are(system: System, browser: Browser) -> None:
    async with opened(system, browser, page_of(LEFT)) as watched:
        page = watched.page
        first = page.locator(".timeline > li").first
        await expect(first).to_contain_text("Silent: 14 d 23 h without a report of a movement, up to now")
        await expect(page.locator(".attention")).to_contain_text("Silent since 24 Jun 21:30 +03:30")
        # It left Pakistan without permission as well.
        matters = await page.locator(".attention li").count()
        await expect(chip(page, "Troubles").locator("b")).to_have_text(str(matters))
        papers = page.locator(".fact", has_text="Customs RU, import")
        await expect(papers.get_by_role("link", name="B1")).to_have_attribute("href", page_of(b.CONSIGNMENT))
        coming = page.locator(".fact.expected", has_text="Serakhs")
        await expect(coming).to_contain_text("no estimate yet, not declared")
        await chip(page, "Troubles").click()
        await expect(page.locator(".timeline > li")).to_have_count(matters)
        await expect(first).to_contain_text("Silent")


async def test_what_disagrees_is_shown_with_its_values(system: System, browser: Browser) -> None:
    async with opened(system, browser, page_of(b.TRAIN)) as watched:
        page = watched.page
        values = [r"23 Jun 10:00 \+05:00 by PR counts", r"23 Jun 11:00 \+05:00 by PR", r"23 Jun 12:00 \+05:00 by PR"]
        for place in (page.locator(".attention"), page.locator(".fact.exception")):
            await expect(place).to_contain_text("Departed Quetta, PK")
            for value in values:
                await expect(place.locator(".sayings li").filter(has_text=re.compile(f"^{value}$"))).to_have_count(1)
        fact = page.locator(".fact.milestone", has_text="Quetta")
        await expect(fact).to_contain_text("disputed: reports differ")
        await expect(fact.locator(".sayings li")).to_have_count(2)
        crossed = page.locator(".fact", has_text="Crossed frontier")
        await expect(crossed).to_contain_text("inferred from a report by RAI")


async def test_a_train_at_the_end_of_its_plan_has_ended(system: System, browser: Browser) -> None:
    async with opened(system, browser, "#/shipments?kind=train,container") as watched:
        page = watched.page
        await expect(row(page, b.TRAIN)).to_contain_text("ended")
        await expect(row(page, b.TRAIN).locator(".age")).to_have_class("age ended")
        await expect(row(page, NEXT_TRAIN)).to_contain_text("under way")
        keys = "rows => rows.map(row => row.dataset.key)"
        order = await page.evaluate(
            """async () => {
                const { sorted } = await import("./rows.js");
                const { lines } = await import("./lines.js");
                const calm = lines().map((line) => ({ ...line, matters: [], rank: 9 }));
                return sorted(calm, new URLSearchParams()).map((line) => line.row.subject);
            }"""
        )
        assert order.index(NEXT_TRAIN) < order.index(LEFT) < order.index(b.TRAIN)
        await page.get_by_role("button", name="Status").click()
        await expect(page.get_by_role("columnheader", name="Status")).to_have_attribute("aria-sort", "ascending")
        up = await page.locator("tbody tr").evaluate_all(keys)
        await page.get_by_role("button", name="Status").click()
        await expect(page.get_by_role("columnheader", name="Status")).to_have_attribute("aria-sort", "descending")
        down = await page.locator("tbody tr").evaluate_all(keys)
        assert (up[0], up[1]) == (down[-1], down[-2]) == (b.CONTAINER, b.TRAIN)


# --- Finding, and finding back


async def test_a_search_looks_in_all_kinds_and_kinds_narrow_it(system: System, browser: Browser) -> None:
    async with opened(system, browser) as watched:
        page = watched.page
        await expect(kind(page, "Wagons")).to_have_attribute("aria-pressed", "false")
        await page.get_by_role("searchbox").fill(SPARE.split("/")[1])
        await expect(row(page, SPARE)).to_be_visible()
        await expect(page.locator(".about")).to_contain_text("looked for in all kinds")
        await expect(kind(page, "Wagons")).to_have_attribute("aria-pressed", "true")
        await kind(page, "Wagons").click()
        await expect(row(page, SPARE)).to_have_count(0)
        await expect(page.locator(".note")).to_contain_text("1 more in kinds that are switched off")
        await page.get_by_role("link", name="Show all kinds").click()
        await expect(row(page, SPARE).locator(".what .more")).to_have_attribute("title", re.compile("1520 mm"))


async def test_who_comes_back_finds_the_list_as_it_was_left(system: System, browser: Browser) -> None:
    async with opened(system, browser, "#/shipments?needs=silent", viewport={"width": 375, "height": 420}) as watched:
        page = watched.page
        link = row(page, LEFT).get_by_role("link")
        for back in (page.go_back, page.get_by_role("link", name="All shipments").click):
            await link.scroll_into_view_if_needed()
            await link.focus()
            before = await page.evaluate("scrollY")
            assert before > 0
            await page.keyboard.press("Enter")
            await expect(page.locator("h1")).to_be_focused()
            assert await page.evaluate("scrollY") == 0
            await back()
            await expect(link).to_be_focused()
            assert await page.evaluate("scrollY") == before
            assert "needs=silent" in page.url


@pytest.mark.parametrize("view", ["#/subjects/container/%E0%A4%A", "#/subjects/ship/X", "#/subjects", "#/shipment"])
async def test_an_address_that_leads_nowhere_says_so(system: System, browser: Browser, view: str) -> None:
    async with opened(system, browser, view) as watched:
        await expect(watched.page.locator("h1")).to_have_text("No such page")
        await watched.page.get_by_role("link", name="Show all shipments").click()
        await expect(row(watched.page, b.TRAIN)).to_be_visible()


async def test_another_tab_is_the_party_of_the_tab_that_was_used_last_and_leaves_with_it(
    system: System, browser: Browser
) -> None:
    url = system.services.url("notifications")
    async with opened(system, browser) as watched:
        rai = await watched.page.context.new_page()
        await rai.goto(f"{url}/#token={system.tokens['rai']}")
        await expect(rai.locator("details.who")).to_contain_text("Islamic Republic")
        async with watched.page.context.expect_page() as opening:
            await row(watched.page, b.CONSIGNMENT).get_by_role("link").first.click(modifiers=["Control"])
        other = await opening.value
        await expect(other.locator("h1")).to_contain_text("B1")
        await expect(other.locator("details.who")).to_contain_text("Corridor control room")
        await other.locator("details.who summary").click()
        await other.get_by_role("button", name="Leave this page").click()
        await expect(watched.page.locator(".door")).to_contain_text("left in another tab")
        await expect(phase(rai)).to_have_attribute("data-phase", "live")
        await other.goto("about:blank")
        alone = await browser.new_page()
        await alone.goto(url)
        await expect(alone.locator(".door")).to_contain_text("Nobody is signed in here")
        await alone.context.close()


# --- Clocks


async def test_each_time_is_told_by_one_clock_that_is_named(system: System, browser: Browser) -> None:
    async with opened(system, browser, timezone_id="Europe/London") as watched:
        page = watched.page
        await expect(page.locator(".now")).to_contain_text("9 Jul 17:00 UTC")
        await show(page, page_of(b.CONTAINER))
        await expect(page.locator(".now")).to_contain_text("9 Jul 21:00 +04:00 in Astrakhan, RU")
        for what, told, clock in (
            ("Customs RU, import: lodged", "8 Jul 05:00 +04:00", "Astrakhan, RU"),
            ("Customs EAEU, transit: lodged", "4 Jul 20:30 +03:30", "Zahedan, IR"),
        ):
            time = page.locator(".fact", has_text=what).locator("time")
            await expect(time).to_have_text(told)
            await expect(time).to_have_attribute("title", re.compile(f"UTC; told by the clock of {clock}$"))
        booked = page.locator(".intervals li", has_text="in consignment")
        await expect(booked).to_contain_text("20 Jun 10:00 +05:00")
        await show(page, page_of(LEFT))
        await expect(page.locator("dl")).to_contain_text("+03:30, for 15 d")
        await page.get_by_role("button", name="Mine").click()
        await expect(page.locator(".now")).to_contain_text("9 Jul 18:00 +01:00")
        utc = "async () => (await import('./time.js')).tell('2026-01-09T17:00:00Z', { by: 'mine' }).offset"
        assert await page.evaluate(utc) == "UTC"


async def test_when_it_was_observed_is_told_at_every_width_with_its_utc(system: System, browser: Browser) -> None:
    async with opened(system, browser) as watched:
        page = watched.page
        for width in (1440, 768, 375):
            await page.set_viewport_size({"width": width, "height": 900})
            time = row(page, LEFT).locator(":not(.due) > time").locator("visible=true")
            await expect(time).to_have_text("24 Jun 21:30 +03:30")
            # What the pointer rests on is the time itself, not the link that fills the row.
            await time.hover()
            await expect(time).to_have_attribute("title", "24 Jun 18:00 UTC")
        await time.click()
        await expect(page.locator("h1")).to_contain_text(LEFT.split(":")[1])


# --- When nobody answers


async def test_a_page_that_gets_no_answer_asks_seldom(system: System, browser: Browser) -> None:
    url = system.services.url("notifications")
    async with watched_page(browser, url) as watched:
        await watched.page.route("**/v1/**", lambda route: route.abort())
        await watched.page.goto(f"{url}/#token={system.tokens[CONTROL]}{page_of(b.TRAIN)[1:]}")
        # The pauses grow: after three tries, the next one is four seconds away.
        await expect(watched.page.locator(".trouble")).to_contain_text(re.compile("Next try in [34] s"))
        assert len([a for a in watched.addresses if "/v1/" in a]) < 12


async def test_a_page_that_gets_no_more_answers_asks_seldom(system: System, browser: Browser) -> None:
    async with opened(system, browser, page_of(b.TRAIN)) as watched:
        page = watched.page
        before = len(watched.addresses)
        await page.context.set_offline(True)
        await page.get_by_role("button", name="Try now").click()
        await expect(page.locator(".trouble")).to_contain_text(re.compile("Next try in [34] s"))
        assert len(watched.addresses) - before < 12
        await page.context.set_offline(False)
        await expect(phase(page)).to_have_attribute("data-phase", "live")
        await expect(page.locator(".trouble")).to_have_count(0)
        watched.forget()


async def is_away(system: System, expected: bool) -> bool:
    """Whether tracking is said to be away, as expected."""
    found = await system.get("notifications", "/v1/overview", CONTROL, limit=1)
    return ("tracking" in found["away"]) is expected


async def test_a_page_whose_news_cannot_come_says_so_though_its_connection_is_good(
    system: System, browser: Browser
) -> None:
    async with opened(system, browser) as watched:
        page = watched.page
        ask = "async () => (await import('./sync.js')).retryNow()"
        system.services.stop("tracking-1")
        # Kafka misses it after its session, the service at its next looks.
        await until(lambda: is_away(system, True), 60, "the look at who is at work")
        await page.evaluate(ask)
        await expect(phase(page)).to_contain_text("Live, in part")
        await expect(page.locator(".trouble")).to_contain_text("Nothing new comes in about trains, wagons, containers")
        system.services.start("tracking-1")
        await until(lambda: is_away(system, False), 60, "the look at who is at work")
        await page.evaluate(ask)
        await expect(phase(page)).to_have_text("Live")
        await expect(page.locator(".trouble")).to_have_count(0)


# --- Live items


async def test_older_items_are_asked_for(system: System, browser: Browser) -> None:
    told = (await system.get("notifications", "/v1/feed", CONTROL, limit=1000))["items"]
    before = await system.get("notifications", "/v1/feed", CONTROL, last=3, before=told[-2]["sequence"])
    assert before["items"] == told[-5:-2]
    forget = """async () => {
        const { state, changed } = await import("./state.js");
        state.items.splice(0, state.items.length - 2);
        state.older.isAll = false;
        changed();
    }"""
    async with opened(system, browser, "#/live") as watched:
        page = watched.page
        await expect(page.locator(".item")).to_have_count(len(told))
        await expect(page.locator(".further")).to_contain_text("There is nothing older")
        await page.evaluate(forget)
        await expect(page.locator(".item")).to_have_count(2)
        await page.get_by_role("button", name="Look further back").click()
        await expect(page.locator(".item")).to_have_count(len(told))
        shown = await page.locator(".item").evaluate_all("all => all.map((one) => one.dataset.item)")
        assert shown == [item["item"] for item in reversed(told)]
        # Which of several countries' arrivals was told last does not matter: each is told by its own clock.
        times = page.locator(".item", has_text="Arrived in the country").locator(".when time")
        await expect(times.filter(has_text="24 Jun 12:30 +03:30")).not_to_have_count(0)
