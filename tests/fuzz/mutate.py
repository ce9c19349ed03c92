"""Records out of the golden examples, each spoilt in one or several ways.

Invariant: seeded: the same seed gives the same records, and one that breaks us can be made again from its number.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from contracts.codec import STRUCTURED
from contracts.topics import MAX_INCOMING
from tests.support.examples import Example, as_record, load_examples

Headers = list[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Spoilt:
    """One record, and in which ways it was spoilt."""

    number: int
    example: Example
    headers: Headers
    value: bytes | None
    ways: tuple[str, ...]

    def __str__(self) -> str:
        body = None if self.value is None else self.value[:300]
        return f"record {self.number} of {self.example.name} ({', '.join(self.ways)}): {self.headers!r} {body!r}"


ODD_TEXTS: Final = (
    "",
    "\x00",
    "a\x00b",
    "\ud800",
    "\ufeffx",
    "\u202eabc",
    "e\u0301" * 50,
    "\U0001f682" * 20,
    "x" * 70_000,
    "\u0661\u0662\u0663",
    "Ｆｕｌｌ",
    "\n\r\t",
    "%00",
    "' OR 1=1 --",
    "urn:corridor:ktz:ops",
)
ODD_NUMBERS: Final = ("1e400", "-0", "1" + "0" * 5000, "NaN", "-Infinity", "9007199254740993", "1.5e-400", "0x10", "01")
ODD_TIMES: Final = (
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
    "2016-12-31T23:59:60Z",
    "2026-06-22T10:00:00+24:00",
    "2026-06-22T10:00:00",
    "2026-06-22T24:00:00Z",
    "2026-02-30",
    "2026-06-22",
    "1795593627532932",
    "2026-06-22T10:00:00.0000000000001Z",
    "２０２６-06-22T10:00:00Z",
)
ODD_VALUES: Final[Sequence[Any]] = (None, True, 0, -1, 2**63, 1.5, [], {}, [[]], {"a": None}, "x", *ODD_TEXTS[:9])


def spoilt(seed: int, number: int) -> Spoilt:
    """The record of that number; raises nothing, whatever comes out of it."""
    draw = random.Random(f"{seed}/{number}")
    example = draw.choice(load_examples())
    structured = draw.random() < 0.4
    headers, value = as_record(example, "structured" if structured else "binary")
    record = _Record(list(headers), value, draw)
    ways = [draw.choice(list(WAYS)) for _ in range(draw.choice((0, 1, 1, 1, 2, 3)))]
    for way in ways:
        WAYS[way](record)
    return Spoilt(number, example, record.headers, record.value, tuple(ways))


@dataclass(slots=True)
class _Record:
    headers: Headers
    value: bytes | None
    draw: random.Random

    def document(self) -> Any:
        """The body as JSON, where it still is."""
        try:
            return json.loads(self.value or b"")
        except (ValueError, RecursionError):
            return None

    def write(self, document: Any) -> None:
        self.value = json.dumps(document, ensure_ascii=self.draw.random() < 0.5).encode("utf-8", "surrogatepass")


def _flip(record: _Record) -> None:
    body = bytearray(record.value or b"x")
    for _ in range(record.draw.randint(1, 8)):
        body[record.draw.randrange(len(body))] = record.draw.randrange(256)
    record.value = bytes(body)


def _cut(record: _Record) -> None:
    body = record.value or b""
    record.value = body[: record.draw.randrange(len(body) + 1)]


def _insert(record: _Record) -> None:
    body, at = record.value or b"", record.draw.randrange(len(record.value or b"") + 1)
    piece = record.draw.choice((b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"{", b"]", b'"', b"\\u0000", b"\xed\xa0\x80"))
    record.value = body[:at] + piece + body[at:]


def _no_body(record: _Record) -> None:
    record.value = record.draw.choice((None, b"", b"null", b"[]", b'"x"', b"0"))


def _drop_header(record: _Record) -> None:
    if record.headers:
        record.headers.pop(record.draw.randrange(len(record.headers)))


def _double_header(record: _Record) -> None:
    if record.headers:
        name, value = record.draw.choice(record.headers)
        record.headers.append((record.draw.choice((name, name.upper())), value))


def _odd_header(record: _Record) -> None:
    value = record.draw.choice((None, b"", b"\xff\xfe", b"\x00", b"x" * 5000, "é".encode("latin-1"), b"text/csv"))
    names = [n for n, _ in record.headers] + [
        "ce_id",
        "ce_a\nb",
        "CE_TYPE",
        "x-" + "n" * 300,
        "content-type",
        "traceparent",
    ]
    name = record.draw.choice(names)
    record.headers = [h for h in record.headers if h[0] != name] + [(name, value)]


def _odd_attribute(record: _Record) -> None:
    """An attribute of another meaning: another source, type or subject, or text that no attribute may have."""
    values = [
        *(t.encode("utf-8", "surrogatepass") for t in ODD_TEXTS[:12]),
        b"urn:corridor:ktz:ops",
        b"corridor.decision.issued.v1",
        b"corridor.milestone.reported.v2",
        b"container:CSQU3054384",
        b"container:CSQU3054383",
        b"2.0",
    ]
    name = record.draw.choice(("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time"))
    record.headers = [h for h in record.headers if h[0] != name] + [(name, record.draw.choice(values))]


def _content_type(record: _Record) -> None:
    kinds = (STRUCTURED, "application/json", "application/json; charset=utf-16", "text/plain", "", "APPLICATION/JSON")
    _without(record, "content-type").headers.append(("content-type", record.draw.choice(kinds).encode()))


def _without(record: _Record, name: str) -> _Record:
    record.headers = [h for h in record.headers if h[0] != name]
    return record


def _nodes(document: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, Any]]:
    """Every (container, key) inside a document."""
    children = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    found = []
    for key, child in list(children):
        found.append((document, key))
        found += _nodes(child)
    return found


def _in_document(change: Callable[[_Record, Any, Any], None]) -> Callable[[_Record], None]:
    """Changes one place inside the JSON body, where it is JSON."""

    def way(record: _Record) -> None:
        document = record.document()
        if places := _nodes(document):
            change(record, *record.draw.choice(places))
            record.write(document)

    return way


def _drop_field(record: _Record, inside: Any, key: Any) -> None:
    del inside[key]


def _retype(record: _Record, inside: Any, key: Any) -> None:
    inside[key] = record.draw.choice(ODD_VALUES)


def _odd_time(record: _Record, inside: Any, key: Any) -> None:
    inside[key] = record.draw.choice(ODD_TIMES)


def _odd_text(record: _Record, inside: Any, key: Any) -> None:
    inside[key] = record.draw.choice(ODD_TEXTS)


def _add_field(record: _Record, inside: Any, key: Any) -> None:
    if isinstance(inside, dict):
        inside[record.draw.choice(("later", "x" * 300, "\x00", "__proto__", "retracted"))] = record.draw.choice(
            ODD_VALUES
        )
    else:
        inside.append(record.draw.choice(ODD_VALUES))


def _digit(record: _Record, inside: Any, key: Any) -> None:
    """One digit other than it was: check digits, times, numbers."""
    text = inside[key]
    digits = [n for n, c in enumerate(text) if c.isdigit()] if isinstance(text, str) else []
    if digits:
        at = record.draw.choice(digits)
        inside[key] = f"{text[:at]}{(int(text[at]) + record.draw.randint(1, 9)) % 10}{text[at + 1 :]}"


def _odd_number(record: _Record) -> None:
    _raw(record, record.draw.choice(ODD_NUMBERS).encode())


def _deep(record: _Record) -> None:
    depth = record.draw.choice((63, 64, 65, 1000, 20_000))
    opening, closing = record.draw.choice(((b"[", b"]"), (b'{"a":', b"}")))
    _raw(record, opening * depth + b"1" + closing * depth)


def _raw(record: _Record, piece: bytes) -> None:
    """A field of its own with bytes that no JSON writer would write."""
    body = record.value or b"{}"
    record.value = body[:1] + b'"later":' + piece + (b"," if len(body) > 2 else b"") + body[1:]


def _twice(record: _Record) -> None:
    """A name that stands twice in one object."""
    body = record.value or b"{}"
    name = record.draw.choice((b'"updated_at"', b'"code"', b'"id"', b'"data"'))
    record.value = body[:1] + name + b':"x",' + body[1:]


def _size(record: _Record) -> None:
    """Just under, at and over the limit, by spaces or by one long text."""
    body = record.value or b"{}"
    room = MAX_INCOMING + record.draw.choice((-1, 0, 1, 1000)) - len(body)
    if record.draw.random() < 0.5:
        record.value = body + b" " * room
    else:
        record.value = body[:1] + b'"later":"' + b"x" * (room - 11) + b'",' + body[1:]


WAYS: Final[dict[str, Callable[[_Record], None]]] = {
    "bytes flipped": _flip,
    "cut": _cut,
    "bytes put in": _insert,
    "no body": _no_body,
    "header dropped": _drop_header,
    "header doubled": _double_header,
    "odd header": _odd_header,
    "odd attribute": _odd_attribute,
    "content type": _content_type,
    "field dropped": _in_document(_drop_field),
    "value retyped": _in_document(_retype),
    "odd time": _in_document(_odd_time),
    "odd text": _in_document(_odd_text),
    "field added": _in_document(_add_field),
    "another digit": _in_document(_digit),
    "odd number": _odd_number,
    "deep": _deep,
    "name twice": _twice,
    "size": _size,
}
