"""What a chain costs that has nothing to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Final

from tests.bench.chain.backlog import Looker
from tests.bench.chain.chain import Chain
from tests.bench.chain.cpu import between, cpu_of

_SECONDS: Final = 2.0
_RESTED_WITHIN: Final = 60.0


async def idle(chain: Chain, looker: Looker) -> Mapping[str, float]:
    """The cores in use, by process, while nothing is sent."""
    await looker.at_rest(_RESTED_WITHIN)
    begun, used = time.monotonic(), cpu_of(chain)
    await asyncio.sleep(_SECONDS)
    taken = time.monotonic() - begun
    return {name: seconds / taken for name, seconds in between(used, cpu_of(chain)).items()}
