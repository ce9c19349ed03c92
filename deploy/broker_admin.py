"""Brings the users, rights and quotas of a broker to what they are to be.

Invariant: done again it changes nothing; users that are not ours, and their rights, are never touched. Whoever is gone
has no right any more before the others get theirs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from deploy.broker_quotas import Quotas, change_quotas, read_quotas
from deploy.broker_rules import Rule, is_ours, own_topics
from services.chassis.base.access import KafkaAccess
from services.chassis.kafka.admin import Administration

_WITHIN: Final = 20.0
_BETWEEN: Final = 0.02
# Passwords are random: more of them would only make signing in slower.
_ITERATIONS: Final = 4096
_ANYBODY: Final = "User:"
_WRITES: Final = (AclOperation.WRITE, AclOperation.ALL)
_OPERATIONS: Final = {"read": AclOperation.READ, "write": AclOperation.WRITE, "describe": AclOperation.DESCRIBE}
_KINDS: Final = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP}
_ANY: Final[Any] = None
_EVERY_RULE: Final = AclBindingFilter(
    ResourceType.ANY, _ANY, ResourcePatternType.ANY, _ANY, _ANY, AclOperation.ANY, AclPermissionType.ANY
)


class BrokerError(Exception):
    """What Kafka has against it, in one line."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What was not as it is to be: users made and removed, rights given and taken, users with other quotas.

    `strangers` are others who may write topics that only services are to write, as they were found.
    """

    users_made: Collection[str]
    users_removed: Collection[str]
    rights_given: int
    rights_taken: int
    quotas_changed: Collection[str]
    strangers: Collection[str]

    @property
    def any(self) -> bool:
        return bool(
            self.users_made or self.users_removed or self.rights_given or self.rights_taken or self.quotas_changed
        )


class BrokerAdmin:
    """One administrator's connection; every method raises `BrokerError`."""

    def __init__(self, access: KafkaAccess) -> None:
        self._access = access
        self._admin = Administration(access.config() | {"socket.timeout.ms": int(_WITHIN * 1000)})
        self._client = self._admin.client

    async def users(self) -> set[str]:
        """The users of ours that are there."""
        asked: Any = self._client.describe_user_scram_credentials(request_timeout=_WITHIN)
        return {user for user in await self._answer(asked) if is_ours(user)}

    async def bring_to(
        self,
        users: Collection[str],
        passwords: Mapping[str, str],
        rules: Iterable[Rule],
        quotas: Mapping[str, Quotas],
    ) -> Changes:
        """These users with these rights and quotas, and no others of ours; `passwords` are set, as they may be new."""
        there = await self.users()
        gone = there - set(users)
        found = await self._rights()
        given, taken = await self._change_rights({_binding(rule) for rule in rules}, found)
        await self._change_users(passwords, gone)
        known = await read_quotas(self._access)
        wanted = {**{user: {} for user in known if is_ours(user)}, **quotas}
        changed = await change_quotas(self._access, wanted, known)
        return Changes(set(passwords) - there, gone, given, taken, changed, sorted(_strangers(found)))

    async def _change_rights(self, wanted: set[AclBinding], found: set[AclBinding]) -> tuple[int, int]:
        ours = {binding for binding in found if is_ours(_user(binding))}
        surplus, missing = ours - wanted, wanted - ours
        if surplus:
            await self._all(self._client.delete_acls([_filter(b) for b in surplus], request_timeout=_WITHIN))
        if missing:
            await self._all(self._client.create_acls(list(missing), request_timeout=_WITHIN))
        if surplus or missing:
            await self._until_in_force(wanted)
        return len(missing), len(surplus)

    async def _until_in_force(self, wanted: set[AclBinding]) -> None:
        """A broker acts by what it has read of the log of changes, a moment after they were taken."""
        deadline = time.monotonic() + _WITHIN
        while {b for b in await self._rights() if is_ours(_user(b))} != wanted:
            if time.monotonic() > deadline:
                raise BrokerError(f"Kafka: rights are not in force within {_WITHIN:g} s")
            await asyncio.sleep(_BETWEEN)

    async def _rights(self) -> set[AclBinding]:
        return set(await self._answer(self._client.describe_acls(_EVERY_RULE, request_timeout=_WITHIN)))

    async def _change_users(self, passwords: Mapping[str, str], gone: Iterable[str]) -> None:
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, _ITERATIONS)
        changes: list[Any] = [
            *(UserScramCredentialUpsertion(user, info, password.encode()) for user, password in passwords.items()),
            *(UserScramCredentialDeletion(user, ScramMechanism.SCRAM_SHA_512) for user in gone),
        ]
        if changes:
            await self._all(self._client.alter_user_scram_credentials(changes, request_timeout=_WITHIN))

    async def _answer(self, asked: Future[Any]) -> Any:
        try:
            return await asyncio.wrap_future(asked)
        except KafkaException as failure:
            raise BrokerError(f"Kafka: {self._admin.why(failure)}") from failure

    async def _all(self, asked: Mapping[Any, Future[Any]]) -> None:
        for one in asked.values():
            await self._answer(one)


def _binding(rule: Rule) -> AclBinding:
    pattern = ResourcePatternType.PREFIXED if rule.prefixed else ResourcePatternType.LITERAL
    who, may = f"{_ANYBODY}{rule.user}", AclPermissionType.ALLOW
    return AclBinding(_KINDS[rule.kind], rule.name, pattern, who, "*", _OPERATIONS[rule.right], may)


def _filter(one: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        *(one.restype, one.name, one.resource_pattern_type, one.principal, one.host, one.operation, one.permission_type)
    )


def _user(binding: AclBinding) -> str:
    return str(binding.principal).removeprefix(_ANYBODY)


def _strangers(found: Iterable[AclBinding]) -> Iterator[str]:
    """Rules by which others than our users may write what only services are to write."""
    own = list(own_topics())
    for one in found:
        writes = one.operation in _WRITES and one.permission_type == AclPermissionType.ALLOW
        if writes and one.restype == ResourceType.TOPIC and not is_ours(_user(one)) and _meets(one, own):
            yield f"{one.principal} may write {one.name}"


def _meets(one: AclBinding, own: Iterable[tuple[str, bool]]) -> bool:
    if one.resource_pattern_type == ResourcePatternType.LITERAL:
        return one.name == "*" or any(one.name == n or (p and one.name.startswith(n)) for n, p in own)
    return any(n.startswith(one.name) or (p and one.name.startswith(n)) for n, p in own)
