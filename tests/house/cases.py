"""Writes down in the documents what may follow on what in a customs case.

Invariant: the page is made of the table that the service goes by, and nothing in it is written by hand.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from services.customs.domain.transitions import ENDS, ORDER, STATES, TABLE, Row, rows, target

PAGE: Final = Path(__file__).parents[2] / "docs" / "cases.md"
_PROCEDURES: Final = ("EXPORT", "TRANSIT", "IMPORT")
_HEAD: Final = """# What may follow on what in a customs case

Written by `python -m corridor cases` from the table that the service goes by
(`services/customs/domain/transitions.py`). `advise`, `lodge` and the `cancel` before acceptance are a declarant's,
`overdue` is the limit that passes, all others are decisions of customs. What is not here is not allowed: it is a
finding and moves nothing.

| state | by | leads to | in |
|---|---|---|---|
"""
_BY_LAW: Final = """
## Where a national system takes a case

A transcribed decision that the table does not allow counts nevertheless, with a finding, as long as it leads further
than the case has come. The same decision or number again is an echo and moves nothing.

| decision | EXPORT, TRANSIT | IMPORT |
|---|---|---|
"""
_ORDER: Final = """
## What comes first

Of what is said of one instant, or known by the day alone, the first here comes first: {}.
"""


def page() -> str:
    """The page as it has to be."""
    return _HEAD + "".join(_allowed()) + _BY_LAW + "".join(_by_law()) + _ORDER.format(", ".join(ORDER))


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the page."""
    argparse.ArgumentParser(prog="python -m corridor cases", description="writes docs/cases.md").parse_args(arguments)
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
    return 0


def _allowed() -> Iterator[str]:
    found: dict[Row, list[str]] = {}
    for procedure in _PROCEDURES:
        for row in rows(procedure):
            found.setdefault(row, []).append(procedure)
    for (state, trigger, following, en_route), procedures in sorted(found.items(), key=_place):
        where = "all" if len(procedures) == len(_PROCEDURES) else ", ".join(procedures)
        on_the_way = " once under way" if en_route else ""
        yield f"| {state} | `{trigger}` | {following} | {where}{on_the_way} |\n"
    for state in STATES:
        if state in ENDS and not any(row.state == state for row in found):
            yield f"| {state} | | the end | all |\n"


def _place(entry: tuple[Row, list[str]]) -> tuple[int, int, str]:
    row, _ = entry
    return STATES.index(row.state), list(TABLE).index(row.trigger), row.following


def _by_law() -> Iterator[str]:
    for decision in TABLE:
        if decision not in ("advise", "lodge", "overdue"):
            away, home = (target(STATES[0], decision, procedure) or "nowhere" for procedure in ("TRANSIT", "IMPORT"))
            yield f"| `{decision}` | {away} | {home} |\n"
