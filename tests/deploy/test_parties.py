"""What the parties of the corridor may send."""

from __future__ import annotations

from collections.abc import Iterable

from contracts.catalogue import TYPES
from deploy.provision import PARTIES, read_parties
from services.chassis.base.parties import Party


def unsent(parties: Iterable[Party]) -> set[str]:
    """The types that are sent to us and that no party may send."""
    allowed = {type for party in parties for type in party.types}
    return {name for name, kind in TYPES.items() if kind.incoming} - allowed


def test_every_type_that_is_sent_to_us_may_be_sent_by_somebody() -> None:
    assert unsent(read_parties()) == set(), f"add them to a line of `may` in {PARTIES.name}"


def test_a_type_that_nobody_may_send_is_found() -> None:
    railways = [party for party in read_parties() if party.role == "railway"]

    assert "corridor.hold.placed.v1" in unsent(railways)
