"""Why a report is refused.

Invariant: the reasons are a closed set; receipts, dead letters, metrics and HTTP problems all use exactly
these words, so a new one is a change of contract.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

Reason = Literal[
    "not_json",
    "bad_header",
    "bad_envelope",
    "unknown_type",
    "bad_field",
    "check_digit",
    "time_without_offset",
    "from_the_future",
    "over_budget",
    "too_large",
    "type_changed",
    "not_entitled",
    "quarantined",
]
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)

Outcome = Literal["accepted", "repeat", "superseded", "refused", "parked", "effective"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a report: the reason, where it is (JSONPath into the structured event) and how to mend it."""

    reason: Reason
    path: str
    detail: str


class Refused(Exception):
    """A report that is never tried again; `problems` is never empty, its first entry decides the reason.

    `quoted` holds what its sender wrote as id, source, type and subject, as far as that could be read.
    """

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(f"{p.reason} at {p.path}: {p.detail}" for p in problems))
        self.problems = problems
        self.quoted: dict[str, str] = {}

    def quote(self, attributes: Mapping[str, str]) -> None:
        """Keeps the attributes by which the sender knows the report."""
        names = ("id", "source", "type", "subject")
        self.quoted = {name: printable(attributes[name]) for name in names if attributes.get(name)}

    @property
    def first(self) -> Problem:
        return self.problems[0]


def refused(reason: Reason, path: str, detail: str) -> Refused:
    """A refusal with a single problem."""
    return Refused(Problem(reason, path, detail))


def printable(text: str, most: int = 200) -> str:
    """A text that can be stored and shown, cut at `most` characters; the rest becomes `?`."""
    return "".join(c if c.isprintable() else "?" for c in text[:most])
