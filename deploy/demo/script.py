"""The journey as it is played: everything that is sent, in steps, and the expectation that was agreed on.

Invariant: the committed expectation changes only by the command that writes it, so that a change is seen in review.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from deploy.demo import expectation, mess
from deploy.demo.player import Step, steps
from deploy.demo.scenario import authorities, operators
from deploy.demo.scenario.journey import journey
from deploy.demo.wire import Send

EXPECTED: Final = Path(__file__).parent / "expected.json"


@lru_cache
def sends() -> Sequence[Send]:
    """Everything that is sent, with the mess in it."""
    truth = journey()
    return tuple(mess.muddled([*operators.sends(truth), *authorities.sends(truth)]))


def plan() -> list[Step]:
    """The steps of the play."""
    return steps(sends(), journey().ends)


def work_out() -> dict[str, Any]:
    """The expectation, worked out anew."""
    found: dict[str, Any] = json.loads(json.dumps(expectation.expected(journey(), sends())))
    return found


def agreed() -> dict[str, Any]:
    """The expectation as it is committed."""
    found: dict[str, Any] = json.loads(EXPECTED.read_text(encoding="utf-8"))
    return found


def write() -> None:
    """Writes the expectation anew: a line for each fact, so that a change of one is one line."""
    EXPECTED.write_text(render(work_out()) + "\n", encoding="utf-8")


def render(value: Any, indent: str = "") -> str:
    """JSON that people can review: objects and lists of lists over several lines, other lists in one."""
    deeper = indent + " "
    if isinstance(value, dict) and value:
        rows = [f"{deeper}{json.dumps(name)}: {render(value[name], deeper)}" for name in value]
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(one, list) for one in value) and not _is_row(value):
        rows = [f"{deeper}{render(one, deeper)}" for one in value]
        return "[\n" + ",\n".join(rows) + f"\n{indent}]"
    return json.dumps(value, ensure_ascii=False)


def _is_row(value: list[Any]) -> bool:
    """A fact, whose last column is a list."""
    return isinstance(value[0], str)
