"""The result of a play: the figures, and whether the pictures are the expected ones.

Invariant: `ok` is true only when no field of any picture, case or figure differs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.demo.check import Reader, differences


@dataclass(frozen=True, slots=True)
class Result:
    """Figures as found, and the paths that differ."""

    figures: Mapping[str, int]
    wrong: Sequence[str]

    @property
    def ok(self) -> bool:
        return not self.wrong

    def line(self, seconds: float) -> str:
        """The last line of a play, one JSON object."""
        return json.dumps({**self.figures, "seconds": round(seconds, 1), "ok": self.ok})


def examine(
    urls: Mapping[str, str], tokens: Mapping[str, str], expected: Mapping[str, Any], senders: Sequence[str], sent: int
) -> Result:
    """Reads what the services show and compares it with the expectation."""
    with Reader(urls, tokens) as reader:
        subjects = reader.subjects()
        cases = reader.cases() if "customs" in urls else {}
        outcomes = reader.outcomes(senders)
        figures = {
            "sent": sent,
            "accepted": outcomes["accepted"] + outcomes["superseded"],
            "repeats": outcomes["repeat"],
            "dead_letters": reader.dead_letters(),
            "parked": sum(len(picture["parked"]) for picture in subjects.values()),
            "subjects": len(subjects),
            "cases": len(cases),
            "feed_items": reader.feed_items(sorted(tokens)),
        }
        open_items = sorted([i["subject"], i["code"]] for i in reader.attention()) if "notifications" in urls else []
    wrong = list(differences(expected["subjects"], subjects, "subjects"))
    if "customs" in urls:
        wrong += differences(expected["cases"], cases, "cases")
        wrong += differences(expected["counts"], {name: figures[name] for name in expected["counts"]}, "counts")
    if "notifications" in urls:
        wrong += differences(expected["attention"], open_items, "attention")
    return Result(figures, wrong)
