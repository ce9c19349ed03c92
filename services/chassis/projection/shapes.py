"""Strict reading of JSON that folds have stored.

Invariant: what is read is what was written: a member or place that is not there, or of another kind, is an error.
"""

from collections.abc import Mapping
from types import NoneType
from typing import Any, Final

Kind = type | tuple[type, ...]

MAYBE_TEXT: Final = (str, NoneType)
"""The kind of a text that may be null."""


class Missing:
    """The kind of what is not there: no JSON value is of it."""


_MISSING: Final = Missing()


def members(value: Any, kinds: Mapping[str, Kind]) -> list[Any]:
    """The members of an object in the order of `kinds`; TypeError unless each is there and of its kind.

    Others are left alone: a newer build may have written them.
    """
    if not isinstance(value, dict):
        raise TypeError(f"{type(value).__name__} where an object was stored")
    found = [value.get(name, _MISSING) for name in kinds]
    if not all(map(isinstance, found, kinds.values())):
        raise TypeError(f"{dict(zip(kinds, map(_name, found), strict=True))} where {kinds} was stored")
    return found


def row(value: Any, *kinds: Kind) -> list[Any]:
    """The places of a list; TypeError unless it has as many as there are `kinds`, each of its kind."""
    if not isinstance(value, list) or len(value) != len(kinds) or not all(map(isinstance, value, kinds)):
        named = [_name(one) for one in value] if isinstance(value, list) else _name(value)
        raise TypeError(f"{named} where {kinds} was stored")
    return value


def _name(value: Any) -> str:
    return type(value).__name__
