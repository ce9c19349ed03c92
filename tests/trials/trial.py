"""What a trial is, and how its file is read.

A file of `data/` has `title`, `story`, `reports` and `right`, and `still_wrong`, with the reason, for as long as it
does not come out right. A report is one line: `party kind id subject field=value ...`. `at` sets `occurred_at` and,
where `upd` does not, `updated_at`; `boxes=A+B` are containers; `calls=point|arrival|departure,...`;
`wagons=wagon=BOX+BOX,...`; a milestone is ACT unless `cls` says otherwise. `$N` is the number of the play, `$A` to `$D`
are containers and `$W` to `$Z` wagons that no other play has, so that many plays fit on one system.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Final, Literal

import yaml

from contracts import catalogue
from contracts.identifiers.schemes import make_container, make_wagon_1520

DATA: Final = Path(__file__).parent / "data"
CONTROL: Final = "corridor-control"

Order = Literal["in order", "in reverse", "doubled"]
ORDERS: Final[tuple[Order, ...]] = ("in order", "in reverse", "doubled")

_TYPES: Final = {
    "ms": catalogue.MILESTONE,
    "plan": catalogue.PLANNED,
    "comp": catalogue.COMPOSED,
    "book": catalogue.BOOKED,
    "lodge": catalogue.LODGED,
    "cancel": catalogue.CANCELLED,
    "dec": catalogue.DECISION,
    "hold": catalogue.HOLD_PLACED,
    "lift": catalogue.HOLD_LIFTED,
}


@dataclass(frozen=True, slots=True)
class Report:
    """One event as its sender writes it, before anybody has looked at it."""

    party: str
    type: str
    id: str
    subject: str
    data: Mapping[str, Any]

    @property
    def source(self) -> str:
        return f"urn:corridor:{self.party}:ops"


@dataclass(frozen=True, slots=True)
class Right:
    """What is right: what a party reads of `service` at `path`, and there at `place`.

    `after` is the number of reports after which it holds; None is at the end. `orders` are those in which it holds.
    """

    party: str
    service: str
    path: str
    place: str
    wanted: Mapping[str, Any]
    after: int | None = None
    orders: tuple[Order, ...] = ORDERS


@dataclass(frozen=True, slots=True)
class Trial:
    """One play of a trial."""

    name: str
    title: str
    reports: tuple[Report, ...]
    right: tuple[Right, ...]
    still_wrong: str | None = None


def names() -> list[str]:
    """The trials that there are, in order."""
    return sorted(path.stem for path in DATA.glob("*.yaml"))


def read(name: str, number: int) -> Trial:
    """A trial with the names of one play; raises `KeyError` for a kind or a placeholder that nobody knows."""
    text = Template((DATA / f"{name}.yaml").read_text(encoding="utf-8")).substitute(_placeholders(number))
    written = yaml.safe_load(text)
    lines = [line for line in written["reports"].splitlines() if line.strip()]
    right = tuple(map(_right, written["right"]))
    return Trial(name, written["title"], tuple(map(report, lines)), right, written.get("still_wrong"))


def report(line: str) -> Report:
    """The event of a line."""
    party, kind, id, subject, *fields = line.split()
    data: dict[str, Any] = {"classifier": "ACT"} if kind == "ms" else {}
    for name, _, value in (one.partition("=") for one in fields):
        data |= _field(name, value, data)
    return Report(party, _TYPES[kind], id, subject, data)


def _field(name: str, value: str, before: Mapping[str, Any]) -> dict[str, Any]:
    if name == "at":
        return {"occurred_at": value, "updated_at": before.get("updated_at", value)}
    if name == "boxes":
        return {"containers": [f"container:{box}" for box in value.split("+")]}
    if name == "calls":
        return {"calls": [_call(call) for call in value.split(",")]}
    if name == "wagons":
        return {"wagons": [_wagon(position, row) for position, row in enumerate(value.split(","), 1)]}
    renamed = {"upd": "updated_at", "cls": "classifier"}.get(name, name)
    return {renamed: True if value == "true" else value}


def _call(text: str) -> dict[str, str]:
    told = zip(("point", "arrival", "departure"), text.split("|"), strict=False)
    return {name: value for name, value in told if value}


def _wagon(position: int, text: str) -> dict[str, Any]:
    wagon, _, boxes = text.partition("=")
    row = {"wagon": wagon, "position": position}
    return row | ({"containers": [f"container:{box}" for box in boxes.split("+")]} if boxes else {})


def _right(one: Mapping[str, Any]) -> Right:
    if "of" in one:
        service, path = "tracking", f"/v1/subjects/{one['of'].replace(':', '/', 1)}"
    else:
        service, _, path = one["read"].partition(" ")
    wanted = {name: one[name] for name in ("is", "has", "lacks", "silent", "count") if name in one}
    if not wanted:
        raise KeyError(f"nothing is wanted: {one}")
    orders = (one["only"],) if "only" in one else ORDERS
    return Right(one.get("as", CONTROL), service, path, one.get("at", ""), wanted, one.get("after"), orders)


def _placeholders(number: int) -> dict[str, str]:
    boxes = {letter: make_container("TRLU", number * 10 + n) for n, letter in enumerate("ABCD")}
    wagons = {letter: make_wagon_1520(4, number * 10 + n) for n, letter in enumerate("WXYZ")}
    return {"N": str(number), **boxes, **wagons}
