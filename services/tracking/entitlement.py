"""What a party may report at all, by its role and by what `deploy/parties.yaml` says of it.

Invariant: a refusal depends on the event and the sender alone. Whether the sender has anything to do with the subject
is for the fold, since it may become known later.
"""

from contracts.corridor.corridor import load_corridor
from contracts.envelope.codec import Event
from contracts.events.operator import ConsignmentBooked, MilestoneReported, TrainComposed, TrainPlanned
from contracts.identifiers.subjects import kind_of, local
from contracts.milestones import lookup as milestones
from contracts.refusal import Refused, refused
from contracts.roles import ROLES
from services.chassis.base.parties import Party


def entitled(event: Event, party: Party) -> None:
    """Raises `Refused` for a code, subject, place, name or booking that the sender may not report."""
    data = event.data
    _require_voice(getattr(data, "reported_for", None), party)
    if isinstance(data, MilestoneReported):
        _require_code(event.subject, data)
        _require_role(event.subject, data, party)
    elif isinstance(data, ConsignmentBooked):
        _require_issuer(event.subject, party)
    elif isinstance(data, TrainPlanned | TrainComposed):
        _require_railway(event.subject, getattr(data, "reported_for", None), party)
    _require_point(event, party)


def _require_voice(spoken_for: str | None, party: Party) -> None:
    if spoken_for and spoken_for != party.party and spoken_for not in party.speaks_for:
        raise _not_entitled("$.data.reported_for", f"{party.party} may not speak for {spoken_for}")


def _require_code(subject: str, data: MilestoneReported) -> None:
    if _about(subject) not in milestones.milestone(data.code).subjects:
        raise refused("bad_field", "$.data.code", f"{data.code} is not said of a {_about(subject)}")


def _require_role(subject: str, data: MilestoneReported, party: Party) -> None:
    """Who speaks for another says what that one may say: a railway, as far as anybody speaks for others."""
    second_hand = data.reported_for is not None and data.reported_for != party.party
    role = ROLES.get("railway" if second_hand else party.role)
    if role is None or kind_of(subject) not in role.kinds:
        raise _not_entitled("$.subject", f"a {party.role} does not report of a {kind_of(subject)} by itself")
    if data.code not in role.codes or (party.codes and data.code not in party.codes):
        raise _not_entitled("$.data.code", f"{party.party} may not report {data.code}")
    if data.code in ("BKD", "BKX"):
        _require_issuer(subject, party)
    if role.placed and data.point is None:
        raise _not_entitled("$.data.point", f"a {party.role} says at which of its points")


def _require_issuer(subject: str, party: Party) -> None:
    if kind_of(subject) != "consignment" or local(subject).split("/")[0] != party.party:
        raise _not_entitled("$.subject", f"{party.party} books consignment:{party.party}/... only")


def _require_railway(subject: str, spoken_for: str | None, party: Party) -> None:
    """A train is planned and composed by the railway in its key, or by whom that railway has named for it."""
    railway = local(subject).split("/")[0]
    if kind_of(subject) == "run" or railway in (party.party, spoken_for, *party.plans_for):
        return
    raise _not_entitled("$.subject", f"{railway} plans and composes its own trains")


def _require_point(event: Event, party: Party) -> None:
    code = getattr(event.data, "point", None)
    if not code:
        return
    point = load_corridor("pk-ru").resolve(code)
    if party.points and (point is None or point.key not in party.points):
        raise _not_entitled("$.data.point", f"{code} is no point of {party.party}")
    if point and party.countries and point.country not in party.countries:
        raise _not_entitled("$.data.point", f"{party.party} may not report at {point.key}")


def _about(subject: str) -> str:
    kind = kind_of(subject)
    return "consignment" if kind == "reference" else kind


def _not_entitled(path: str, detail: str) -> Refused:
    return refused("not_entitled", path, detail)
