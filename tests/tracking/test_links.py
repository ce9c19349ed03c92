"""Links and reading say the same of whom an event names: a subject that only its link names would never read it."""

from __future__ import annotations

from typing import cast

import pytest

from contracts import topics
from contracts.events.base import Revision
from services.chassis.projection.fold import StoredRevision
from services.tracking import links
from services.tracking.domain import reading
from tests.support import builders as b
from tests.support.examples import Example, load_examples

READ = [one for one in load_examples() if one.type in topics.MILESTONES.types]


def unread(example: Example) -> set[str]:
    """The subjects of an example's links that `reading` does not take to be named."""
    event = example.event
    data = cast(Revision, event.data)
    revision = StoredRevision(
        source=event.source,
        event_id=event.id,
        content_hash=event.content_hash,
        type=event.type,
        subject=event.subject,
        party="pr",
        standing="railway",
        updated_at=data.updated_at,
        retracted=data.retracted,
        body=event.body,
        received_at=b.START,
    )
    return {subject for subject, _ in links.links_of(event)} - reading.understood(revision, "pk-ru", 1).names


@pytest.mark.parametrize("example", READ, ids=lambda e: e.name)
def test_whom_the_links_of_an_event_name_reads_it(example: Example) -> None:
    assert unread(example) == set(), "name them in `_named` of services/tracking/domain/reading.py as well"


def test_a_subject_that_is_linked_and_not_named_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    example = next(e for e in READ if e.type == "corridor.milestone.reported.v1")
    linked = [(example.event.subject, ""), ("run:pk-ru/999", "")]
    monkeypatch.setattr(links, "links_of", lambda _: iter(linked))

    assert unread(example) == {"run:pk-ru/999"}
