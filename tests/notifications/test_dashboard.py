"""The dashboard in a real browser, served by the real service, fed by reports over Kafka.

Every page is watched to its end: nothing on its console, nothing against its policy, no request to another host.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import httpx
import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, Route, expect
from playwright.async_api import Error as PlaywrightError

from contracts.events.tracking import Association, Confidence, Status, Units
from contracts.milestones import lookup as milestones
from contracts.milestones.codes import CODES
from deploy.settled import Watch
from services.customs.domain import passage, transitions
from services.tracking.domain.exceptions import SEVERITY
from tests.notifications.pages import CONTROL, opened, phase, row, show
from tests.support.browser import NO_BROWSER, watched_page
from tests.support.builders import (
    CONSIGNMENT,
    CONTAINER,
    START,
    TRAIN,
    a_booking,
    a_consist,
    a_declaration,
    a_hold,
    a_milestone,
    container,
    hours,
)
from tests.support.system import System, running_system, until

pytestmark = [NO_BROWSER, pytest.mark.servers]

NOW = START + timedelta(hours=60)
OTHER_BOX = container(100101)
VIEWS = ("#/shipments", "#/live", "#/subjects/" + CONTAINER.replace(":", "/"))


@pytest_asyncio.fixture(scope="module")
async def system() -> AsyncIterator[System]:
    """A train on its way from Lahore, with two boxes of one consignment, one of them held; the clock stands."""
    async with running_system(clock="stepped") as running:
        async with Watch(running.services.endpoints, running.stack.access, running.tokens["operations"]) as w:
            await w.step(NOW, 20)
        await running.send(
            a_booking([CONTAINER, OTHER_BOX], references=[{"scheme": "cim", "issuer": "pr", "number": "702647"}]),
            a_declaration(),
            a_hold(),
            a_milestone("STUF", CONTAINER, -30, party="lahore-dry-port"),
            a_milestone("STUF", OTHER_BOX, -29, party="lahore-dry-port"),
            a_consist({"wagon:1520/24548885": [CONTAINER, OTHER_BOX]}, run="run:pk-ru/001", at=-2),
            a_milestone("DEPA", at=0, id="departed"),
            a_milestone("BARR", at=50, point="pk-taftan"),
            a_milestone("DEPA", at=52, point="pk-taftan"),
            a_milestone("BARR", at=53, point="ir-mirjaveh", party="rai"),
            a_milestone(
                "PASS", at=57, point="ir-zahedan", party="indus-forwarding", reported_for="rai", channel="telephone"
            ),
        )
        await running.settled()
        yield running


async def test_the_list_tells_where_since_when_by_whom_how_sure_and_what_is_open(
    system: System, browser: Browser
) -> None:
    async with opened(system, browser) as watched:
        page = watched.page
        train = row(page, TRAIN)
        for told in ("under way", "left Zahedan, IR", "3 h ago", "by Indus forwarding", "second-hand", "24 Jun 17:30"):
            await expect(train).to_contain_text(told)
        await expect(row(page, CONTAINER)).to_contain_text("held, PK")
        await expect(row(page, OTHER_BOX)).not_to_contain_text("held")
        await expect(page.locator("tbody tr").first).to_contain_text("held, PK")
        await expect(page.locator("details.who")).to_contain_text("Corridor control room control")
        await expect(page.locator(".now")).to_contain_text("Corridor at 24 Jun 17:00")
        assert system.tokens[CONTROL] not in page.url
        assert not any("token" in address.partition("#")[0] for address in watched.addresses)


async def test_a_report_changes_the_page_without_a_reload(system: System, browser: Browser) -> None:
    async with opened(system, browser) as watched:
        page = watched.page
        await page.evaluate("window.opened = 1")
        await system.send(a_milestone("LOAD", OTHER_BOX, -20, party="lahore-dry-port", wagon="wagon:1520/24548885"))
        await system.send(a_milestone("ARRI", at=58, point="ir-zahedan", party="rai"))
        await expect(row(page, TRAIN)).to_contain_text("standing")
        await expect(row(page, TRAIN)).to_contain_text("at Zahedan, IR")
        # The boxes follow their train, though nobody is told of each.
        await expect(row(page, OTHER_BOX)).to_contain_text("at Zahedan, IR")
        await page.get_by_role("link", name="Live items").click()
        await expect(page.locator(".item", has_text="Zahedan, IR").first).to_be_visible()
        assert await page.evaluate("window.opened") == 1


async def test_search_finds_by_any_identifier_and_is_in_the_address(system: System, browser: Browser) -> None:
    async with opened(system, browser) as watched:
        page = watched.page
        field = page.get_by_role("searchbox", name="Search")
        for query, found in (
            ("csqu 305438-3", CONTAINER),
            ("24548885", TRAIN),
            ("702647", CONSIGNMENT),
            ("astrakhan", CONSIGNMENT),
        ):
            await field.fill(query)
            await expect(row(page, found)).to_be_visible()
        await field.fill("702647")
        await expect(page.locator("tbody tr")).to_have_count(1)
        assert "q=702647" in page.url
        await page.reload()
        await expect(page.locator("tbody tr")).to_have_count(1)
        await page.get_by_role("searchbox").fill("no such thing")
        await expect(page.locator(".empty")).to_contain_text("fits “no such thing”")
        await page.get_by_role("link", name="Show all shipments").click()
        await expect(row(page, TRAIN)).to_be_visible()
        await page.locator(".chip", has_text="Held").click()
        await expect(row(page, TRAIN)).to_have_count(0)
        assert "needs=held" in page.url


async def test_a_subject_has_its_timeline_by_the_clock_that_is_chosen(system: System, browser: Browser) -> None:
    async with opened(system, browser, "#/subjects/" + CONTAINER.replace(":", "/")) as watched:
        page = watched.page
        facts = page.locator(".timeline .fact.milestone")
        departed = facts.filter(has_text="Departed").filter(has_text="Lahore, PK")
        await expect(departed).to_contain_text("22 Jun 10:00 +05:00")
        await expect(departed.locator("time")).to_have_attribute("title", "22 Jun 05:00 UTC")
        await expect(departed).to_contain_text("with PK0001")
        await expect(facts.filter(has_text="Crossed frontier")).to_contain_text("inferred")
        # Another test lets it arrive where it was seen: then it has passed nothing there.
        await expect(facts.filter(has_text=re.compile("Passed|Seen"))).to_contain_text("second-hand")
        await expect(page.locator(".timeline .gap").first).to_contain_text("2 d 2 h without a report")
        await expect(page.locator(".timeline")).to_contain_text("Hold placed")
        await expect(page.locator(".attention")).to_contain_text("Held, PK")
        order = [text for text in await facts.locator(".headline").all_inner_texts() if text in ("Stuffed", "Departed")]
        assert order == ["Departed", "Departed", "Stuffed"]
        await page.get_by_role("button", name="UTC").click()
        await expect(departed).to_contain_text("22 Jun 05:00 UTC")
        await page.get_by_role("button", name="Place").click()
        await page.locator(".intervals").get_by_role("link", name="B1").click()
        await expect(page.locator("h1")).to_contain_text("B1")
        await expect(page.locator("dl")).to_contain_text("CIM 702647")
        await expect(page.locator(".timeline .fact").filter(has_text="Stuffed")).to_contain_text("all 2")
        await page.locator(".members").get_by_role("link", name=OTHER_BOX.split(":")[1]).click()
        await expect(page.locator("h1")).to_contain_text(OTHER_BOX.split(":")[1])


async def test_what_is_corrected_or_taken_back_stays_and_says_so(system: System, browser: Browser) -> None:
    async with opened(system, browser, "#/live") as watched:
        items = watched.page.locator(".item")
        first = items.filter(has_text="Departed").filter(has_text="Lahore")
        await expect(first).to_have_count(1)
        await system.send(a_milestone("DEPA", at=0.5, id="departed", updated_at=hours(54)))
        replaced = items.filter(has_text="Departed").filter(has_text="replaced by a correction")
        await expect(replaced).to_have_count(1)
        await expect(items.first).to_contain_text("correction was 22 Jun 10:00")
        await system.send(a_milestone("DEPA", at=0.5, id="departed", updated_at=hours(55), retracted=True))
        await expect(items.first).to_contain_text("taken back")
        await expect(items.filter(has_text=re.compile("withdrawn$|withdrawn "))).to_have_count(1)


async def test_the_connection_tells_the_truth_and_nothing_is_missed(system: System, browser: Browser) -> None:
    async with opened(system, browser, "#/live") as watched:
        page = watched.page
        await page.evaluate("window.opened = 1")
        await asyncio.to_thread(system.services.kill, "notifications-1")
        await expect(phase(page)).to_have_attribute("data-phase", re.compile("reconnecting|stale"))
        await system.send(
            a_milestone("DLAY", at=59, point="ir-zahedan", party="rai"),
            a_milestone("DEPA", at=59.5, point="ir-zahedan", party="rai"),
        )
        await expect(phase(page)).to_have_attribute("data-phase", "stale")
        await expect(phase(page)).to_contain_text(re.compile(r"Stale since \d\d:\d\d (UTC|[+-]\d\d:\d\d)"))
        await expect(page.locator(".item").first).to_be_visible()
        await asyncio.to_thread(system.services.start, "notifications-1")
        # It comes back by itself; whoever does not want to wait need not.
        with suppress(PlaywrightError):
            await page.get_by_role("button", name="Try now").click(timeout=1000)
        await expect(phase(page)).to_have_attribute("data-phase", "live")
        await system.settled()
        await expect(page.locator(".item").filter(has_text="Delay with cause")).to_have_count(1)
        await until(lambda: _shows_the_feed(system, page), 10, "the whole feed")
        assert await page.evaluate("window.opened") == 1
        await page.get_by_role("link", name="Shipments").click()
        await expect(row(page, TRAIN)).to_contain_text("left Zahedan, IR")
        await expect(page.locator(".trouble")).to_have_count(0)
        # What the browser itself says of requests that nobody answered, or not yet.
        assert [error for error in watched.errors if "net::ERR_" not in error and "status of 503" not in error] == []
        watched.forget()


async def _shows_the_feed(system: System, page: Page) -> bool:
    told = await system.get("notifications", "/v1/feed", CONTROL, last=300)
    shown = await page.locator(".item").evaluate_all("all => all.map((one) => one.dataset.item)")
    return bool(shown == [item["item"] for item in reversed(told["items"])])


async def test_one_503_is_no_end(system: System, browser: Browser) -> None:
    url = system.services.url("notifications")
    answers = [503, 503]

    async def answer(route: Route) -> None:
        if answers:
            await route.fulfill(status=answers.pop(), headers={"Retry-After": "1"}, json={"detail": "not now"})
        else:
            await route.continue_()

    async with watched_page(browser, url) as watched:
        await watched.page.route("**/v1/stream", answer)
        await watched.page.goto(f"{url}/#token={system.tokens[CONTROL]}/live")
        await expect(phase(watched.page)).to_have_attribute("data-phase", "reconnecting")
        await expect(phase(watched.page)).to_have_attribute("data-phase", "live")
        assert answers == []


async def test_a_party_sees_its_own_and_is_told_why_there_is_nothing(system: System, browser: Browser) -> None:
    async with opened(system, browser, party="indus-forwarding") as watched:
        await expect(row(watched.page, CONTAINER)).to_be_visible()
        await expect(row(watched.page, TRAIN)).to_have_count(0)
        await watched.page.goto(watched.page.url.partition("#")[0] + "#/subjects/" + TRAIN.replace(":", "/", 1))
        await expect(watched.page.locator(".empty")).to_contain_text("not yours to see")
        watched.forget()
    async with opened(system, browser, party="caspian-trading") as watched:
        await expect(watched.page.locator(".empty")).to_contain_text("Nothing is on its way that you may see")


async def test_what_the_page_asks_for_keeps_to_what_may_be_seen(system: System) -> None:
    async def ask(party: str, path: str, **params: Any) -> Any:
        return await system.get("notifications", path, party, **params)

    held = [(f["subject"], f["state"]) for f in (await ask("indus-forwarding", "/v1/attention"))["items"]]
    assert (CONTAINER, "hold_placed") in held
    assert (await ask("volga-logistics", "/v1/attention"))["items"] == []
    whole = await ask(CONTROL, "/v1/overview")
    rows = whole["items"]
    newest = max((row["recorded_at"] for row in rows), key=datetime.fromisoformat)
    since = await ask(CONTROL, "/v1/overview", since=newest)
    assert since["items"] == [row for row in rows if row["recorded_at"] == newest]
    assert (await ask(CONTROL, "/v1/overview", since=hours(61)))["items"] == []
    last = (await ask(CONTROL, "/v1/feed", last=3))["items"]
    assert last == (await ask(CONTROL, "/v1/feed", limit=1000))["items"][-3:]
    page = await ask("indus-forwarding", "/v1/subjects/" + CONSIGNMENT.replace(":", "/"))
    assert {s for step in page["of_parts"] for s in step["subjects"]} == {CONTAINER, OTHER_BOX}
    assert "parties" not in {name for fact in [*page["related"], *page["of_parts"]] for name in fact}
    other = await ask("indus-forwarding", "/v1/subjects/" + OTHER_BOX.replace(":", "/"))
    assert not [fact for fact in other["related"] if fact.get("state") == "hold_placed"]


async def test_a_wrong_token_opens_a_door_that_says_so(system: System, browser: Browser) -> None:
    url = system.services.url("notifications")
    async with watched_page(browser, url) as watched:
        await watched.page.goto(f"{url}/#token=wrong")
        await expect(watched.page.locator(".door")).to_contain_text("not valid")
        await watched.page.get_by_label("Link or token").fill(f"{url}/#token={system.tokens[CONTROL]}/live")
        await watched.page.get_by_role("button", name="Open").click()
        await expect(phase(watched.page)).to_have_attribute("data-phase", "live")


_SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")


async def test_axe_finds_nothing_serious_in_light_and_dark(system: System, browser: Browser) -> None:
    async with opened(system, browser) as watched:
        for view in VIEWS:
            await show(watched.page, view)
            for scheme in _SCHEMES:
                await watched.page.emulate_media(color_scheme=scheme)
                found = (await Axe().run(watched.page)).response["violations"]
                serious = [v for v in found if v["impact"] in ("serious", "critical")]
                assert [(view, scheme, v["id"], v["nodes"][0]["html"]) for v in serious] == []


async def test_no_width_scrolls_sideways(system: System, browser: Browser) -> None:
    async with opened(system, browser) as watched:
        page = watched.page
        for view in VIEWS:
            await show(page, view)
            for width in (1440, 768, 375):
                await page.set_viewport_size({"width": width, "height": 800})
                assert await page.evaluate("document.documentElement.scrollWidth") <= width, view
                await expect(phase(page)).to_contain_text("Live")
                await expect(page.locator("details.who summary b")).to_be_in_viewport()


async def test_the_keyboard_reaches_everything(system: System, browser: Browser) -> None:
    async with opened(system, browser) as watched:
        page = watched.page
        wanted = await page.evaluate(f"[...document.querySelectorAll('{_REACHABLE}')].filter({_SHOWN}).length")
        reached = set()
        for _ in range(wanted + 5):
            await page.keyboard.press("Tab")
            reached.add(
                await page.evaluate(f"[...document.querySelectorAll('{_REACHABLE}')].indexOf(document.activeElement)")
            )
        assert len(reached - {-1}) == wanted
        await page.keyboard.press("/")
        await expect(page.get_by_role("searchbox")).to_be_focused()
        await page.keyboard.type("PK0001")
        await expect(page.locator("tbody tr")).not_to_have_count(0)
        await row(page, TRAIN).get_by_role("link").first.focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("h1")).to_be_focused()
        await expect(page.locator("h1")).to_contain_text("PK0001")


_REACHABLE = "a[href], button, input, select, summary"
_SHOWN = "(one) => one.checkVisibility()"


async def test_what_is_typed_and_focused_survives_what_comes_in(system: System, browser: Browser) -> None:
    async with opened(system, browser) as watched:
        page = watched.page
        await page.get_by_role("searchbox").fill("PK0001")
        await page.locator("details.who summary").click()
        await row(page, TRAIN).get_by_role("link").first.focus()
        await system.send(a_milestone("ARRI", at=59.8, point="ir-kerman", party="rai"))
        await expect(row(page, TRAIN)).to_contain_text("at Kerman, IR")
        await expect(row(page, TRAIN).get_by_role("link").first).to_be_focused()
        await expect(page.get_by_role("searchbox")).to_have_value("PK0001")
        await expect(page.locator("details.who .panel")).to_be_visible()


async def test_a_burst_is_painted_once_a_frame_and_stays_bounded(system: System, browser: Browser) -> None:
    async with opened(system, browser, "#/live") as watched:
        painted = await watched.page.evaluate(
            """async () => {
                const { state, takeItem } = await import("./state.js");
                const before = state.items.at(-1);
                let paints = 0;
                new MutationObserver(() => paints++).observe(document.querySelector(".items"), { childList: true });
                for (let n = 0; n < 3000; n++) {
                    takeItem({ ...before, item: `burst-${n}`, sequence: before.sequence + n }, true);
                }
                await new Promise((done) => setTimeout(done, 500));
                return paints;
            }"""
        )
        assert painted <= 2
        await expect(watched.page.locator(".item")).to_have_count(300)


async def test_nothing_moves_for_those_who_do_not_want_it(system: System, browser: Browser) -> None:
    flashes = """async () => {
        const { flash } = await import("./dom.js");
        flash(document.querySelector("tbody tr"));
        return document.getAnimations().filter((one) => one.id === "flash").length;
    }"""
    async with opened(system, browser) as watched:
        assert await watched.page.evaluate(flashes) == 1
    async with opened(system, browser, reduced_motion="reduce") as watched:
        assert await watched.page.evaluate(flashes) == 0


async def test_the_first_view_is_small(system: System, browser: Browser) -> None:
    async with opened(system, browser) as watched:
        files = {a.partition("?")[0] for a in watched.addresses if "/v1/" not in a}
    async with httpx.AsyncClient(trust_env=False) as client:
        bodies = [(await client.get(address)).content for address in files]
    assert len(bodies) > 10
    assert sum(len(gzip.compress(body)) for body in bodies) < 150_000


async def test_its_words_are_those_of_the_contract(system: System, browser: Browser) -> None:
    async with opened(system, browser) as watched:
        words = await watched.page.evaluate("async () => (await import('./words.js')).CODES")
    assert words == {code: milestones.milestone(code).meaning for code in CODES}


async def test_it_has_words_for_whatever_the_services_publish(system: System, browser: Browser) -> None:
    wanted = {
        "STATUS": get_args(Status),
        "CONFIDENCE": get_args(Confidence),
        "RULES": [*SEVERITY, *passage.RULES],
        "CASE_STATES": transitions.STATES,
        "RELATIONS": get_args(Association.model_fields["relation"].annotation),
        "UNITS": Units.model_fields,
    }
    async with opened(system, browser) as watched:
        words = await watched.page.evaluate("async () => ({ ...await import('./words.js') })")
    assert all(wanted.values())
    assert {name: sorted(set(keys) - set(words[name])) for name, keys in wanted.items()} == {
        name: [] for name in wanted
    }


async def test_the_stream_is_read_wherever_it_is_cut(system: System, browser: Browser) -> None:
    text = ': open\nretry: 2000\n\nevent: item\ndata: {"a":\ndata: 1}\nid: 7\n\n: ping\n\r\nid: 8\r\ndata: x\r\n\r\n'
    async with opened(system, browser) as watched:
        read = """async ([text, size]) => {
            const { parser } = await import("./stream.js");
            const events = [];
            const feed = parser((event) => events.push(event));
            for (let at = 0; at < text.length; at += size) feed(text.slice(at, at + size));
            return events;
        }"""
        cuts = [await watched.page.evaluate(read, [text, size]) for size in (1, 2, 3, 7, 1000)]
    assert all(cut == cuts[0] for cut in cuts)
    assert cuts[0] == [
        {"type": "message", "retry": 2000},
        {"type": "item", "data": '{"a":\n1}', "id": "7"},
        {"type": "message", "data": "x", "id": "8"},
    ]
