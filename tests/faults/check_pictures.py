"""Every canonical picture is that of the independent model, and that of an undisturbed run.

Invariant: the model decides what is right where it says anything; the undisturbed run covers all the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from tests.faults.evidence import Violation
from tests.faults.ledger import Ledger
from tests.faults.looked import Found
from tests.faults.model import views
from tests.faults.undisturbed import Pictures
from tests.faults.view import OVER, differences, view_of

# A picture with none of these says nothing: there is one of it where a version of another's picture was not skipped.
_SAYS: Final = {
    "customs": ("steps", "holds", "findings", "verdicts", "claimants", "announcements", "violations"),
    "notifications": ("facts",),
}
_MODELLED: Final = {
    "tracking": ("train:", "wagon:", "container:", "consignment:", "reference:"),
    "customs": ("case:",),
}


def pictures(book: Ledger, found: Found, as_of: datetime, reference: Pictures) -> Iterator[Violation]:
    """Both comparisons."""
    stored = {service: _stored(found, service) for service in ("tracking", "customs", "notifications")}
    yield from _by_model(book, stored, as_of)
    for service, expected in reference.items():
        yield from _by_reference(service, said(service, expected), said(service, stored[service]))


def _stored(found: Found, service: str) -> dict[str, Any]:
    rows = found.rows(service, "picture")
    return {row["subject"]: json.loads(row["content"]) for row in rows if row["content"] is not None}


def _by_model(book: Ledger, stored: Pictures, as_of: datetime) -> Iterator[Violation]:
    events = [e.event for service in _MODELLED for e in book.good(service) if e.event is not None]
    for service, expected in views(events, as_of).items():
        shown = {
            subject: view_of(picture)
            for subject, picture in said(service, stored[service]).items()
            if subject.startswith(_MODELLED[service])
        }
        yield from _compared(expected, shown, f"{service}, by the model")


def _by_reference(service: str, expected: Mapping[str, Any], shown: Mapping[str, Any]) -> Iterator[Violation]:
    yield from _compared(expected, shown, f"{service}, by the undisturbed run")


def _compared(expected: Mapping[str, Any], shown: Mapping[str, Any], what: str) -> Iterator[Violation]:
    for subject in sorted(expected.keys() | shown.keys()):
        one, other = expected.get(subject, "no picture"), shown.get(subject, "no picture")
        for difference in differences(one, other, subject):
            yield Violation("picture", f"{what}: {difference}")


def said(service: str, pictures: Mapping[str, Any]) -> dict[str, Any]:
    """The pictures that say anything."""
    names = _SAYS.get(service)
    if names is None:
        return dict(pictures)
    filled = {subject: picture for subject, picture in pictures.items() if any(picture.get(name) for name in names)}
    return {subject: picture for subject, picture in filled.items() if not _is_over(picture)}


def _is_over(picture: Mapping[str, Any]) -> bool:
    """Whether all that is told is that something no longer is.

    What has come and gone depends on the way, and is no part of a canonical picture (design, principle 1).
    """
    facts = picture.get("facts", ())
    return bool(facts) and all(fact.get("state") in OVER for fact in facts)
