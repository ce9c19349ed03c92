"""From everything known of one subject to its picture and publications.

Invariant: raise `FOLD_NUMBER` with every change that can draw another picture from the same inputs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from contracts import catalogue, topics
from contracts.corridor.corridor import Corridor
from contracts.events.fields import utc_text
from contracts.identifiers.subjects import Case, kind_of, parse_case
from services.chassis.base import visibility
from services.chassis.projection.fold import Folded, Inputs, Parked, Publication, StoredRevision
from services.customs.domain import budgets, declarations, forms, lines, offices, passage, stored
from services.customs.domain.announcements import announcements
from services.customs.domain.cases import declared, walk
from services.customs.domain.holds import Hold, holds_of, lifting_nothing
from services.customs.domain.regimes import Regimes
from services.customs.domain.shared import NOT_TOLD_OF, Consignment, Memory
from services.customs.domain.shared import Case as SharedCase
from services.customs.domain.statements import Counted, count
from services.customs.domain.units import fold_consignment, fold_reference, fold_unit, lifts_nothing
from services.customs.domain.violations import violations
from services.customs.domain.walks import Setting, Walk, begin, open_holds

FOLD_NUMBER: Final = 16
# Verdicts on decisions that are in force, or will be when what they wait for is there.
_STANDING: Final = ("effective", "waiting")
_HOLD_TYPES: Final = (catalogue.HOLD_PLACED, catalogue.HOLD_LIFTED)


def fold(inputs: Inputs, corridor: Corridor, as_of: datetime) -> Folded:
    """The picture of one subject at `as_of`: unit, consignment, reference, case or passage."""
    if inputs.subject.startswith("passage:"):
        return fold_passage(inputs, corridor, as_of)
    within = budgets.statements_within(inputs.revisions)
    counting, kind = replace(inputs, revisions=within.revisions), kind_of(inputs.subject)
    folded = fold_case(counting, corridor, as_of) if kind == "case" else _BELOW[kind](counting, corridor)
    return replace(folded, parked=[*folded.parked, *within.parked]) if within.parked else folded


def fold_case(inputs: Inputs, corridor: Corridor, as_of: datetime) -> Folded:
    """A case: its state, steps, findings, holds and verdicts; remembered is which releases were refused."""
    case = parse_case(inputs.subject)
    counted, conflicts = count(inputs.subject, inputs.revisions, corridor)
    about = stored.consignment_of(inputs, case.about) or NOT_TOLD_OF
    misplaced = offices.misplaced(case, about, counted, corridor)
    sorted_out = declarations.sort_out(case, about, counted, inputs.revisions, corridor, misplaced)
    statements = [c for c in sorted_out.statements if c.begins <= as_of]
    later = [c for c in sorted_out.statements if c.begins > as_of]
    own = [h for h in _own_holds(counted, about) if h.rules_in(case.jurisdiction)]
    inside = {unit: [h for h in one.holds if h.rules_in(case.jurisdiction)] for unit, one in about.units.items()}
    all_holds = _sorted([*own, *(h for some in inside.values() for h in some)])
    holds = _known(all_holds, as_of)
    setting = Setting(
        case,
        _known(own, as_of),
        {unit: _known(some, as_of) for unit, some in inside.items()},
        declared(statements),
        partial(lines.units_of, about=about),
        partial(offices.zones_of, case.jurisdiction, corridor=corridor),
        sorted_out.amended,
        misplaced,
    )
    found = walk(begin(setting, set(stored.read_memory(inputs.memory).refused)), statements, as_of)
    found.findings += sorted_out.findings
    content = _content(inputs.subject, found, about, corridor, holds, as_of) | _conflicts(found, conflicts)
    return Folded(
        inputs.subject,
        content,
        stored.write_case(_shared(found, content)),
        min(_instants_ahead(found, later, all_holds, as_of), default=None),
        forms.publications(content, corridor, FOLD_NUMBER, empty=not (counted or holds)),
        [*_parked(found, later, statements), *sorted_out.parked],
        stored.write_memory(Memory(frozenset(found.refused))),
        void=frozenset((v["source"], v["event_id"]) for v in found.verdicts if v["verdict"] not in _STANDING),
    )


def fold_passage(inputs: Inputs, corridor: Corridor, as_of: datetime) -> Folded:
    """A consignment's way over the borders: announcements and violations.

    What held goes on to hold for a unit that has gone on with other goods, until its way with these is told.
    """
    key = inputs.subject.removeprefix("passage:")
    consignment = stored.consignment_of(inputs, key) or NOT_TOLD_OF
    before = passage.held(inputs.open, corridor)
    # A reference that two claim stands for neither.
    regimes = Regimes({name: case for name, case in stored.cases_of(inputs).items() if case.consignment == key})
    way = passage.passage_of(consignment, regimes, corridor)
    found, due = announcements(way, as_of, before)
    wrong = violations(way, before)
    published = [_announced(a) for a in found] + [p for v in wrong for p in _violated(v, corridor)]
    return Folded(inputs.subject, {"announcements": found, "violations": wrong}, None, due, published)


_BELOW: Final[Mapping[str, Callable[[Inputs, Corridor], Folded]]] = MappingProxyType(
    {
        "container": fold_unit,
        "wagon": fold_unit,
        "consignment": fold_consignment,
        "reference": fold_reference,
    }
)


def _shared(found: Walk, content: Mapping[str, Any]) -> SharedCase:
    """What the passage reads of a case."""
    return SharedCase(
        found.whole.steps(),
        found.setting.declared,
        content.get("consignment"),
        found.containers,
        {unit: line.steps() for unit, line in sorted(found.lines.apart.items())},
        tuple(found.seals),
    )


def _instants_ahead(
    found: Walk, later: Sequence[Counted], holds: Sequence[Hold], as_of: datetime
) -> Iterator[datetime]:
    """The instants at which the picture changes by itself."""
    yield from (c.begins for c in later)
    yield from (i for h in holds for i in (h.placed_at, h.lifted_at) if i is not None and i > as_of)
    # A limit is kept at its own instant, and passed behind it.
    limits = (line.runs_until for line in found.lines.all())
    yield from (limit + timedelta(microseconds=1) for limit in limits if limit is not None)


def _own_holds(statements: Sequence[Counted], about: Consignment) -> list[Hold]:
    """The holds on the case itself and on its consignment."""
    return _sorted([*holds_of(c for c in statements if c.revision.type in _HOLD_TYPES), *about.holds])


def _sorted(holds: Sequence[Hold]) -> list[Hold]:
    return sorted(dict.fromkeys(holds), key=lambda h: (h.placed_at, h.party, h.hold, h.scope))


def _known(holds: Sequence[Hold], as_of: datetime) -> list[Hold]:
    """The holds that are known at an instant."""
    return [h.as_of(as_of) for h in holds if h.placed_at <= as_of]


def _content(
    key: str, found: Walk, about: Consignment, corridor: Corridor, holds: Sequence[Hold], as_of: datetime
) -> dict[str, Any]:
    case, limit = found.case, found.whole.limit
    held = bool(open_holds(holds, case.jurisdiction, as_of))
    containers = found.containers or tuple(u for u in about.units if u.startswith("container:"))
    wagons = found.wagons or tuple(u for u in about.units if u.startswith("wagon:"))
    content = {
        "case": key,
        "about": case.about,
        "consignment": about.consignment or (case.about if kind_of(case.about) == "consignment" else None),
        "jurisdiction": case.jurisdiction,
        "procedure": case.procedure,
        "sequence": case.sequence,
        "state": found.state,
        "since": utc_text(found.whole.since) if found.whole.since else None,
        "attempt": found.attempt if found.attempt > 1 else None,
        "number": found.number,
        "office": found.office,
        "office_in": found.office_in,
        "declarant": found.declarant,
        "parties": sorted(visibility.involved(case.about, found.declarant, _parties(case, about))),
        "route": list(dict.fromkeys([*corridor.countries(case.jurisdiction), *about.route])),
        "containers": sorted(containers),
        "wagons": sorted(wagons),
        "held": held or None,
        "holds": [_shown(h) for h in holds],
        "steps": found.steps,
        "findings": found.findings[: budgets.FINDINGS_SHOWN],
        "verdicts": found.verdicts,
        "guarantee": found.guarantee,
        "limit": limit,
        "units": [_apart(unit, line) for unit, line in found.lines.differing().items()],
        "to_do": forms.to_do(found.state, held=held, limit=limit),
    }
    return {name: value for name, value in content.items() if value is not None and value != []}


def _apart(unit: str, line: lines.Line) -> dict[str, Any]:
    return {"unit": unit, "state": line.state, "since": utc_text(line.since) if line.since else None}


def _conflicts(found: Walk, conflicts: Sequence[StoredRevision]) -> dict[str, Any]:
    told = [
        {
            "finding": "DATA_CONFLICT",
            "detail": "two contents at one updated_at; the revision before counts",
            "instant": utc_text(r.updated_at),
            "source": r.source,
            "event_id": r.event_id,
        }
        for r in conflicts
    ]
    return {"findings": [*found.findings, *told][: budgets.FINDINGS_SHOWN]} if told else {}


def _shown(hold: Hold) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "hold": hold.hold,
        "party": hold.party,
        "authority": hold.authority,
        "scope": hold.scope,
        "placed_at": utc_text(hold.placed_at),
        "lifted_at": utc_text(hold.lifted_at) if hold.lifted_at else None,
        "country": hold.country,
    } | {name: getattr(hold, name) for name in forms.SECRET}
    return {name: value for name, value in shown.items() if value is not None}


def _parked(found: Walk, later: Sequence[Counted], statements: Sequence[Counted]) -> list[Parked]:
    return [*_waiting(found), *map(_dated_ahead, later), *map(lifts_nothing, lifting_nothing(statements))]


def _parties(case: Case, about: Consignment) -> Sequence[str] | frozenset[str]:
    """The parties of what a case is about; of a consignment that nobody has booked yet, who issues it."""
    return (
        about.parties
        if about.parties or kind_of(case.about) != "consignment"
        else visibility.parties_of(case.about, ())
    )


def _waiting(found: Walk) -> list[Parked]:
    waiting = [v for v in found.verdicts if v["verdict"] == "waiting"]
    return [Parked(v["source"], v["event_id"], "the declaration of its case") for v in waiting]


def _dated_ahead(one: Counted) -> Parked:
    return Parked(*one.revision.identity, "the instant that it names")


def _announced(one: Mapping[str, Any]) -> Publication:
    where = (topics.CUSTOMS_EVENTS.name, topics.CUSTOMS_CASES.of(one["country"]))
    return Publication(one["announcement"], catalogue.ARRIVAL, where, one, closing=passage.WITHDRAWN)


def _violated(one: Mapping[str, Any], corridor: Corridor) -> Iterator[Publication]:
    data = {n: v for n, v in one.items() if n != "jurisdiction"} | {"state": "raised"}
    where = {"involved": (topics.CUSTOMS_EVENTS.name,), "authority": forms.topics_of(one["jurisdiction"], corridor)}
    for form, entity in (("involved", one["violation"]), ("authority", f"{one['violation']}#authority")):
        yield Publication(entity, catalogue.VIOLATION, where[form], data | {"form": form}, closing=passage.WITHDRAWN)
