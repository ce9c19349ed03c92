"""Why a report is refused.

Invariant: the reasons are a closed set; receipts, dead letters, metrics and HTTP problems all use exactly
these words, so a new one is a change of contract.
"""

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
    "too_large",
    "type_changed",
    "not_entitled",
    "quarantined",
]
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)

Outcome = Literal["accepted", "repeat", "refused", "parked", "effective"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a report: the reason, where it is (JSONPath into the structured event) and how to mend it."""

    reason: Reason
    path: str
    detail: str


class Refused(Exception):
    """A report that is never tried again; `problems` is never empty, its first entry decides the reason."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(f"{p.reason} at {p.path}: {p.detail}" for p in problems))
        self.problems = problems

    @property
    def first(self) -> Problem:
        return self.problems[0]


def refused(reason: Reason, path: str, detail: str) -> Refused:
    """A refusal with a single problem."""
    return Refused(Problem(reason, path, detail))
