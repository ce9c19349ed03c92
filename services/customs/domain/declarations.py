"""Which declarations count in a case, and as what they stood when customs accepted them.

Invariant: a case is declared by a party of its consignment. What its customs accepted is what the broker had taken
before the acceptance; from then on a change, a withdrawal or a back-dated lodging is a request, until customs amend.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, cast

from contracts import catalogue
from contracts.corridor.corridor import Corridor
from contracts.events.authority import DecisionIssued
from contracts.events.declarant import DeclarationLodged
from contracts.events.fields import utc_text
from contracts.identifiers.subjects import Case, kind_of, local
from services.chassis.projection.fold import Parked, StoredRevision, by_identity, effective
from services.customs.domain.shared import Consignment
from services.customs.domain.statements import Counted, as_counted, in_order

_WITHOUT_PART: Final = "a booking that names {party} as its party"
_REQUEST: Final = "customs, which have accepted the declaration"
_STRANGER: Final = "somebody who is no party of the consignment has declared it"

NOT_A_PARTY: Final = "NOT_A_PARTY"
FOR_BOTH: Final = frozenset({NOT_A_PARTY, "AMENDMENT_REQUESTED", "WITHDRAWAL_REQUESTED", "CANCELLATION_REQUESTED"})
"""The findings that the parties of the goods are told as well as the authority."""


@dataclass(slots=True)
class Declarations:
    """What was stated in a case, sorted: `statements` count; `amended` has what each amendment takes over."""

    statements: list[Counted] = field(default_factory=list)
    amended: dict[tuple[str, str], Counted] = field(default_factory=dict)
    parked: list[Parked] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    strangers: set[str] = field(default_factory=set)

    def turn_away(self, one: Counted) -> None:
        """Parks what somebody states who is no party of the goods; that they do is one finding, however often."""
        party = one.revision.party
        waits_for = _WITHOUT_PART.format(party=party)
        if party in self.strangers:
            self.parked.append(Parked(*one.revision.identity, waits_for))
        else:
            self.strangers.add(party)
            self.ask(NOT_A_PARTY, one, waits_for, _STRANGER)

    def ask(self, finding: str, one: Counted, waits_for: str, detail: str) -> None:
        """Puts a statement aside that does not count, and says so to both sides."""
        source, event_id = one.revision.identity
        at = utc_text(one.revision.received_at)
        self.parked.append(Parked(source, event_id, waits_for))
        self.findings.append(
            {"finding": finding, "detail": detail, "instant": at, "source": source, "event_id": event_id}
        )


def sort_out(
    case: Case,
    about: Consignment,
    counted: Sequence[Counted],
    revisions: Iterable[StoredRevision],
    corridor: Corridor,
    misplaced: Collection[tuple[str, str]] = (),
) -> Declarations:
    """The statements of a case as they count; `counted` are the newest of each identity, in order.

    `misplaced` are decisions of an office that does not make them: they accept nothing.
    """
    found = Declarations()
    decisions = (c for c in counted if c.revision.type == catalogue.DECISION)
    rulings = [c for c in decisions if c.revision.identity not in misplaced or _is_national(c)]
    lodgings = [one for read in _lodged(case, revisions, corridor) if (one := _Lodging(read, rulings)).is_in(case)]
    ours = [one for one in lodgings if _may_declare(one.party, case, about, one.accepted)]
    for one in lodgings:
        if one not in ours:
            found.turn_away(one.first)
    accepted = [one for one in ours if one.accepted is not None and one.whole]
    for one in ours:
        _lodge(found, one, accepted)
    for statement in counted:
        if statement.revision.type == catalogue.CANCELLED:
            _cancel(found, statement, rulings, case, about)
        elif statement.revision.type != catalogue.LODGED:
            found.statements.append(statement)
    found.statements = in_order(found.statements)
    return found


class _Lodging:
    """One declaration with all its revisions, and the decisions that have taken any of them over."""

    def __init__(self, read: Sequence[Counted], rulings: Sequence[Counted]) -> None:
        self._read = {c.revision: c for c in read}
        self.first = min(read, key=lambda c: (c.revision.received_at, c.revision.updated_at, c.revision.content_hash))
        after = [r for r in rulings if r.ends >= self.first.begins]
        # What is decided behind its rejection is about another one, which may still be on its way to us.
        rejected = min((r.instant for r in after if _decision(r) == "reject"), default=None)
        accepts = [r for r in after if _decision(r) == "accept" and (rejected is None or r.instant < rejected)]
        self.accepted = min(accepts, key=lambda r: r.revision.received_at, default=None)
        self.amendments = [r for r in after if _decision(r) == "amend"] if accepts else []

    @property
    def party(self) -> str:
        return self.first.revision.party

    def is_in(self, case: Case) -> bool:
        """Whether what counts of it is about a case: a later revision may be about another one."""
        standing = self.standing
        return standing is not None and standing.subject == case.key

    @property
    def whole(self) -> bool:
        """Whether it is a declaration, advance data apart."""
        return cast(DeclarationLodged, self.first.data).stage == "declaration"

    @property
    def standing(self) -> Counted | None:
        """What was accepted, or, before that, the newest; where nothing was there to accept, what came first."""
        if self.accepted is None:
            return self.newest
        return self.taken_by(self.accepted) or self.first

    @property
    def newest(self) -> Counted | None:
        return self._counting(self._read)

    def taken_by(self, ruling: Counted) -> Counted | None:
        """What counted of the declaration when the broker took a decision."""
        return self._counting(r for r in self._read if r.received_at <= ruling.revision.received_at)

    def _counting(self, revisions: Iterable[StoredRevision]) -> Counted | None:
        counts = effective(list(revisions))[0]
        return self._read[counts] if counts is not None else None


def _lodge(found: Declarations, one: _Lodging, accepted: Sequence[_Lodging]) -> None:
    standing = cast(Counted, one.standing)
    late = _late(one, accepted)
    if late is not None:
        # Behind the acceptance of another one it changes nothing that customs have decided on.
        after = late.ends + timedelta(microseconds=1)
        begins, ends = max(standing.begins, after), max(standing.ends, after)
        standing = replace(standing, instant=begins, begins=begins, ends=ends)
    found.statements.append(standing)
    found.amended |= {a.revision.identity: taken for a in one.amendments if (taken := one.taken_by(a)) is not None}
    taken_over = [standing, *(one.taken_by(a) for a in one.amendments)]
    newest = one.newest
    if one.accepted is None or newest in taken_over:
        return
    if newest is None:
        found.ask("WITHDRAWAL_REQUESTED", one.first, _REQUEST, "the declarant asks to withdraw its declaration")
    else:
        found.ask("AMENDMENT_REQUESTED", newest, _REQUEST, "the declarant asks to amend its declaration")


def _late(one: _Lodging, others: Sequence[_Lodging]) -> Counted | None:
    """The acceptance of another declaration that was there before this one came, though it is dated earlier."""
    for other in others:
        accepted = cast(Counted, other.accepted)
        if other is one:
            continue
        taken = accepted.revision.received_at
        standing = cast(Counted, one.standing)
        was_there = other.first.revision.received_at <= taken < standing.revision.received_at
        if was_there and standing.begins <= accepted.ends:
            return accepted
    return None


def _cancel(found: Declarations, one: Counted, rulings: Sequence[Counted], case: Case, about: Consignment) -> None:
    before = (r for r in rulings if _decision(r) == "accept" and r.revision.received_at < one.revision.received_at)
    accepted = min(before, key=lambda r: r.revision.received_at, default=None)
    if not _may_declare(one.revision.party, case, about, accepted):
        found.turn_away(one)
    elif accepted is not None:
        if not any(_decision(r) == "cancel" for r in rulings):
            found.ask("CANCELLATION_REQUESTED", one, _REQUEST, "the declarant asks to cancel its declaration")
    else:
        found.statements.append(one)


def _may_declare(party: str, case: Case, about: Consignment, accepted: Counted | None) -> bool:
    """Whether a party may declare: it has issued the consignment, or its booking names it.

    What customs accepted while it did stays accepted, whoever the booking names since.
    """
    issuer = local(case.about).split("/")[0] if kind_of(case.about) == "consignment" else None
    if party == issuer or party in about.declarants:
        return True
    until = about.former.get(party)
    return accepted is not None and until is not None and accepted.revision.received_at <= until


def _lodged(case: Case, revisions: Iterable[StoredRevision], corridor: Corridor) -> Iterator[list[Counted]]:
    lodged = (r for r in revisions if r.type == catalogue.LODGED)
    for same in by_identity(lodged).values():
        read = [as_counted(r, corridor) for r in same]
        if any(c.subject == case.key for c in read):
            yield read


def _is_national(one: Counted) -> bool:
    return cast(DecisionIssued, one.data).origin == "transcribed"


def _decision(one: Counted) -> str:
    return cast(DecisionIssued, one.data).decision
