"""The golden examples as tests use them: decoded, and as the Kafka records that carry them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from contracts.catalogue import TYPES
from contracts.envelope import codec
from contracts.envelope.codec import Event
from contracts.tooling import examples_store, gates
from contracts.tooling.gates import Mode

Record = tuple[list[tuple[str, bytes]], bytes]


@dataclass(frozen=True, slots=True)
class Example:
    """One golden example: its type, the case that it stands for, the document as committed, and its event."""

    type: str
    case: str
    document: dict[str, Any]
    event: Event

    @property
    def name(self) -> str:
        """How a test that is run for each example is called."""
        return f"{self.type}/{self.case}"


@cache
def _all() -> tuple[Example, ...]:
    return tuple(
        Example(one.type, one.case, one.document, codec.decode_structured(one.document, TYPES))
        for one in examples_store.load()
    )


def load_examples(type: str | None = None) -> list[Example]:
    """All golden examples, or those of one type, by type and case."""
    return [example for example in _all() if type in (None, example.type)]


def example(type: str, case: str) -> Example:
    """One golden example; raises `StopIteration` where there is no such case."""
    return next(one for one in load_examples(type) if one.case == case)


def as_record(example: Example, mode: Mode = "binary") -> Record:
    """The headers and the value of the Kafka record that carries the example."""
    return gates.record_of(example.event, mode)
