"""What Kafka has taken can be read: any name of a header, any compression."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka import codec
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBase, _DefaultRecordBatchBuilderPy
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c

from services.chassis.base.clock import CorridorClock
from services.chassis.base.parties import PartyBook
from services.chassis.ingest.records import Rejected
from services.chassis.kafka import wire
from services.chassis.kafka.wire import Readable, Unread
from services.tracking.handlers import STREAMS
from tests.support.builders import a_record
from tests.support.wild import COMPRESSIONS, header_name

CODECS = {name: number for number, name in enumerate(COMPRESSIONS)}


def batch(names: list[str], compression: str | None = None, first: int = 0) -> bytes:
    """The bytes of a batch of a record for each header name."""
    builder = _DefaultRecordBatchBuilderPy(2, CODECS[compression], False, -1, -1, 0, 2**20)
    for offset, name in enumerate(names):
        builder.append(offset, 1, b"k", b"v" * 200, [(header_name(name), b"1")])
    raw = builder.build()
    raw[:8] = first.to_bytes(8, "big")
    return bytes(raw)


def read(reader: Any, data: bytes) -> list[Any]:
    """What a fetch makes of the bytes."""
    records, found = reader(data), []
    while records.has_next():
        one = records.next_batch()
        assert one.validate_crc()
        found += [(one.base_offset, r.offset, r.key, r.value, tuple(r.headers)) for r in one]
    return found


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_batch_is_read_as_the_client_reads_it(compression: str | None) -> None:
    data = batch(["a", "ce_id", "ü"], compression) + batch(["b"], compression, first=3)

    assert read(Readable, data) == read(MemoryRecords, data)
    assert [r[1] for r in read(Readable, data)] == [0, 1, 2, 3]


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_header_name_that_is_no_utf8_is_read_with_its_bytes_and_ends_nothing(compression: str | None) -> None:
    data = batch(["a", "ce_\udcff", "b"], compression) + batch(["\udcc3", "c"], compression, first=3)

    with pytest.raises(UnicodeDecodeError):
        read(MemoryRecords, data)
    found = read(Readable, data)

    assert [r[1] for r in found] == [0, 1, 2, 3, 4]
    assert [r[4][0][0] for r in found] == ["a", "ce_\\xff", "b", "\\xc3", "c"]
    assert {r[3] for r in found} == {b"v" * 200}


def test_every_compression_of_kafka_can_be_read() -> None:
    assert all((codec.has_gzip(), codec.has_snappy(), codec.has_lz4(), codec.has_zstd()))
    assert DefaultRecordBase.CODEC_ZSTD == CODECS["zstd"] == max(CODECS.values())


def packed(compression: str, payload: bytes, records: int) -> bytes:
    """A batch of so many records with that payload, compressed, whatever it is."""
    raw = bytearray(batch(["a"] * records, None))
    header = DefaultRecordBase.HEADER_STRUCT.size
    attributes = DefaultRecordBase.ATTRIBUTES_OFFSET
    encode = getattr(codec, f"{compression}_encode")
    raw[header:] = encode(payload)
    raw[8:12] = (len(raw) - 12).to_bytes(4, "big")
    raw[attributes : attributes + 2] = CODECS[compression].to_bytes(2, "big")
    raw[17:21] = calc_crc32c(bytes(raw[attributes:])).to_bytes(4, "big")
    return bytes(raw)


@pytest.mark.parametrize("compression", COMPRESSIONS[1:])
def test_a_batch_that_unpacks_to_too_much_is_a_record_for_each_offset_and_is_not_unpacked(compression: str) -> None:
    bomb = packed(compression, bytes(wire.MOST + 1), 3)

    found = read(Readable, bomb + batch(["a"], None, first=3))

    assert [(r[1], r[2]) for r in found] == [(0, None), (1, None), (2, None), (3, b"k")]


@pytest.mark.parametrize("compression", COMPRESSIONS[1:])
def test_a_batch_that_is_no_such_compression_ends_nothing(compression: str) -> None:
    raw = bytearray(packed(compression, b"x" * 100, 1))
    raw[DefaultRecordBase.HEADER_STRUCT.size :] = b"\xff" * (len(raw) - DefaultRecordBase.HEADER_STRUCT.size)
    raw[17:21] = calc_crc32c(bytes(raw[DefaultRecordBase.ATTRIBUTES_OFFSET :])).to_bytes(4, "big")

    assert [r[1] for r in read(Readable, bytes(raw))] == [0]


def test_a_record_that_was_not_read_is_refused_as_too_large() -> None:
    record = a_record("milestones-pr", 0, (), Unread(), None)

    verdict = STREAMS[0].validate(record, PartyBook(), CorridorClock().received_at)

    assert isinstance(verdict, Rejected)
    assert (verdict.first.reason, verdict.party) == ("too_large", "pr")


def test_the_consumers_of_a_service_read_in_this_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "MemoryRecords", MemoryRecords)

    wire.install()

    assert vars(fetcher)["MemoryRecords"] is Readable
