"""One contender in a process of its own: prints its events a second."""

from __future__ import annotations

import asyncio
import os
import sys

from services.chassis.base.access import access_in
from tests.bench import bare, ours, plain
from tests.bench.workload import workload


def main(name: str, url: str, group: str, produced: int, events: int) -> None:
    """Runs a contender over the records that were produced; the plain one over the first of them only."""
    access = access_in(os.environ)
    load = workload(produced)
    if name == "plain":
        rate = asyncio.run(plain.run(access, url, load, group, events))
    else:
        rate = asyncio.run({"bare": bare.run, "ours": ours.run}[name](access, url, load, group))
    print(rate)


if __name__ == "__main__":
    _, *names, produced, events = sys.argv
    main(names[0], names[1], names[2], int(produced), int(events))
