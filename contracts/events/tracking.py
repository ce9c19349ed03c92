"""What tracking publishes: the picture of a subject, and exceptions.

Invariant: enumerations here are open (readers treat the unknown as other). A picture is the whole current
journey; `version` rises for each subject and `previous_version` names the one published before. `redrawn` says that
newer code or data have drawn it, which is no news.
"""

from typing import Literal

from contracts.events.base import Channel, Classifier, Data, Enumerated, Position, Reference, Seal
from contracts.events.fields import Instant, Occurred, none_given

Confidence = Literal["observed", "second_hand", "inferred", "estimated", "planned"]
Status = Literal[
    "unknown",
    "planned",
    "postponed",
    "cancelled",
    "in_train",
    "in_transit",
    "at_point",
    "partly_delivered",
    "delivered",
    "ended",
    "resolved",
]
"""What we publish as the status of a subject; `in_train` is of a train's wagons, `resolved` of a reference."""


class Attached(Data):
    """Another party's report of the same fact."""

    party: str
    occurred_at: Occurred
    source: str
    event_id: str
    confidence: str


class Fact(Data):
    """One fact of a timeline: a milestone that occurred, with who says so and how sure it is.

    `fact_id` stays the same through corrections. `instant` is where it sorts. `via` names the train or wagon
    that it was inherited from. `also` are other parties' reports of the same fact; `disputed` says that one of
    them is further off than the corridor's tolerance. `claim` marks customs codes reported by an operator. `sighting`
    marks a PASS during a stay: the subject was seen there, and neither came nor went. `out_of_order` marks what cannot
    have been in the physical order of things, such as a gate-out behind the delivery: nothing follows from it.
    """

    fact_id: str
    code: str
    point: str | None = None
    visit: int = 1
    occurred_at: Occurred
    instant: Instant
    party: str
    reported_for: str | None = None
    channel: Channel = "system"
    confidence: str
    source: str
    event_id: str
    updated_at: Instant
    via: str | None = None
    wagon: str | None = None
    train: str | None = None
    container: str | None = None
    handover_to: str | None = None
    seals: list[Seal] = none_given()
    position: Position | None = None
    cause: str | None = None
    claim: bool = False
    sighting: bool = False
    out_of_order: bool = False
    disputed: bool = False
    also: list[Attached] = none_given()


class Forecast(Data):
    """The newest estimate or plan of one party for one milestone."""

    code: str
    classifier: Classifier
    point: str | None = None
    visit: int = 1
    occurred_at: Occurred
    instant: Instant
    party: str
    source: str
    event_id: str
    updated_at: Instant


class Said(Data):
    """What another source expects of the same arrival; `event_source` and `event_id` name a party's report."""

    source: str
    expected: Instant
    event_source: str | None = None
    event_id: str | None = None


class Estimate(Data):
    """When the subject is expected at a point ahead, as a range that 80 of 100 arrivals are within.

    `source` is `corridor` (past journeys), `plan` (with the delay that there is), or the party whose estimate is
    announced, since it was right most often there; `others` are the rest. It was made as of `made_at`, from the fact
    `about`. Ours rests on so many past `journeys`; where there are none yet, on planned hours. `planned` is the instant
    of the plan.
    """

    point: str
    expected: Instant
    earliest: Instant
    latest: Instant
    source: str
    made_at: Instant
    planned: Instant | None = None
    journeys: int = 0
    about: str | None = None
    others: list[Said] = none_given()


class Place(Data):
    """Where the subject was last, since when, and how sure that is; `moving` says that it has left."""

    point: str
    country: str | None = None
    moving: bool
    observed_at: Instant
    party: str
    confidence: str
    fact_id: str


class Seen(Data):
    """A sighting of the subject since it came to or left its place: at a point where it stays, or at a position."""

    point: str | None = None
    position: Position | None = None
    observed_at: Instant
    fact_id: str


class Association(Data):
    """An interval [start, end) in which the subject was with another one; open where `end` is absent."""

    relation: Enumerated[Literal["on_wagon", "in_train", "in_run", "in_consignment", "carries", "on_order_of"]]
    subject: str
    start: Instant
    end: Instant | None = None


class PlannedCall(Data):
    """A planned call of a train or run, with the actual times where they are known."""

    point: str
    arrival: Instant | None = None
    departure: Instant | None = None
    actual_arrival: Instant | None = None
    actual_departure: Instant | None = None


class PictureParty(Data):
    """A party of a consignment and its role."""

    party: str
    role: str


class Units(Data):
    """How many units of a consignment are where; those of which nobody knows are not counted."""

    planned: int
    under_way: int
    at_point: int
    delivered: int


class Member(Data):
    """A container, wagon, train or consignment inside the subject, with its latest milestone."""

    subject: str
    status: str
    code: str | None = None
    point: str | None = None
    instant: Instant | None = None


class ParkedReport(Data):
    """A report that is kept without effect, and what it waits for."""

    source: str
    event_id: str
    code: str | None = None
    waits_for: str


class Statement(Data):
    """What one report, or one revision of it, says of what is in dispute; `counts` marks what the timeline goes by.

    `via` names the train or wagon that the report is about, where that is not the subject itself.
    """

    party: str
    reported_for: str | None = None
    code: str | None = None
    point: str | None = None
    occurred_at: Occurred | None = None
    source: str
    event_id: str
    updated_at: Instant
    via: str | None = None
    counts: bool = False


class Move(Data):
    """A fact by which a unit moved, was delivered or was sealed, as a timeline has it; `train` is what it came by."""

    code: str
    point: str | None = None
    occurred_at: Occurred
    instant: Instant
    confidence: str
    train: str | None = None
    seals: list[Seal] = none_given()


class Carried(Data):
    """What was seen of a consignment on a container that has gone on with other goods, as long as it carried it.

    It was booked from `start` to its delivery at `end`; `since` is when the goods or the journey before were over.
    `wagons` are those of that journey.
    """

    subject: str
    since: Instant | None = None
    start: Instant
    end: Instant
    moves: list[Move] = none_given()
    wagons: list[Association] = none_given()


class Former(Data):
    """What a booking named until the broker took the one that no longer does.

    `name` is a party or a reference of a consignment; of a reference it is the consignment.
    """

    name: str
    until: Instant


class ChangeRequest(Data):
    """A change of a booking whose goods have moved: for carriers and customs to take up, without effect until then.

    `changes` names the fields that would be others, or `retracted` for the booking as a whole.
    """

    source: str
    event_id: str
    received_at: Instant
    changes: list[str]


class OpenException(Data):
    """An exception that is open at `as_of`; `about` is the fact of the timeline that it rests on."""

    rule: str
    leg: str | None = None
    severity: str
    opened_at: Instant
    causes: list[str] = none_given()
    about: str | None = None
    statements: list[Statement] = none_given()


class SubjectChanged(Data):
    """The published picture of a subject.

    `holder` is the consignment that a reference stands for; `former` is what bookings of it, or of a reference, named
    before. With `more` the timeline has the newest facts alone. `carried` are the containers of a consignment whose own
    pictures are of a later journey.
    """

    subject: str
    kind: str
    version: int
    previous_version: int | None = None
    recorded_at: Instant
    as_of: Instant
    fold: int
    corridor: str
    corridor_version: int
    known: bool
    status: str
    journey: int = 1
    place: Place | None = None
    last_seen: Seen | None = None
    latest: Fact | None = None
    timeline: list[Fact] = none_given()
    more: bool = False
    forecasts: list[Forecast] = none_given()
    estimates: list[Estimate] = none_given()
    associations: list[Association] = none_given()
    members: list[Member] = none_given()
    units: Units | None = None
    calls: list[PlannedCall] = none_given()
    parties: list[PictureParty] = none_given()
    references: list[Reference] = none_given()
    route_variant: str | None = None
    run: str | None = None
    origin: str | None = None
    destination: str | None = None
    claimants: list[str] = none_given()
    holder: str | None = None
    former: list[Former] = none_given()
    carried: list[Carried] = none_given()
    requests: list[ChangeRequest] = none_given()
    exceptions: list[OpenException] = none_given()
    parked: list[ParkedReport] = none_given()
    redrawn: bool = False


class ExceptionChanged(Data):
    """An exception that has opened or closed: one for each (rule, subject, leg).

    `about` is the fact of the subject's timeline that it rests on; `statements` are what disagrees.
    """

    exception: str
    rule: str
    subject: str
    leg: str | None = None
    severity: str
    state: Enumerated[Literal["open", "closed"]]
    opened_at: Instant
    version: int
    previous_version: int | None = None
    recorded_at: Instant
    as_of: Instant | None = None
    causes: list[str] = none_given()
    redrawn: bool = False
    about: str | None = None
    statements: list[Statement] = none_given()
