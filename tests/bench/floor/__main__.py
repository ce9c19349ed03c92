"""`python -m tests.bench.floor <service>`: one service of the floor, until it is stopped."""

from __future__ import annotations

import asyncio
import sys

from tests.bench.floor.service import main

if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
