"""From facts to feed items: what is new, changed, to be withdrawn, or history for somebody who joins later.

Invariant: an item's id follows from fact, content and occurrence alone; the same fold again gives no item. An item is
one for all parties that get it. A party that may no longer see a fact is told that its item is void, and no new value.
What is over is not taken back.
"""

import hashlib
import uuid
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import orjson

from services.notifications.domain.facts import Told
from services.notifications.domain.shared import NEVER_TOLD, Entry, Given, Place, Recalled

_SPACE: Final = uuid.UUID("6f0c6b1e-4f3a-5d0e-9a53-6c2a4b1f7c11")

# What an item that takes something back still says: which fact of which subject.
_KEPT: Final = ("topic", "subject", "consignment", "code", "point")


class Delivery(NamedTuple):
    """An item in one party's feed, without its number; `supersedes` is the id of the item that it replaces there."""

    party: str
    action: str
    supersedes: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A feed item; `alert` says that parties may be called for it where it is no history."""

    item: str
    subject: str
    fact: str
    content: Mapping[str, Any]
    deliveries: tuple[Delivery, ...]
    alert: bool = True


# Who may see a fact only this long after others were told gets it as history.
_HISTORY_AFTER: Final = timedelta(hours=1)


def diff(
    given: Mapping[str, Entry], told: Sequence[Told], as_of: datetime, over: Container[str] = frozenset()
) -> tuple[list[Item], Given]:
    """The items that lead from what parties have to what they may have, and what they have then.

    `over` are facts that are no longer told because nobody tells them any more: they stay as they were.
    """
    items: list[Item] = []
    after: Given = dict(given)
    for one in sorted(told, key=lambda t: order(t.content, t.fact)):
        after[one.fact] = _tell(items, one, given.get(one.fact), as_of)
    seen = {t.fact for t in told}
    for fact in sorted(f for f in set(given) - seen if f not in over):
        after[fact] = _take_back(items, fact, given[fact])
    return items, after


def order(content: Mapping[str, Any], fact: str) -> tuple[str, str]:
    """Where something stands among what is told at once: by when it occurred; what has no instant comes last."""
    # Without its "Z", or half a second past would come before the full one.
    return str(content.get("instant") or "~").removesuffix("Z"), fact


def item_id(fact: str, digest: str, occurrence: int) -> str:
    """The id of an item (UUIDv5)."""
    return str(uuid.uuid5(_SPACE, f"{fact}|{digest}|{occurrence}"))


def unshared_id(party: str, fact: str, digest: str, occurrence: int) -> str:
    """The id that an item had while each party had one of its own (UUIDv5)."""
    return str(uuid.uuid5(_SPACE, f"{party}|{fact}|{digest}|{occurrence}"))


def digest_of(content: Mapping[str, Any]) -> str:
    """What a change of content is told by."""
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def recovered(before: Entry | None, item: Mapping[str, Any], content: Mapping[str, Any]) -> Entry:
    """The entry of a fact with an item that one of its parties has, and that the entry does not know of."""
    digest, _, holders, about, first = before or NEVER_TOLD
    has: dict[str, Place] = {
        party: Recalled(_had(item["fact"], digest, at), _hash_at(digest, at)) for party, at in holders.items()
    }
    if item["action"] == "withdrawn":
        has.pop(item["party"], None)
    else:
        digest = digest_of(content)
        has[item["party"]] = Recalled(item["item"], digest)
        about, first = _about(content), first or datetime.fromisoformat(item["recorded_at"])
    # Numbers are far beyond all occurrences: none that was used is used again.
    return Entry(digest if has else "", item["sequence"], has, about or _about(content), first)


def _had(fact: str, digest: str, place: Place) -> str:
    """The id of the item that a party has."""
    return place.item if isinstance(place, Recalled) else item_id(fact, digest, place)


def _hash_at(digest: str, place: Place) -> str:
    """The hash of the content that a party has."""
    return place.digest if isinstance(place, Recalled) else digest


def _tell(items: list[Item], one: Told, before: Entry | None, as_of: datetime) -> Entry:
    digest = digest_of(one.content)
    if before is not None and digest == before.digest and before.has_all(one.parties):
        return before
    known_digest, occurrence, holders, about, told_at = before or NEVER_TOLD
    # What was taken back from everybody and comes again is news, whenever it was told at first.
    first = told_at if known_digest and told_at else as_of
    has = {party: _hash_at(known_digest, place) for party, place in holders.items()}
    occurrence += 1
    now: dict[str, Place] = {}
    shown: list[Delivery] = []
    gone: list[Delivery] = []
    for party in sorted(one.parties | set(holders)):
        had = _had(one.fact, known_digest, holders[party]) if party in holders else None
        if party not in one.parties:
            gone.append(Delivery(party, "withdrawn", had))
            continue
        now[party] = holders[party] if party in holders and digest == has[party] else occurrence
        if had is None:
            shown.append(Delivery(party, "backfill" if as_of - first > _HISTORY_AFTER else "new"))
        elif digest != has[party]:
            shown.append(Delivery(party, "changed", had))
    if gone:
        items.append(_withdrawn(one.fact, about, digest, occurrence, gone))
    if shown:
        items.append(_item(one.fact, one.content, item_id(one.fact, digest, occurrence), shown))
    return Entry(digest, occurrence, now, _about(one.content), first)


def _take_back(items: list[Item], fact: str, before: Entry) -> Entry:
    digest, occurrence, holders, about, first = before
    if not holders:
        return before
    gone = [Delivery(party, "withdrawn", _had(fact, digest, holders[party])) for party in sorted(holders)]
    items.append(_withdrawn(fact, about, "", occurrence + 1, gone))
    return Entry("", occurrence + 1, {}, about, first)


def _withdrawn(
    fact: str, about: Mapping[str, Any], digest: str, occurrence: int, deliveries: Sequence[Delivery]
) -> Item:
    return _item(fact, about, item_id(fact, f"{digest}|withdrawn", occurrence), deliveries)


def _item(fact: str, content: Mapping[str, Any], name: str, deliveries: Sequence[Delivery]) -> Item:
    return Item(name, str(content["subject"]), fact, content, tuple(deliveries))


def _about(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: content[name] for name in _KEPT if name in content}
