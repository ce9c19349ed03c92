"""What notifications publishes: one feed item for one party.

Invariant: `sequence` rises for each party and `previous_sequence` names the number before it; `item` is the
same for the same (party, fact, content, occurrence), so that a reader drops what it has.
"""

from typing import Literal

from contracts.events.base import Data, Enumerated
from contracts.events.fields import Instant, Occurred, none_given


class Saying(Data):
    """One of the values that an exception found to disagree; `counts` marks what the timeline goes by."""

    reported_by: str | None = None
    code: str | None = None
    point: str | None = None
    occurred_at: Occurred | None = None
    counts: bool = False


class NotificationPublished(Data):
    """A feed item. `action` is new, changed (replaces `supersedes`), withdrawn, or backfill (history).

    `alert` is false for what nobody needs to be called for: history, and what a rebuild has redrawn. `about` is the
    fact that an exception rests on; `sayings` are what disagrees about it. `sighting` and `out_of_order` are as in
    `contracts.events.tracking.Fact`.
    """

    item: str
    party: str
    sequence: int
    previous_sequence: int | None = None
    action: Enumerated[Literal["new", "changed", "withdrawn", "backfill"]]
    supersedes: str | None = None
    topic: Enumerated[Literal["milestone", "customs", "exception", "arrival", "violation", "document"]]
    subject: str
    consignment: str | None = None
    fact: str
    code: str | None = None
    point: str | None = None
    country: str | None = None
    occurred_at: Occurred | None = None
    instant: Instant | None = None
    recorded_at: Instant
    reported_by: str | None = None
    confidence: str | None = None
    state: str | None = None
    severity: str | None = None
    via: str | None = None
    alert: bool = True
    late: bool = False
    disputed: bool = False
    claim: bool = False
    sighting: bool = False
    out_of_order: bool = False
    detail: str | None = None
    about: str | None = None
    sayings: list[Saying] = none_given()
