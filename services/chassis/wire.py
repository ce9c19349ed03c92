"""Reading the batches that Kafka hands over, whatever names their headers have.

Invariant: what Kafka has taken can be read. Kafka keeps the bytes of a header's name as they are, and the client
decodes them as UTF-8: one name that is none would end the reading of its partition and, since it is read again and
again, of all that stand behind it. Such a name is shown with its bytes escaped, and so is none of ours.
"""

from collections.abc import Iterator
from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBase, _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

# Of every batch: its first offset, and the length of what follows.
_LENGTH: Final = slice(8, DefaultRecordBase.AFTER_LEN_OFFSET)


def install() -> None:
    """Makes every consumer of this process read in this way."""
    setattr(fetcher, "MemoryRecords", Readable)  # noqa: B010 (the module does not export it)


class Readable:
    """The client's own reading of fetched bytes, with batches that survive any header."""

    def __init__(self, data: bytes) -> None:
        self._own = MemoryRecords(data)
        self._rest = memoryview(data)

    def size_in_bytes(self) -> int:
        return self._own.size_in_bytes()

    def has_next(self) -> bool:
        return self._own.has_next()

    def next_batch(self) -> "Batch":
        size = _LENGTH.stop + int.from_bytes(self._rest[_LENGTH], "big")
        raw, self._rest = self._rest[:size], self._rest[size:]
        return Batch(self._own.next_batch(), raw)


class Batch:
    """One batch: the client's own, and its bytes for the case that this one fails."""

    def __init__(self, own: Any, raw: memoryview) -> None:
        self._own = own
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)

    def __next__(self) -> Any:
        return next(self._own)

    def __iter__(self) -> Iterator[Any]:
        read = 0
        try:
            for record in self._own:
                read += 1
                yield record
            return
        except UnicodeDecodeError:
            pass
        for number, record in enumerate(_patiently(self._raw)):
            if number >= read:
                yield record


def _patiently(raw: memoryview) -> Iterator[Any]:
    """The records of a batch by the client's slower reader, whose bytes are text in any case."""
    batch = _DefaultRecordBatchPy(raw)
    records = iter(batch)
    batch._buffer = _Tolerant(batch._buffer)
    return records


class _Tolerant(bytearray):
    """Bytes of which every part can be decoded."""

    def __getitem__(self, at: Any) -> Any:
        part = super().__getitem__(at)
        return _Tolerant(part) if isinstance(at, slice) else part

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return super().decode(encoding, "backslashreplace")
