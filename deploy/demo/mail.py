"""What parties are about to send, while the mess is made of it.

Invariant: a sending is named by its party and id; one that is not there is a fault of the mess, told at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from contracts.events.fields import utc_text
from deploy.demo.wire import Outcome, Send


class Mail:
    """Sendings that can be looked up, taken out and put in."""

    def __init__(self, sends: Iterable[Send]) -> None:
        self._sends = list(sends)

    def __iter__(self) -> Any:
        return iter(self._sends)

    def find(self, party: str, id: str) -> Send:
        """The one sending of this id; raises `LookupError`."""
        found = [s for s in self._sends if (s.party, s.id) == (party, id)]
        if len(found) != 1:
            raise LookupError(f"{party} sends {id} {len(found)} times")
        return found[0]

    def starting(self, party: str, prefix: str) -> list[Send]:
        """The sendings of a party whose ids begin so, in order of time; raises `LookupError` where there are none."""
        found = sorted((s for s in self._sends if s.party == party and s.id.startswith(prefix)), key=lambda s: s.at)
        if not found:
            raise LookupError(f"{party} sends nothing that begins with {prefix}")
        return found

    def take(self, party: str, id: str) -> Send:
        """The one sending of this id, which is then no longer sent."""
        found = self.find(party, id)
        self._sends.remove(found)
        return found

    def put(self, *sends: Send) -> None:
        self._sends += sends

    def move(self, send: Send, **to: Any) -> None:
        """Sends something at another time, without any other change."""
        self._sends.remove(send)
        self._sends.append(replace(send, **to))


def after(send: Send, *, minutes: float = 0, hours: float = 0, days: float = 0) -> dict[str, Any]:
    """The fields of a sending that goes out so much later."""
    return {"at": send.at + timedelta(minutes=minutes, hours=hours, days=days)}


def again(send: Send, **later: float) -> Send:
    """The same bytes once more."""
    return replace(send, **after(send, **later), outcome="repeat")


def written(send: Send, data: Mapping[str, Any], **later: float) -> Send:
    """A revision of the same report, with other data, written and sent so much later."""
    sent = replace(send, **after(send, **later))
    return replace(sent, data={**send.data, **data, "updated_at": utc_text(sent.at)})


def failing(send: Send, **other: Any) -> Send:
    """A sending that is refused."""
    outcome: Outcome = "refused"
    return replace(send, outcome=outcome, **other)
