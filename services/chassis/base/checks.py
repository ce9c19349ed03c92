"""The checks on a decoded report that ingest and the HTTP API share.

Invariant: a pure function of the event and the instant at which it was received.
"""

from datetime import datetime
from typing import Final, cast

import orjson

from contracts.envelope.codec import Event
from contracts.events.base import FUTURE_SKEW, Revision
from contracts.events.fields import utc_text
from contracts.refusal import refused

_UNKNOWN_BYTES: Final = 4096
_SMALL_BODY: Final = 8192


def require_known(event: Event) -> None:
    """Raises `Refused` (too_large) for a large body with over 4 KiB of unknown fields, which nobody would read."""
    if len(event.body) <= _SMALL_BODY:
        return
    said = len(orjson.dumps(orjson.loads(event.body)))
    unknown = said - len(event.data.model_dump_json(exclude_unset=True))
    if unknown > _UNKNOWN_BYTES:
        raise refused("too_large", "$.data", f"{unknown} bytes of unknown fields, the limit is {_UNKNOWN_BYTES}")


def require_past(event: Event, received_at: datetime) -> None:
    """Raises `Refused` (from_the_future) if `updated_at` is ahead of us: no later revision could supersede it."""
    if cast(Revision, event.data).updated_at > received_at + FUTURE_SKEW:
        here = utc_text(received_at)
        raise refused("from_the_future", "$.data.updated_at", f"it is {here} here: set the clock and send it again")
