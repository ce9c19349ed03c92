"""A record that is being spoilt: its headers and bytes, and its body as JSON where it still is.

Invariant: whatever is done to it, it stays a record that Kafka would take but for its size.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from typing import Any, Final

Headers = list[tuple[str, bytes | None]]

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(slots=True)
class Draft:
    """What the ways of spoiling work on; `draw` is their only chance."""

    topic: str
    key: bytes | None
    headers: Headers
    value: bytes | None
    draw: random.Random

    def document(self) -> Any:
        """The body as JSON; None where it is none any more."""
        try:
            return json.loads(self.value or b"")
        except (ValueError, RecursionError):
            return None

    def write(self, document: Any) -> None:
        self.value = json.dumps(document, ensure_ascii=self.draw.random() < 0.5).encode("utf-8", "surrogatepass")

    def without(self, name: str) -> Headers:
        """The headers but those of a name."""
        return [h for h in self.headers if h[0] != name]

    def set(self, attribute: str, value: bytes) -> None:
        """Gives a CloudEvents attribute another value, wherever the record has it."""
        document = self.document()
        if any(name.startswith("ce_") for name, _ in self.headers):
            self.headers = [*self.without(f"ce_{attribute}"), (f"ce_{attribute}", value)]
        elif isinstance(document, dict):
            self.write(document | {attribute: value.decode("utf-8", "surrogateescape")})


def places(document: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) inside a document."""
    if isinstance(document, dict):
        children: list[tuple[Any, Any]] = list(document.items())
    else:
        children = list(enumerate(document)) if isinstance(document, list) else []
    return [place for key, child in children for place in ((document, key), *places(child))]


def times(document: Any) -> list[tuple[Any, Any]]:
    """Those places that hold a time or a date."""
    return [(inside, key) for inside, key in places(document) if _is_time(inside[key])]


def _is_time(value: Any) -> bool:
    return isinstance(value, str) and _TIME.match(value) is not None
