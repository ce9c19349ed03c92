"""Who may do what in Kafka: users, rights and quotas, as they follow from the parties and the topic table.

Invariant: pure. What is not given here is not allowed. Users of ours begin with `party.` or `service.`, which no other
user does, and consumer groups of a party with its user's name and a dot, so that no name of one begins with another's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from contracts import topics
from contracts.topics import SERVICES, Topic
from services.chassis.base.parties import Party

Right = Literal["read", "write", "describe"]

READ_BACK: Final = (topics.TRACKING_EVENTS, topics.CUSTOMS_EVENTS, topics.CUSTOMS_CASES, topics.NOTIFICATIONS)
"""What a service reads although it has written it: what its store may have forgotten."""
QUOTAS: Final = frozenset({"producer_byte_rate", "consumer_byte_rate", "request_percentage"})
_PARTY: Final = "party."
_SERVICE: Final = "service."


class Rule(NamedTuple):
    """One thing that one user may do; `prefixed` means everything whose name begins so."""

    user: str
    kind: Literal["topic", "group"]
    name: str
    right: Right
    prefixed: bool = False


def party_user(party: str) -> str:
    """As whom a party signs in."""
    return _PARTY + party


def service_user(service: str) -> str:
    """As whom a service signs in."""
    return _SERVICE + service


def party_name(user: str) -> str | None:
    """Whose user this is; None where it is no party's."""
    return user.removeprefix(_PARTY) if user.startswith(_PARTY) else None


def is_ours(user: str) -> bool:
    """Whether provisioning makes and removes this user."""
    return user.startswith((_PARTY, _SERVICE))


def users_of(parties: Sequence[Party]) -> list[str]:
    """All users."""
    return [*map(service_user, SERVICES), *(party_user(p.party) for p in parties)]


def rules_of(parties: Sequence[Party]) -> set[Rule]:
    """All that is allowed; raises `ValueError` for a party that cannot have the topic of its role."""
    return {rule for service in SERVICES for rule in _of_service(service)} | {
        rule for party in parties for rule in _of_party(party)
    }


def quotas_of(parties: Sequence[Party], by_role: Mapping[str, Mapping[str, float]]) -> dict[str, Mapping[str, float]]:
    """The quotas of each party; raises `ValueError` for one whose role has none, or names what is no quota."""
    for role, quotas in by_role.items():
        if unknown := set(quotas) - QUOTAS:
            raise ValueError(f"quotas of {role}: {sorted(unknown)[0]} is none of {', '.join(sorted(QUOTAS))}")
    without = [p for p in parties if p.role not in by_role]
    if without:
        raise ValueError(f"party {without[0].party} is a {without[0].role}, for which there are no quotas")
    return {party_user(p.party): by_role[p.role] for p in parties}


def own_topics() -> Iterator[tuple[str, bool]]:
    """The topics that services alone write, by name or (true) by what their names begin with."""
    for row in topics.TABLE:
        if not row.ingress:
            yield from {_resource(row, service) for service in SERVICES}


def _of_service(service: str) -> Iterator[Rule]:
    me = service_user(service)
    yield Rule(me, "group", f"{service}-", "read", prefixed=True)
    for row in topics.TABLE:
        name, prefixed = _resource(row, service)
        if service in row.writers:
            yield Rule(me, "topic", name, "write", prefixed)
        if service in row.readers or (service in row.writers and row in READ_BACK):
            yield Rule(me, "topic", name, "read", prefixed)
        if service in row.readers:
            yield from _watched(me, (w for w in row.writers if w in SERVICES and not row.ingress))


def _watched(me: str, writers: Iterable[str]) -> Iterator[Rule]:
    """A service sees whether those are at work that tell it things."""
    for writer in writers:
        yield Rule(me, "group", f"{writer}-", "describe", prefixed=True)


def _of_party(party: Party) -> Iterator[Rule]:
    me = party_user(party.party)
    yield Rule(me, "group", f"{me}.", "read", prefixed=True)
    for row in topics.TABLE:
        if row.ingress and set(row.types) & set(party.types):
            yield Rule(me, "topic", row.of(party.party), "write")
        yield from (Rule(me, "topic", name, "read") for name in _read_by(party, row))


def _read_by(party: Party, row: Topic) -> Iterator[str]:
    if "party" in row.readers and (party.types or row is not topics.RECEIPTS):
        yield row.of(party.party)
    if "authority" in row.readers and party.role == "customs":
        if party.country is None:
            raise ValueError(f"party {party.party} is a customs service of no country")
        yield row.of(party.country)
    if "operations" in row.readers and party.role == "operations":
        yield from map(row.of, SERVICES)


def _resource(row: Topic, service: str) -> tuple[str, bool]:
    """The topics of a row as a service names them.

    By prefix where it has one for each party or country: what a party that is gone has sent is still read and answered.
    """
    if "<service>" in row.name:
        return row.of(service), False
    before, variable, _ = row.name.partition("<")
    return before, bool(variable)
