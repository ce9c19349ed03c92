"""Reads from the store what a party may see of a subject: its picture, and the revisions that name it.

Invariant: what a party may not see and what is not there give the same: nothing.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson

from contracts.identifiers.subjects import kind_of
from services.chassis.base import visibility
from services.chassis.base.parties import Party
from services.chassis.base.visibility import Audience, Viewer, Way, viewer_of
from services.chassis.service.runtime import Runtime
from services.tracking import store
from services.tracking.domain import former, seen, told
from services.tracking.domain.seen import Eyes, Picture
from services.tracking.projection import TrackingProjection

MOST_BYTES: Final = 1024 * 1024
"""Bodies of one page of a timeline, in bytes; a page has one revision at least."""
_CURSOR: Final = re.compile(r"(\S{20,40})~(\d{1,6})", re.ASCII)


class Sight(NamedTuple):
    """A picture with whoever looks at it, and what they are shown of it."""

    picture: Picture
    eyes: Eyes
    shown: dict[str, Any] | None


class Page(NamedTuple):
    """Revisions that may be read, and the cursor behind them where there are more."""

    revisions: list[dict[str, Any]]
    after: str | None


class BadCursor(ValueError):
    """A cursor that no page has given."""


async def look(runtime: Runtime, party: Party, subject: str) -> Sight:
    """What a party is shown of a subject now; of a container that it had, what it was on that journey."""
    pictures = await store.load_pictures(runtime.store, [subject])
    picture = pictures.get(subject) or {"subject": subject, "kind": kind_of(subject), "status": "unknown"}
    viewer = viewer_of(party)
    sight = await _seen(runtime, picture, viewer)
    if subject not in pictures:
        return sight._replace(shown=None)
    if sight.shown is None and picture["kind"] == "train":
        aboard = await store.find_aboard(runtime.store, (m["subject"] for m in picture.get("members", ())))
        return await _seen(runtime, picture, viewer, aboard)
    if sight.shown is None and picture["kind"] == "container":
        return await _before(runtime, subject, viewer) or sight
    return sight


async def read_page(sight: Sight, runtime: Runtime, known_at: datetime | None, after: str, limit: int) -> Page:
    """The revisions that name a subject, as far as a party may read them, oldest first, behind a cursor."""
    since, skipped = _place(after)
    picture, subject = await _with_units(runtime, sight), sight.picture["subject"]
    found: list[dict[str, Any]] = []
    size, at, nth = 0, "", 0
    async for row in store.each_revision(runtime.store, subject, known_at, since):
        one = told.revision(dict(row), orjson.loads(row["body"]), picture, sight.eyes)
        if one is None:
            continue
        if row["recorded_at"] == since and skipped:
            skipped -= 1
            at, nth = one["recorded_at"], nth + 1
            continue
        size += len(row["body"])
        if found and (len(found) == limit or size > MOST_BYTES):
            return Page(found, f"{at}~{nth}")
        nth = nth + 1 if one["recorded_at"] == at else 1
        at = one["recorded_at"]
        found.append(one)
    return Page(found, None)


async def _seen(runtime: Runtime, picture: Picture, viewer: Viewer, aboard: list[str] | None = None) -> Sight:
    projection = runtime.blueprint.projection
    assert isinstance(projection, TrackingProjection)
    around = await store.load_pictures(runtime.store, [*seen.beside(picture), *(aboard or ())])
    way: Way = seen.way_of(picture, around, projection.corridor)
    audience = Audience(viewer_of(p) for p in runtime.book.all())
    eyes = Eyes(viewer, way, audience, projection.corridor)
    members = picture.get("members", ())
    if picture["kind"] == "run":
        members = await _of_run(runtime, members, eyes)
    return Sight(picture, eyes, seen.shown(picture, eyes, members))


async def _units(runtime: Runtime, picture: Picture) -> Mapping[str, Picture]:
    return await store.load_units(runtime.store, (m["subject"] for m in picture.get("members", ())))


async def _of_run(runtime: Runtime, members: Any, eyes: Eyes) -> list[Mapping[str, Any]]:
    """The trains of a run, and the consignments on it that go where the party is."""
    names = [m["subject"] for m in members if kind_of(m["subject"]) == "consignment"]
    pictures = await store.load_pictures(runtime.store, names)
    ways = {name: seen.way_of(p, {}, eyes.corridor) for name, p in pictures.items()}
    opened = {name for name, way in ways.items() if eyes.opens(way.whole(None, None))}
    return [m for m in members if m["subject"] in opened or kind_of(m["subject"]) != "consignment"]


async def _before(runtime: Runtime, subject: str, viewer: Viewer) -> Sight | None:
    """A container on the last journey on which it carried a party's goods."""
    projection = runtime.blueprint.projection
    assert isinstance(projection, TrackingProjection)
    inputs = await store.load_inputs(runtime.store, subject)
    consignments = await store.load_pictures(runtime.store, former.booked(inputs))
    keys = visibility.keys_of(viewer)
    own = [name for name, p in consignments.items() if keys & seen.way_of(p, {}, projection.corridor).own]
    for as_of in former.ended(inputs, own, projection.corridor) if own else ():
        sight = await _seen(runtime, dict(projection.fold(inputs, as_of).content), viewer)
        if sight.shown is not None:
            return sight
    return None


async def _with_units(runtime: Runtime, sight: Sight) -> Picture:
    """The picture of a consignment with where its units were while they carried it: who had them may read of it."""
    picture, eyes = sight.picture, sight.eyes
    if picture["kind"] != "consignment" or eyes.viewer.role != "railway":
        return picture
    parts = await _units(runtime, picture)
    return {**picture, "of_units": seen.while_carrying(picture["subject"], parts)}


def _place(after: str) -> tuple[datetime | None, int]:
    """From when on to read, and how many of that instant have been read before."""
    if not after:
        return None, 0
    parts = _CURSOR.fullmatch(after)
    try:
        since = datetime.fromisoformat(parts[1]) if parts else None
        if parts is None or since is None or since.tzinfo is None:
            raise ValueError(after)
        return since, int(parts[2])
    except ValueError as failure:
        raise BadCursor("no page has given this cursor") from failure
