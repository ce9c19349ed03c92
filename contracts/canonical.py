"""JSON as the codec takes it in, and the content hash of a revision.

Invariant: two revisions have the same hash exactly when type, subject and the RFC 8785 form of the data as
sent are the same, unknown fields included.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Final, NoReturn

import rfc8785

from contracts.refusal import refused

_SAFE: Final = 2**53 - 1


def parse_json(body: bytes, path: str = "$") -> Any:
    """The value of an I-JSON text (RFC 7493); raises `Refused`.

    Names that stand twice, numbers that a double cannot hold, and text that is no Unicode are refused, since
    readers would disagree about them.
    """
    try:
        text = body.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_constant, parse_int=_integer)
    except _NotInterchangeable as failure:
        raise refused("bad_field", path, str(failure)) from failure
    except UnicodeDecodeError as failure:
        raise refused("not_json", path, "the body is not UTF-8") from failure
    except RecursionError as failure:
        raise refused("not_json", path, "the body is nested too deeply") from failure
    except ValueError as failure:
        raise refused("not_json", path, f"the body is not JSON: {failure}"[:300]) from failure
    return value


def canonical_json(value: Any, path: str = "$") -> bytes:
    """The RFC 8785 form of a parsed value; raises `Refused` for what has none."""
    try:
        return rfc8785.dumps(value)
    except RecursionError as failure:
        raise refused("not_json", path, "the body is nested too deeply") from failure
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as failure:
        raise refused("bad_field", path, f"the value has no canonical form: {failure}"[:300]) from failure


def content_hash(type_name: str, subject: str, data: Any) -> bytes:
    """SHA-256 over type, subject and canonical data: 32 bytes; raises `Refused`."""
    digest = hashlib.sha256()
    for part in (type_name.encode(), subject.encode(), canonical_json(data, "$.data")):
        digest.update(len(part).to_bytes(4, "big"))
        digest.update(part)
    return digest.digest()


class _NotInterchangeable(ValueError):
    """JSON that is well formed but that two readers may take differently."""


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _NotInterchangeable(f"the name {twice[:80]!r} stands twice in one object")
    return found


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


def _integer(text: str) -> int:
    if len(text) > 17 or abs(number := int(text)) > _SAFE:
        raise _NotInterchangeable("a whole number is beyond 2^53 - 1")
    return number
