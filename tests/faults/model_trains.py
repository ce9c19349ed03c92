"""Trains and wagons of the model.

Invariant: a wagon has what happened to its train from the consist or the putting in on, until it is cut out or is in
another consist.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from contracts import catalogue
from contracts.events.fields import utc_text
from tests.faults.model_facts import (
    CORRIDOR,
    DATA_CONFLICT,
    Fact,
    Span,
    contradicted,
    inherited,
    instant,
    milestones,
    occurred,
    own_facts,
    timeline,
)
from tests.faults.stated import Disagreement, Stated

_ARRIVES = ("ARRI", "BARR")


class Trains:
    """What is known of every train and wagon."""

    def __init__(self, counting: Sequence[Stated], against: Sequence[Disagreement], as_of: datetime) -> None:
        self._counting = counting
        self._against = against
        self._as_of = as_of
        self._consists = [s for s in counting if s.type == catalogue.COMPOSED]
        plans = [s.subject for s in counting if s.type == catalogue.PLANNED and s.subject.startswith("train:")]
        self.trains = sorted({*plans, *(s.subject for s in self._consists)})
        self.facts: dict[str, list[Fact]] = {train: self._of_train(train) for train in self.trains}
        self.spans: dict[str, list[Span]] = self._in_trains()

    def views(self) -> dict[str, Mapping[str, Any]]:
        return {t: self._train(t) for t in self.trains} | {w: self._wagon(w) for w in self.spans}

    def _of_train(self, train: str) -> list[Fact]:
        facts = own_facts([(s, d) for s, d in self._acts("train") if s.subject == train])
        composed = [Fact("COMP", s.data.point, instant(s.data), s.party) for s in self._consists if s.subject == train]
        return [*composed, *facts, *_crossings(facts)]

    def _acts(self, kind: str) -> Iterator[tuple[Stated, Any]]:
        for one, data in milestones(self._counting, kind):
            if data.classifier == "ACT" and occurred(data, self._as_of):
                yield one, data

    def _in_trains(self) -> dict[str, list[Span]]:
        """The trains of each wagon, in order."""
        changes: dict[str, list[tuple[datetime, str | None]]] = {}
        for consist in self._consists:
            for carried in consist.data.wagons:
                changes.setdefault(carried.wagon, []).append((instant(consist.data), consist.subject))
        for one, data in self._acts("wagon"):
            if data.code in ("ATCH", "DTCH"):
                train = data.train if data.code == "ATCH" else None
                changes.setdefault(one.subject, []).append((instant(data), train))
        return {wagon: spans_of(found) for wagon, found in changes.items()}

    def _train(self, train: str) -> dict[str, Any]:
        facts = self.facts[train]
        runs = [Span(s.data.run, instant(s.data)) for s in self._consists if s.subject == train and s.data.run]
        disputed = any(fact.disputed for fact in facts) or contradicted(train, self._against)
        return {
            "known": True,
            **timeline(facts),
            "associations": sorted(run.shown("in_run") for run in runs),
            "exceptions": [DATA_CONFLICT] if disputed else [],
            "forecasts": self._forecasts(train),
            "parked": self._parked(train),
        }

    def _forecasts(self, train: str) -> list[list[Any]]:
        """The newest of each party for each arrival or departure that has not come about."""
        come = {(("ARRI" if f.code == "BARR" else f.code), f.point) for f in self.facts.get(train, ())}
        newest: dict[tuple[str, str | None, str], Any] = {}
        for one, data in sorted(milestones(self._counting, "train"), key=lambda pair: pair[0].updated_at):
            if one.subject == train and data.classifier != "ACT" and (data.code, data.point) not in come:
                newest[data.code, data.point, one.party] = data
        return sorted([*key, utc_text(instant(data))] for key, data in newest.items())

    def _parked(self, train: str) -> list[str]:
        """Acts that lie ahead."""
        ahead = (
            one.id
            for one, data in milestones(self._counting, "train")
            if one.subject == train and data.classifier == "ACT" and not occurred(data, self._as_of)
        )
        return sorted(ahead)

    def _wagon(self, wagon: str) -> dict[str, Any]:
        own = own_facts([(s, d) for s, d in self._acts("wagon") if s.subject == wagon])
        ridden = [fact for span in self.spans[wagon] for fact in inherited(self.facts[span.on], span)]
        return {
            "known": True,
            **timeline([*own, *ridden]),
            "associations": sorted(span.shown("in_train") for span in self.spans[wagon]),
            "exceptions": [DATA_CONFLICT] if contradicted(wagon, self._against) else [],
            "forecasts": [],
            "parked": [],
        }


def spans_of(changes: Sequence[tuple[datetime, str | None]]) -> list[Span]:
    """The intervals between changes: each change ends what was before, and begins what it names."""
    spans: list[Span] = []
    for at, on in sorted(changes, key=lambda change: change[0]):
        if spans and spans[-1].end is None:
            if spans[-1].on == on:
                continue
            spans[-1] = Span(spans[-1].on, spans[-1].start, at)
        if on is not None:
            spans.append(Span(on, at))
    return spans


def _crossings(facts: Sequence[Fact]) -> Iterator[Fact]:
    """A frontier that was crossed: the train has left the exit station and arrived at the entry station."""
    left = {fact.point for fact in facts if fact.code == "DEPA"}
    for fact in facts:
        border = CORRIDOR.border_at(fact.point) if fact.point else None
        if fact.code in _ARRIVES and border and border.entry.point == fact.point and border.exit.point in left:
            yield Fact("XBRD", fact.point, fact.at, fact.party, "inferred")
