"""Compares an answer with what is right of it.

A place is a path with dots: a name of an object, a number of a list, `name=value` for the rows of a list that have it,
and a name for what each row of a list has there. What is not there is None.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def faults(answer: Any, place: str, wanted: Mapping[str, Any]) -> list[str]:
    """What of `wanted` does not hold at a place of an answer: one text for each, with what came out."""
    found = pick(answer, place)
    return [
        f"{place or 'the answer'}: {name} {json.dumps(right)}, came out {json.dumps(found)[:400]}"
        for name, right in wanted.items()
        if not _holds(name, right, found, answer)
    ]


def _holds(name: str, right: Any, found: Any, answer: Any) -> bool:
    match name:
        case "is":
            return bool(found == right)
        case "has":
            return all(any(_within(one, row) for row in _rows(found)) for one in _rows(right))
        case "lacks":
            return not any(_within(one, row) for one in _rows(right) for row in _rows(found))
        case "count":
            return len(_rows(found)) == int(right)
        case "silent":
            return not any(text in json.dumps(answer) for text in right)
    raise KeyError(name)


def pick(value: Any, place: str) -> Any:
    """What stands at a place of an answer."""
    for step in place.split(".") if place else ():
        value = _step(value, step)
    return value


def _step(value: Any, step: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(step)
    if not isinstance(value, list):
        return None
    if step.lstrip("-").isdigit():
        return value[int(step)] if -len(value) <= int(step) < len(value) else None
    name, is_filter, text = step.partition("=")
    if is_filter:
        return [row for row in value if str(row.get(name)) == text]
    return [row[step] for row in value if step in row]


def _rows(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _within(one: Any, row: Any) -> bool:
    """Whether a row has all that is wanted of it; of a text, whether it occurs in it."""
    if isinstance(one, Mapping) and isinstance(row, Mapping):
        return all(_within(value, row.get(name)) for name, value in one.items())
    if isinstance(one, str) and isinstance(row, str):
        return one in row
    return bool(one == row)
