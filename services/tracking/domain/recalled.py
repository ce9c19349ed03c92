"""What tracking has published, brought back to the subjects that published it.

Invariant: an exception that was told is remembered as its own fold would, so that it is closed when it is none.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

import orjson

from contracts import catalogue
from contracts.envelope.codec import Event
from contracts.events.tracking import ExceptionChanged

_REMEMBERED: Final = ("rule", "leg", "severity", "opened_at", "causes", "about", "statements")


def owner(event: Event) -> str:
    """The subject whose fold published it."""
    return cast(ExceptionChanged, event.data).subject if event.type == catalogue.EXCEPTION else event.subject


def remember(memory: Mapping[str, Any] | None, event: Event) -> Mapping[str, Any] | None:
    """The memory of that subject with it."""
    if event.type != catalogue.EXCEPTION:
        return memory
    told = orjson.loads(event.body)
    known = {"causes": []} | {name: told[name] for name in _REMEMBERED if name in told}
    return dict(memory or {}) | {event.subject: known}
