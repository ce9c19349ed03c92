"""The ways in which a record is spoilt.

Invariant: a way draws from the record's own chance alone, and leaves a record as it is where it does not apply.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from contracts.topics import MAX_INCOMING
from tests.fuzz import odd
from tests.fuzz.draft import Draft, places, times

_ATTRIBUTES: Final = ("specversion", "id", "source", "type", "subject", "time", "dataschema", "traceparent")
_IDENTIFIER: Final = re.compile(rb"[A-Z]{4}\d{6}(?=\d\b)|\d{7,11}(?=\d\b)")


def _flip(draft: Draft) -> None:
    body = bytearray(draft.value or b"x")
    for _ in range(draft.draw.randint(1, 8)):
        body[draft.draw.randrange(len(body))] = draft.draw.randrange(256)
    draft.value = bytes(body)


def _cut(draft: Draft) -> None:
    body = draft.value or b""
    draft.value = body[: draft.draw.randrange(len(body) + 1)]


def _insert(draft: Draft) -> None:
    body = draft.value or b""
    at = draft.draw.randrange(len(body) + 1)
    draft.value = body[:at] + draft.draw.choice(odd.PIECES) + body[at:]


def _no_body(draft: Draft) -> None:
    draft.value = draft.draw.choice((None, b"", b" ", b"null", b"[]", b"{}", b'"x"', b"0", b"[{}]"))


def _drop_header(draft: Draft) -> None:
    if draft.headers:
        draft.headers.pop(draft.draw.randrange(len(draft.headers)))


def _double_header(draft: Draft) -> None:
    if draft.headers:
        name, value = draft.draw.choice(draft.headers)
        draft.headers.append((draft.draw.choice((name, name.upper())), value))


def _odd_header(draft: Draft) -> None:
    name = draft.draw.choice([n for n, _ in draft.headers] + list(odd.HEADERS))
    draft.headers = [*draft.without(name), (name, draft.draw.choice(odd.HEADER_VALUES))]


def _many_headers(draft: Draft) -> None:
    draft.headers += [(f"ce_x{n}", b"v" * 20) for n in range(draft.draw.choice((10, 1000)))]


def _odd_attribute(draft: Draft) -> None:
    draft.set(draft.draw.choice(_ATTRIBUTES), draft.draw.choice(odd.ATTRIBUTES))


def _content_type(draft: Draft) -> None:
    draft.headers = [*draft.without("content-type"), ("content-type", draft.draw.choice(odd.MEDIA))]


def _odd_key(draft: Draft) -> None:
    draft.key = draft.draw.choice(odd.KEYS)


def _shared_id(draft: Draft) -> None:
    """An id that other records have as well, some of another type."""
    draft.set("id", f"shared-{draft.draw.randrange(4)}".encode())


Change = Callable[[Draft, Any, Any], None]


def _inside(change: Change, where: Callable[[Any], list[tuple[Any, Any]]] = places) -> Callable[[Draft], None]:
    """Changes one place inside the JSON body, where it is JSON."""

    def way(draft: Draft) -> None:
        document = draft.document()
        if found := where(document):
            change(draft, *draft.draw.choice(found))
            draft.write(document)

    return way


def _drop_field(draft: Draft, inside: Any, key: Any) -> None:
    del inside[key]


def _rename_field(draft: Draft, inside: Any, key: Any) -> None:
    if isinstance(inside, dict):
        inside[draft.draw.choice((*odd.NAMES, str(key).upper(), f"{key} "))] = inside.pop(key)


def _retype(draft: Draft, inside: Any, key: Any) -> None:
    inside[key] = draft.draw.choice((*odd.VALUES, [inside[key]], {"value": inside[key]}, str(inside[key])))


def _odd_time(draft: Draft, inside: Any, key: Any) -> None:
    inside[key] = draft.draw.choice(odd.TIMES)


def _no_offset(draft: Draft, inside: Any, key: Any) -> None:
    inside[key] = str(inside[key])[:19].removesuffix("Z")


def _odd_text(draft: Draft, inside: Any, key: Any) -> None:
    inside[key] = draft.draw.choice(odd.TEXTS)


def _add_field(draft: Draft, inside: Any, key: Any) -> None:
    if isinstance(inside, dict):
        inside[draft.draw.choice(odd.NAMES)] = draft.draw.choice(odd.VALUES)
    else:
        inside.append(draft.draw.choice(odd.VALUES))


def _repeat_items(draft: Draft, inside: Any, key: Any) -> None:
    """The same item again and again: more of it than anybody has."""
    if isinstance(inside[key], list):
        inside[key] = inside[key] * draft.draw.choice((2, 100, 1000))


def _revise(draft: Draft, inside: Any, key: Any) -> None:
    inside[key] = f"2026-07-{draft.draw.randint(1, 28):02}T00:00:00Z"


def _updated(document: Any) -> list[tuple[Any, Any]]:
    return [place for place in places(document) if place[1] == "updated_at"]


def _check_digit(draft: Draft) -> None:
    """The last digit of a number that has a check digit is another one: in the body or in the subject."""
    texts = [("", draft.value or b""), *((name, value or b"") for name, value in draft.headers)]
    found = [(name, text, match.end()) for name, text in texts for match in _IDENTIFIER.finditer(text)]
    if not found:
        return
    name, text, at = draft.draw.choice(found)
    changed = text[:at] + b"%d" % ((text[at] - 48 + draft.draw.randint(1, 9)) % 10) + text[at + 1 :]
    if name:
        draft.headers = [*draft.without(name), (name, changed)]
    else:
        draft.value = changed


def _raw(draft: Draft, piece: bytes) -> None:
    """A field of its own with bytes that no JSON writer would write."""
    body = draft.value or b"{}"
    draft.value = body[:1] + b'"later":' + piece + (b"," if len(body) > 2 else b"") + body[1:]


def _odd_number(draft: Draft) -> None:
    _raw(draft, draft.draw.choice(odd.NUMBERS).encode())


def _deep(draft: Draft) -> None:
    depth = draft.draw.choice((60, 63, 64, 65, 1000, 20_000))
    opening, closing = draft.draw.choice(((b"[", b"]"), (b'{"a":', b"}")))
    _raw(draft, opening * depth + b"1" + closing * depth)


def _twice(draft: Draft) -> None:
    """A name that stands twice in one object."""
    body = draft.value or b"{}"
    name = draft.draw.choice((b'"updated_at"', b'"code"', b'"id"', b'"data"', b'"\\u0069d"'))
    draft.value = body[:1] + name + b':"x",' + body[1:]


def _size(draft: Draft) -> None:
    """Just under, at and over the limit, by spaces or by one long text."""
    body = draft.value or b"{}"
    room = max(11, MAX_INCOMING + draft.draw.choice((-1, 0, 1, 1000)) - len(body))
    if draft.draw.random() < 0.5:
        draft.value = body + b" " * room
    else:
        draft.value = body[:1] + b'"later":"' + b"x" * (room - 11) + b'",' + body[1:]


WAYS: Final[dict[str, Callable[[Draft], None]]] = {
    "bytes flipped": _flip,
    "cut": _cut,
    "bytes put in": _insert,
    "no body": _no_body,
    "header dropped": _drop_header,
    "header doubled": _double_header,
    "odd header": _odd_header,
    "many headers": _many_headers,
    "odd attribute": _odd_attribute,
    "content type": _content_type,
    "odd key": _odd_key,
    "shared id": _shared_id,
    "field dropped": _inside(_drop_field),
    "field renamed": _inside(_rename_field),
    "value retyped": _inside(_retype),
    "odd time": _inside(_odd_time, times),
    "no offset": _inside(_no_offset, times),
    "odd text": _inside(_odd_text),
    "field added": _inside(_add_field),
    "items repeated": _inside(_repeat_items),
    "another revision": _inside(_revise, _updated),
    "check digit": _check_digit,
    "odd number": _odd_number,
    "deep": _deep,
    "name twice": _twice,
    "size": _size,
}
