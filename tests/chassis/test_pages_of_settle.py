"""How much a worker takes at a time, and when it rests."""

from __future__ import annotations

from services.chassis.projection.pages import Pages
from tests.support.monotonic import Clock


def test_a_round_that_takes_long_makes_the_next_one_smaller_and_a_quick_one_larger() -> None:
    pages = Pages(250)

    pages.took(["pr"] * 40, 0.1)
    slow = pages.most
    pages.took(["pr"] * 20, 0.01)

    assert (slow, pages.most) == (20, 40)


def test_a_page_is_never_beyond_its_limit_nor_below_what_is_worth_a_round() -> None:
    pages = Pages(50)

    pages.took(["pr"] * 50, 0.0001)
    largest = pages.most
    pages.took(["pr"] * 50, 10.0)

    assert (largest, pages.most) == (50, 10)


def test_a_round_of_a_few_rows_tells_nothing() -> None:
    pages = Pages(250)
    before = pages.most

    assert pages.took(["pr"] * 3, 1.0) == 0.0
    assert pages.most == before


def test_a_round_that_fails_is_tried_with_half_its_rows_down_to_one() -> None:
    pages, tried = Pages(250), []

    for _ in range(7):
        pages.failed()
        tried.append(pages.most)

    assert tried == [20, 10, 5, 2, 1, 1, 1]


def test_after_failures_a_worker_takes_more_again_though_little_comes() -> None:
    pages = Pages(250)
    for _ in range(7):
        pages.failed()

    for _ in range(5):
        pages.took(["pr"], 0.01)

    assert pages.most == 10


def test_a_partys_backlog_leaves_the_machine_to_others_while_they_are_about() -> None:
    clock = Clock()
    pages = Pages(250, clock)

    alone = pages.took(["rai"] * 40, 0.05)
    in_company = pages.took(["rai"] * 20 + ["pr"], 0.05)
    clock.seconds = 6.0
    alone_again = pages.took(["rai"] * 20, 0.05)

    assert alone == alone_again == 0.0
    assert in_company > 0.05


def test_what_is_nobodys_or_a_little_of_each_is_worked_off_at_once() -> None:
    pages = Pages(250)

    assert pages.took([""] * 40 + ["pr"], 0.05) == 0.0
    assert pages.took([f"party-{n % 10}" for n in range(40)], 0.05) == 0.0
