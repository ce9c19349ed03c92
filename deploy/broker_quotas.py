"""Reads and changes the quotas of Kafka's users, of which confluent's admin client knows nothing.

Invariant: only quotas of one user each are read and changed; defaults and those of clients stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from typing import Any, ClassVar, cast

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code
from aiokafka.protocol.admin import DescribeClientQuotasRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Float64, Int16, Int32, Schema, String

from services.chassis.base.access import KafkaAccess

Quotas = Mapping[str, float]

# By any name: not the default.
_ANY_NAME = 2
_TEXT = String("utf-8")
_ENTITY = ("entity", Array(("entity_type", _TEXT), ("entity_name", _TEXT)))


class _AlteredV0(Response):
    API_KEY = 49
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("entries", Array(("error_code", Int16), ("error_message", _TEXT), _ENTITY)),
    )


class _AlterV0(RequestStruct):
    API_KEY = 49
    API_VERSION = 0
    RESPONSE_TYPE = _AlteredV0
    SCHEMA = Schema(
        ("entries", Array(_ENTITY, ("ops", Array(("key", _TEXT), ("value", Float64), ("remove", Boolean))))),
        ("validate_only", Boolean),
    )


class _Alter(Request[_AlterV0]):
    API_KEY: ClassVar[int] = 49

    def __init__(self, entries: list[Any]) -> None:
        self._entries = entries

    def build(self, request_struct_class: type[_AlterV0]) -> _AlterV0:
        return request_struct_class(self._entries, False)


async def read_quotas(access: KafkaAccess) -> dict[str, dict[str, float]]:
    """The quotas of each user that has any; raises `KafkaError`."""
    answer = await _ask(access, DescribeClientQuotasRequest([("user", _ANY_NAME, cast(str, None))], strict=True))
    if answer.error_code:
        raise for_code(answer.error_code)(answer.error_message)
    return {entity[0][1]: dict(values) for entity, values in answer.entries}


async def change_quotas(access: KafkaAccess, wanted: Mapping[str, Quotas], there: Mapping[str, Quotas]) -> set[str]:
    """Gives each of these users what is wanted and no other quota; returns those that had another one."""
    changes = {user: list(_changes(quotas, there.get(user, {}))) for user, quotas in wanted.items()}
    entries = [([("user", user)], ops) for user, ops in changes.items() if ops]
    if not entries:
        return set()
    answer = await _ask(access, _Alter(entries))
    for code, message, entity in answer.entries:
        if code:
            raise for_code(code)(f"quotas of {entity[0][1]}: {message}")
    return {entity[0][1] for entity, _ in entries}


def _changes(wanted: Quotas, there: Quotas) -> Iterable[tuple[str, float, bool]]:
    for name, value in wanted.items():
        if there.get(name) != float(value):
            yield name, float(value), False
    for name in set(there) - set(wanted):
        yield name, 0.0, True


async def _ask(access: KafkaAccess, request: Request[Any]) -> Any:
    async with AsyncExitStack() as closing:
        admin = AIOKafkaAdminClient(**access.options())
        closing.push_async_callback(admin.close)
        await admin.start()
        return await admin._send_request(request)
