"""One report on its way: what a party says, and the bytes in which it says it.

Invariant: the bytes depend on the report alone, so that a load of one seed is the same every time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from contracts import catalogue, topics
from contracts.envelope import codec
from contracts.envelope.canonical import write_json
from contracts.events.fields import utc_text
from tests.faults.evidence import Header, Send

_TOPICS: Final = {name: row for row in topics.TABLE if row.ingress for name in row.types}


@dataclass(frozen=True, slots=True)
class Report:
    """What a party sends at an instant; `refused_as` is the reason that it has to be refused for."""

    at: datetime
    party: str
    type: str
    id: str
    subject: str
    data: Mapping[str, Any]
    structured: bool = False
    reordered: bool = False
    refused_as: str | None = None

    @property
    def source(self) -> str:
        return f"urn:corridor:{self.party}:ops"

    def later(self, **delay: float) -> Report:
        """The same bytes once more, after that time."""
        return replace(self, at=self.at + timedelta(**delay))

    def revised(self, changes: Mapping[str, Any], **delay: float) -> Report:
        """A later revision of the report, written when it is sent."""
        at = self.at + timedelta(**delay)
        return replace(self, at=at, data={**self.data, **changes, "updated_at": utc_text(at)})


def reported(at: datetime, party: str, type: str, id: str, subject: str, data: Mapping[str, Any]) -> Report:
    """The first revision of a report, written when it is sent; yards write structured events."""
    return Report(
        at, party, type, id, subject, {**data, "updated_at": utc_text(at)}, structured=party.endswith("-yard")
    )


def milestone(
    at: datetime, party: str, code: str, subject: str, point: str | None, *, sent: datetime | None = None, **more: Any
) -> Report:
    """An ACT milestone that occurred at an instant and is sent some minutes later."""
    data = {
        "code": code,
        "classifier": "ACT",
        "occurred_at": utc_text(at),
        **({"point": point} if point else {}),
        **more,
    }
    identity = "-".join(filter(None, (code, point, subject.partition(":")[2].replace("/", "-"))))
    return reported(sent or at + timedelta(minutes=9), party, catalogue.MILESTONE, identity, subject, data)


def wire(report: Report) -> Send:
    """The record of a report."""
    data = dict(reversed(list(report.data.items()))) if report.reordered else report.data
    about: dict[str, Any] = {"id": report.id, "source": report.source, "type": report.type, "subject": report.subject}
    if report.structured:
        headers: list[Header] = [("content-type", codec.STRUCTURED.encode())]
        value = codec.structured_body(codec.structured(**about, data=data))
    else:
        headers, value = codec.encode(**about), write_json(data)
    topic = _TOPICS[report.type].of(report.party)
    key = report.subject.encode()
    return Send(topic, key, tuple(headers), value, report.source, report.id, report.refused_as)
