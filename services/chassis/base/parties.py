"""Who the parties are, what each may report, and whose a token is.

Invariant: entitlement comes from the topic that a record arrived on and this book, never from what the record
says of itself. Tokens are stored as SHA-256 only; each belongs to one party.
"""

import hashlib
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.envelope.codec import Event
from contracts.events.fields import Code, Country, PartyKey
from contracts.identifiers.subjects import Jurisdiction
from contracts.refusal import refused
from services.chassis.base.budgets import Budget
from services.chassis.base.database import Connection, Pool

Role = Literal["railway", "terminal", "forwarder", "shipper", "declarant", "customs", "control", "operations"]

_MAX_AGE_SECONDS = 5.0
_ALL_PARTIES = "SELECT party, spec FROM party"
_SAVE_PARTY = """
INSERT INTO party (party, spec) VALUES ($1, $2::jsonb) ON CONFLICT (party) DO UPDATE SET spec = EXCLUDED.spec
"""
# What a token's sessions refer to is never changed: they go with it.
_REPLACE_TOKEN = "DELETE FROM token WHERE party = $1 AND label = $2 AND sha256 <> $3"
_SAVE_TOKEN = """
INSERT INTO token (sha256, party, label, created_at, scopes, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (sha256) DO NOTHING
"""
# Provisioning takes away who is no party any more, with all tokens; the tokens go first.
_REMOVE_TOKENS = "DELETE FROM token WHERE party <> ALL ($1::text[])"
_REMOVE_PARTIES = "DELETE FROM party WHERE party <> ALL ($1::text[]) RETURNING party"


class Party(BaseModel):
    """One party: its sources, the event types, codes and countries it may report, and for whom it may speak.

    Empty `codes`, `countries` and `points` mean all; empty `types` means none. `plans_for` are the railways that have
    named it to plan and compose their trains, `agreements` the parties that it may name in a booking.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    party: PartyKey
    name: str
    role: Role
    country: Country | None = None
    jurisdictions: tuple[Jurisdiction, ...] = ()
    sources: Annotated[tuple[str, ...], Field(max_length=20)] = ()
    types: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    countries: tuple[Country, ...] = ()
    points: tuple[Code, ...] = ()
    speaks_for: tuple[PartyKey, ...] = ()
    plans_for: tuple[PartyKey, ...] = ()
    agreements: tuple[PartyKey, ...] = ()
    budget: Budget = Budget()

    @property
    def standing(self) -> str:
        """What is kept with each accepted revision: role, jurisdictions that it rules in, agreements, country."""
        laws, agreements = ",".join(self.jurisdictions), ",".join(self.agreements)
        return f"{self.role}:{laws}:{agreements}:{self.country or ''}".rstrip(":")

    def require(self, event: Event) -> None:
        """Raises `Refused` (not_entitled) for another party's source or a type that this party may not send."""
        if event.source not in self.sources:
            raise refused("not_entitled", "$.source", f"{event.source[:80]} is no source of {self.party}")
        if event.type not in self.types:
            raise refused("not_entitled", "$.type", f"{self.party} may not send {event.type}")


class PartyBook:
    """The parties as the store has them, read again when older than some seconds."""

    def __init__(self, max_age_seconds: float = _MAX_AGE_SECONDS) -> None:
        self._parties: Mapping[str, Party] = {}
        self._max_age = max_age_seconds
        self._read_at = float("-inf")

    def get(self, party: str | None) -> Party | None:
        return self._parties.get(party) if party else None

    def budget(self, party: str) -> Budget:
        """What a party may cost the others; who is not known has what anybody has."""
        known = self._parties.get(party)
        return known.budget if known else Budget()

    def all(self) -> Sequence[Party]:
        return tuple(self._parties.values())

    async def refresh(self, pool: Pool, *wanted: str | None) -> None:
        """Reads the parties if they are old, or at once if one of `wanted` is unknown."""
        unknown = any(name and name not in self._parties for name in wanted)
        if not unknown and time.monotonic() - self._read_at < self._max_age:
            return
        rows = await pool.fetch(_ALL_PARTIES)
        self._parties = {row["party"]: Party.model_validate_json(row["spec"]) for row in rows}
        self._read_at = time.monotonic()


def digest(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).digest()


def new_token() -> str:
    """A fresh bearer token with 256 random bits."""
    return secrets.token_urlsafe(32)


async def save_party(connection: Connection, party: Party) -> None:
    """Writes one party; safe to repeat."""
    await connection.execute(_SAVE_PARTY, party.party, json.dumps(party.model_dump(mode="json")))


async def save_token(
    connection: Connection,
    party: str,
    label: str,
    sha256: bytes,
    created_at: datetime,
    *,
    scopes: Sequence[str] = ("report", "read", "operate"),
    expires_at: datetime | None = None,
) -> None:
    """Writes one token by its hash; another of the same (party, label) replaces it, the same one stays as it is."""
    await connection.execute(_REPLACE_TOKEN, party, label, sha256)
    await connection.execute(_SAVE_TOKEN, sha256, party, label, created_at, list(scopes), expires_at)


async def remove_others(connection: Connection, parties: Sequence[str]) -> list[str]:
    """Takes away all parties but these, and their tokens; returns who was taken away."""
    await connection.execute(_REMOVE_TOKENS, list(parties))
    return [row["party"] for row in await connection.fetch(_REMOVE_PARTIES, list(parties))]
