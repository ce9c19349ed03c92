"""The faults by the names under which they are planned.

Invariant: each is thrown and mended by one function, which returns when it is mended.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.faults import on_copies, on_links, on_servers
from tests.faults.scene import Throw
from tests.faults.schedule import COPY

KINDS: Final[Mapping[str, Throw]] = {
    "kill": on_copies.kill,
    "term": on_copies.term,
    "freeze": on_copies.freeze,
    "twin": on_copies.twin,
    "storm": on_copies.storm,
    "clock": on_copies.clock,
    "rolling": on_copies.rolling,
    "kafka-kill": on_servers.kafka_kill,
    "kafka-away": on_servers.kafka_away,
    "postgres-kill": on_servers.postgres_kill,
    COPY: on_servers.copy,
    "put-back": on_servers.put_back,
    "full-disk": on_servers.full_disk,
    "cut": on_links.cut,
    "refuse": on_links.refuse,
    "delay": on_links.delay,
    "swallow": on_links.swallow,
    "slow": on_links.slow,
}
