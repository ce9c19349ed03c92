"""What services publish has no field that its contract does not know: readers would never learn what it means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from contracts import catalogue
from contracts.catalogue import TYPES
from contracts.events.base import OPEN
from deploy.local.stack import Stack
from services.customs.app import blueprint as customs
from services.notifications import audiences
from services.notifications.app import blueprint as notifications
from services.tracking.app import blueprint as tracking
from tests.support.examples import example, load_examples
from tests.support.pipeline import all_taken_out, runtime_of
from tests.support.stores import Store, fresh_store

AUTUMN = datetime(2026, 9, 1, tzinfo=UTC)


def strange(data: Any, known: Any, path: str = "$.data") -> Iterator[str]:
    """The fields of JSON data that are not in what their model has read of them."""
    if isinstance(data, Mapping):
        for name, value in data.items():
            if name in known:
                yield from strange(value, known[name], f"{path}.{name}")
            else:
                yield f"{path}.{name}"
    elif isinstance(data, list):
        for value, read in zip(data, known, strict=True):
            yield from strange(value, read, f"{path}[]")


def strange_in(type: str, body: bytes) -> set[str]:
    """The fields of an event's data that its contract does not know."""
    read = TYPES[type].model.model_validate_json(body, context=OPEN)
    return {f"{type} {field}" for field in strange(orjson.loads(body), read.model_dump(mode="json"))}


@pytest.mark.servers
@pytest.mark.parametrize("blueprint", [tracking(), customs(), notifications()], ids=lambda b: b.name)
async def test_what_follows_from_all_examples_has_fields_of_its_contract_alone(stack: Stack, blueprint: Any) -> None:
    assert stack.admin_url
    async with fresh_store(stack.admin_url, blueprint) as store:
        store.clock.step(AUTUMN)
        if blueprint.name == "notifications":
            await audiences.refresh(runtime_of(store))
        read = {type for stream in blueprint.streams for type in stream.topic.types}
        await store.feed(one.event for one in load_examples() if one.type in read)
        published = await sent(store)

    assert {field for type, body in published for field in strange_in(type, body)} == set()


async def sent(store: Store) -> list[tuple[str, bytes]]:
    records = await all_taken_out(store)
    found = [(dict(r.headers)["ce_type"].decode(), r.value or b"") for r in records]
    assert {type for type, _ in found} - {catalogue.RECEIPT, catalogue.DEAD_LETTER}
    return found


def test_a_field_of_no_contract_is_found() -> None:
    data = dict(example(catalogue.SUBJECT, "full").document["data"])
    data["timeline"] = [data["timeline"][0] | {"gross_kg": 80_000}]

    assert strange_in(catalogue.SUBJECT, orjson.dumps(data)) == {f"{catalogue.SUBJECT} $.data.timeline[].gross_kg"}
