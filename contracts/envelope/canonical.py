"""JSON as the codec takes it in, and the content hash of a revision.

Invariant: two revisions have the same hash exactly when type, subject and the RFC 8785 form of the data as
sent are the same, unknown fields included. What two readers could take differently is never taken.
"""

import hashlib
import json
import math
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Sequence
from typing import Any, Final, NoReturn

import rfc8785

from contracts.refusal import refused

MAX_DEPTH: Final = 64
"""How deep arrays and objects may be nested; a limit of our own, for those of parsers vary."""

_SAFE: Final = 2**53 - 1
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(body: bytes, path: str = "$") -> Any:
    """The value of an I-JSON text (RFC 7493); raises `Refused`.

    Names that stand twice, numbers that a double cannot hold, and text that is no Unicode are refused, since
    readers would disagree about them.
    """
    if body.startswith(BOM_UTF8):
        raise refused("not_json", path, "a byte order mark stands before the text: save it as UTF-8 without")
    try:
        text = body.decode("utf-8")
        value = _DECODER.decode(text)
        _require_unicode(text, value)
        _require_shallow(text, value)
    except _NotInterchangeable as failure:
        raise refused("bad_field", path, str(failure)) from failure
    except UnicodeDecodeError as failure:
        raise refused("not_json", path, "the body is not UTF-8") from failure
    except RecursionError as failure:
        raise refused("not_json", path, f"the body is nested deeper than {MAX_DEPTH} levels") from failure
    except ValueError as failure:
        raise refused("not_json", path, f"the body is not JSON: {failure}"[:300]) from failure
    return value


def write_json(value: Any) -> bytes:
    """The bytes of a parsed value: order of names and kind of numbers kept, no white space."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def canonical_json(value: Any, path: str = "$") -> bytes:
    """The RFC 8785 form of a parsed value; raises `Refused` for what has none."""
    try:
        if _is_plain(value):
            return _PLAIN.encode(value).encode()
        return rfc8785.dumps(value)
    except RecursionError as failure:
        raise refused("not_json", path, f"the body is nested deeper than {MAX_DEPTH} levels") from failure
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as failure:
        raise refused("bad_field", path, f"the value has no canonical form: {failure}"[:300]) from failure


def content_hash(type_name: str, subject: str, data: Any) -> bytes:
    """SHA-256 over type, subject and canonical data: 32 bytes; raises `Refused`."""
    digest = hashlib.sha256()
    for part in (type_name.encode(), subject.encode(), canonical_json(data, "$.data")):
        digest.update(len(part).to_bytes(4, "big"))
        digest.update(part)
    return digest.digest()


def _is_plain(value: Any) -> bool:
    """Whether the standard library writes the value as RFC 8785 asks, and many times faster than the reference.

    It does so without doubles, whose text is another, and with names in ASCII, whose order by UTF-16 unit is theirs.
    """
    kind = type(value)
    if kind is dict:
        return all(name.isascii() and _is_plain(part) for name, part in value.items())
    if kind is list:
        return all(map(_is_plain, value))
    return kind is str or kind is bool or value is None or (kind is int and abs(value) <= _SAFE)


class _NotInterchangeable(ValueError):
    """JSON that is well formed but that two readers may take differently."""


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = _first_repeated(name for name, _ in pairs)
        raise _NotInterchangeable(f"the name {twice[:80]!r} stands twice in one object")
    return found


def _first_repeated(names: Iterable[str]) -> str:
    # Counting each name in turn would take quadratic time, which a sender could use.
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    raise AssertionError("no name stands twice")


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


def _integer(text: str) -> int:
    if len(text) > 17 or abs(number := int(text)) > _SAFE:
        raise _NotInterchangeable("a whole number is beyond 2^53 - 1")
    return number


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _NotInterchangeable("a number is beyond what a double can hold")
    return number


def _require_unicode(text: str, value: Any) -> None:
    # Only an escape can bring in half of a surrogate pair, so most texts need no second look.
    if _SURROGATE.search(text):
        try:
            write_json(value)
        except UnicodeEncodeError as failure:
            raise _NotInterchangeable("a text holds half of a surrogate pair, which is no Unicode") from failure


def _require_shallow(text: str, value: Any) -> None:
    # A text with few brackets cannot be deep, so most texts need no second look.
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _children(parent) if isinstance(child, dict | list)]
    if level:
        raise RecursionError


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_constant, parse_int=_integer, parse_float=_float
)
_PLAIN: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False)
