"""From facts to feed items: what is new, changed, taken back, history; and what is no news at all."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.facts import Told
from services.notifications.domain.items import Item, diff
from services.notifications.domain.shared import Given

NOW = datetime(2026, 8, 1, tzinfo=UTC)
ARRIVAL = "container:X|ARRI|pk-quetta|1|1"


def told(parties: str, fact: str = ARRIVAL, **content: Any) -> Told:
    """A fact told to parties of one letter each."""
    shown = {"topic": "milestone", "subject": "container:X", "code": "ARRI", "instant": "10:00", **content}
    return Told(fact, shown, frozenset(parties))


class Got(NamedTuple):
    """An item as one party gets it."""

    item: str
    party: str
    fact: str
    action: str
    supersedes: str | None
    content: Mapping[str, Any]


def got(items: Sequence[Item]) -> list[Got]:
    """What each party gets of some items, in order."""
    return [Got(i.item, d.party, i.fact, d.action, d.supersedes, i.content) for i in items for d in i.deliveries]


def fed(*states: Sequence[Told], hours: float = 0, over: Sequence[str] = ()) -> list[list[Got]]:
    """The items of each fold in turn, that many hours apart."""
    given: Given = {}
    found = []
    for number, state in enumerate(states):
        items, given = diff(given, state, NOW + timedelta(hours=hours * number), over)
        found.append(got(items))
    return found


def actions(items: Sequence[Got]) -> list[tuple[str, str]]:
    return [(i.party, i.action) for i in items]


def test_a_fact_is_new_to_each_party_that_may_see_it() -> None:
    (items,) = fed([told("ab")])

    assert actions(items) == [("a", "new"), ("b", "new")]


def test_the_same_fold_again_gives_no_item() -> None:
    assert fed([told("ab")], [told("ab")])[1] == []


def test_another_content_is_a_change_that_names_the_item_it_replaces() -> None:
    first, second = fed([told("a")], [told("a", instant="11:00")])

    assert actions(second) == [("a", "changed")]
    assert second[0].supersedes == first[0].item


def test_a_fact_that_is_gone_is_withdrawn_from_who_held_it() -> None:
    first, second = fed([told("ab")], [])

    assert actions(second) == [("a", "withdrawn"), ("b", "withdrawn")]
    assert [i.supersedes for i in second] == [i.item for i in first]


def test_what_is_withdrawn_is_withdrawn_once() -> None:
    assert fed([told("a")], [], [])[2] == []


def test_a_party_that_comes_at_once_gets_it_as_new() -> None:
    """A booking may arrive behind what it gives a right to see."""
    assert actions(fed([told("a")], [told("ab")], hours=0.5)[1]) == [("b", "new")]


def test_a_party_that_comes_later_gets_history() -> None:
    assert actions(fed([told("a")], [told("ab")], hours=2)[1]) == [("b", "backfill")]


def test_a_fact_that_everybody_lost_and_that_comes_again_is_news() -> None:
    assert actions(fed([told("a")], [], [told("a")], hours=2)[2]) == [("a", "new")]


def test_a_party_that_may_see_it_no_longer_gets_no_new_value() -> None:
    _, second = fed([told("ab", consignment="mine")], [told("a", consignment="theirs", instant="11:00", point="p")])

    gone = next(i for i in second if i.party == "b")
    assert gone.action == "withdrawn"
    assert gone.content == {"topic": "milestone", "subject": "container:X", "consignment": "mine", "code": "ARRI"}


def test_what_is_over_is_not_taken_back_and_not_told_again() -> None:
    assert fed([told("a")], [], [told("a")], over=[ARRIVAL])[1:] == [[], []]


def test_a_value_that_comes_back_has_an_item_of_its_own() -> None:
    """From A to B to A: the last item must not look like the first one, which the reader has dropped."""
    a, b = [told("a")], [told("a", instant="11:00")]

    items = [i for fold in fed(a, b, a, b) for i in fold]

    assert len({i.item for i in items}) == 4
    assert [i.supersedes for i in items[1:]] == [i.item for i in items[:-1]]


def test_what_is_told_at_once_is_told_in_the_order_in_which_it_occurred() -> None:
    late, early, half = "2026-08-01T12:00:00Z", "2026-08-01T09:00:00Z", "2026-08-01T09:00:00.500000Z"
    facts = [told("a", "f1", instant=late), told("a", "f2", instant=half), told("a", "f3", instant=early)]

    (items,) = fed([*facts, Told("f0", {"subject": "container:X"}, frozenset("a")), told("a", "f4", instant=late)])

    assert [i.fact for i in items] == ["f3", "f2", "f1", "f4", "f0"]


def test_an_item_has_the_same_id_wherever_it_is_worked_out() -> None:
    """A store that was put back works its items out again, and readers drop those that they have."""
    first, second = fed([told("ab")]), fed([told("ab")])

    assert [i.item for i in first[0]] == [i.item for i in second[0]]
    assert {uuid.UUID(i.item).version for i in first[0]} == {5}


FACTS = ("f1", "f2")
contents = st.sampled_from(["10:00", "11:00"])
audiences = st.sets(st.sampled_from("abc")).map("".join)
states = st.dictionaries(st.sampled_from(FACTS), st.tuples(audiences, contents))


@given(st.lists(states, max_size=8))
def test_a_reader_of_the_items_has_what_it_may_see_and_nothing_else(history: list[dict[str, tuple[str, str]]]) -> None:
    """Whatever facts come, change, go and come again, for whatever parties."""
    given: Given = {}
    held: dict[str, dict[str, Mapping[str, Any]]] = {party: {} for party in "abc"}
    ids: list[str] = []
    for number, state in enumerate(history):
        facts = [told(parties, fact, instant=at) for fact, (parties, at) in state.items()]
        items, given = diff(given, facts, NOW + timedelta(minutes=40 * number))
        ids += [i.item for i in items]
        for item in got(items):
            read(held[item.party], item)
        for party, has in held.items():
            may = {fact: at for fact, (parties, at) in state.items() if party in parties}
            assert {str(c["fact"]): c["instant"] for c in has.values()} == may
    assert len(ids) == len(set(ids))


def read(held: dict[str, Mapping[str, Any]], item: Got) -> None:
    """What a reader does: drops what an item replaces or takes back, and keeps what it tells."""
    if item.supersedes is not None:
        del held[item.supersedes]
    if item.action != "withdrawn":
        held[item.item] = {**item.content, "fact": item.fact}
