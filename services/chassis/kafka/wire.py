"""Decodes the record batches that Kafka delivers, whatever is in them.

Invariant: every stored batch yields its records, in bounded memory. Kafka accepts header names that are not UTF-8,
on which the client fails, and small batches that decompress to huge ones, which the client decompresses whole. Either
would stop the partition for good at that batch.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import cramjam
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBase, _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

MOST: Final = 16 * 2**20
"""How many bytes a batch may decompress to; honest clients stay far below."""
# Where the length of the rest stands in a batch, behind its first offset.
_LENGTH: Final = slice(8, DefaultRecordBase.AFTER_LEN_OFFSET)
_UNPACK: Final[dict[int, Any]] = {
    DefaultRecordBase.CODEC_GZIP: cramjam.gzip.decompress_into,
    DefaultRecordBase.CODEC_LZ4: cramjam.lz4.decompress_into,
    DefaultRecordBase.CODEC_ZSTD: cramjam.zstd.decompress_into,
}
# Java's Snappy writes a header of 16 bytes, and blocks with their lengths.
_XERIAL: Final = b"\x82SNAPPY\x00"
_XERIAL_HEADER: Final = 16


class Unread(bytes):
    """Stands for the body of a record whose batch is not decompressed."""


class _Record(NamedTuple):
    """The attributes of a record that the fetcher uses."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None = None
    value: bytes | None = Unread()
    headers: tuple[tuple[str, bytes | None], ...] = ()
    checksum: int | None = None


def install() -> None:
    """Makes every consumer of this process use `Readable`."""
    setattr(fetcher, "MemoryRecords", Readable)  # noqa: B010 (the module does not export it)


class Readable:
    """The client's parser of fetched bytes, wrapped so that each batch is a `Batch`."""

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
    """One batch: the client's own, and its bytes for a second attempt if that one fails."""

    def __init__(self, own: Any, raw: memoryview) -> None:
        self._own = own
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)

    def __next__(self) -> Any:
        return next(self._own)

    def __iter__(self) -> Iterator[Any]:
        if not _fits(self._own.compression_type, self._raw[DefaultRecordBase.HEADER_STRUCT.size :]):
            yield from self._unread()
            return
        read = 0
        try:
            for record in self._own:
                read += 1
                yield record
            return
        except UnicodeDecodeError:
            pass
        for number, record in enumerate(_tolerant_records(self._raw)):
            if number >= read:
                yield record

    def _unread(self) -> Iterator[_Record]:
        """A record without content for each offset of the batch."""
        for offset in range(self._own.base_offset, self._own.next_offset):
            yield _Record(offset, self._own.max_timestamp, self._own.timestamp_type)


def _fits(compression: int, packed: memoryview) -> bool:
    """Whether a batch can be decompressed, to at most `MOST` bytes."""
    try:
        if compression == DefaultRecordBase.CODEC_SNAPPY:
            return sum(map(cramjam.snappy.decompress_raw_len, _blocks(bytes(packed)))) <= MOST
        if compression != DefaultRecordBase.CODEC_NONE:
            _UNPACK[compression](packed, bytearray(MOST))
    except (cramjam.DecompressionError, KeyError, ValueError):
        return False
    return True


def _blocks(packed: bytes) -> Iterator[bytes]:
    """The blocks of a Snappy stream with Java's header; without that header, the stream is one block."""
    if not packed.startswith(_XERIAL):
        yield packed
        return
    at = _XERIAL_HEADER
    while at < len(packed):
        end = at + 4 + int.from_bytes(packed[at : at + 4], "big")
        yield packed[at + 4 : end]
        at = end


def _tolerant_records(raw: memoryview) -> Iterator[Any]:
    """The records of a batch by the client's pure-Python parser, on bytes that always decode."""
    batch = _DefaultRecordBatchPy(raw)
    records = iter(batch)
    batch._buffer = _Tolerant(batch._buffer)
    return records


class _Tolerant(bytearray):
    """Bytes of which every slice decodes; invalid UTF-8 becomes backslash escapes."""

    def __getitem__(self, at: Any) -> Any:
        part = super().__getitem__(at)
        return _Tolerant(part) if isinstance(at, slice) else part

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return super().decode(encoding, "backslashreplace")
