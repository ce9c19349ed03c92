"""What may change in the schema of a released type: the allow-list.

Invariant: what is not known to be additive is breaking. Additive are an optional field with a default, other words
of documentation, and another known value of an open enumeration.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from contracts.tooling.json_schemas import KNOWN

Node = Mapping[str, Any]

# They tell people what is meant; no reader decides by them.
_DOCUMENTATION: Final = frozenset({"title", "description", "examples", "$comment", KNOWN, "$defs"})
# They hold schemas inside, so that they are compared part by part.
_NESTED: Final = frozenset({"properties", "required", "anyOf", "items"})


def breaking_changes(old: Node, new: Node) -> list[str]:
    """Every change between two schemas of one type that is not additive, with its place."""
    return list(_Comparison(old, new).between("$", old, new))


class _Comparison:
    """Two documents, in which references are followed; `_seen` ends a schema that contains itself."""

    def __init__(self, old: Node, new: Node) -> None:
        self._old = old
        self._new = new
        self._seen: set[tuple[str, str]] = set()

    def between(self, path: str, old: Any, new: Any) -> Iterator[str]:
        """The breaking changes of one node."""
        if not isinstance(old, Mapping) or not isinstance(new, Mapping):
            if old != new:
                yield f"{path} was {old!r} and is {new!r}"
            return
        if "$ref" in old and "$ref" in new:
            pair = (repr(old), repr(new))
            if pair in self._seen:
                return
            self._seen.add(pair)
        old, new = _resolved(self._old, old), _resolved(self._new, new)
        yield from self._properties(path, old, new)
        yield from self._alternatives(path, old.get("anyOf"), new.get("anyOf"))
        if "items" in old or "items" in new:
            yield from self.between(f"{path}[*]", old.get("items"), new.get("items"))
        for keyword in sorted({*old, *new} - _DOCUMENTATION - _NESTED):
            if old.get(keyword) != new.get(keyword) or (keyword in old) != (keyword in new):
                yield f"{path}: {keyword} was {old.get(keyword)!r} and is {new.get(keyword)!r}"

    def _properties(self, path: str, old: Node, new: Node) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        was, now = set(old.get("required", ())), set(new.get("required", ()))
        for name in before:
            place = f"{path}.{name}"
            if name not in after:
                yield f"{place} was removed"
                continue
            if (name in was) != (name in now):
                yield f"{place} was {_word(name in was)} and is {_word(name in now)}"
            yield from self.between(place, before[name], after[name])
        for name in [name for name in after if name not in before]:
            if name in now or "default" not in after[name]:
                yield f"{path}.{name} is new and has no default"

    def _alternatives(self, path: str, old: Any, new: Any) -> Iterator[str]:
        if old is None and new is None:
            return
        if old is None or new is None or len(old) != len(new):
            yield f"{path}: anyOf was {old!r} and is {new!r}"
            return
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from self._alternative(path, index, before, after)

    def _alternative(self, path: str, index: int, old: Node, new: Node) -> Iterator[str]:
        # An alternative that only requires fields has no properties by which they could be compared.
        if old.keys() == new.keys() == {"required"}:
            if sorted(old["required"]) != sorted(new["required"]):
                yield f"{path}: alternative {index} required {old['required']!r} and requires {new['required']!r}"
            return
        yield from self.between(path, old, new)


def _word(required: bool) -> str:
    return "required" if required else "optional"


def _resolved(document: Node, node: Node) -> Node:
    """The node with its reference into `$defs` followed; what stands beside the reference counts too."""
    reference = node.get("$ref")
    if reference is None:
        return node
    target = document["$defs"][str(reference).removeprefix("#/$defs/")]
    return {**_resolved(document, target), **{k: v for k, v in node.items() if k != "$ref"}}
