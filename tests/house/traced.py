"""Traces a report through a service that runs in this process: the files whose functions run for it, in order.

Invariant: what runs beside the report, such as timers and the watch on the store, is not counted. A function counts
when one of the entries is on its stack.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

from services.chassis.ingest.subscriber import BatchMiddleware
from services.chassis.outbox.relay import Relay
from tests.house.path import ROOT
from tests.house.sizes import PRODUCT

ENTERED: Final[tuple[CodeType, ...]] = (
    BatchMiddleware.consume_scope.__code__,
    Relay.send_page.__code__,
)
"""Where a loop takes up what is there: a delivered batch, and a page of the outbox.

While nobody waits, a report is folded in the transaction that stores it. What takes up the queue is not on its path.
"""


@contextmanager
def traced() -> Iterator[list[str]]:
    """The files of our own code in which a function has run for a report, in order; filled within the block."""
    found: dict[CodeType, str | None] = {}
    files: list[str] = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event != "call":
            return
        code = frame.f_code
        name = found[code] if code in found else found.setdefault(code, _own(code))
        if name is not None and name not in files and _is_for_a_report(frame):
            files.append(name)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield files
    finally:
        sys.setprofile(before)


def _own(code: CodeType) -> str | None:
    """The file of a function of the product, seen from the root; None for other code, and for a module's own body."""
    file = Path(code.co_filename)
    if code.co_name == "<module>" or not file.is_relative_to(ROOT):
        return None
    name = file.relative_to(ROOT)
    return name.as_posix() if name.parts[0] in PRODUCT else None


def _is_for_a_report(frame: FrameType) -> bool:
    caller: FrameType | None = frame
    while caller is not None:
        if caller.f_code in ENTERED:
            return True
        caller = caller.f_back
    return False
