"""The parties and what each may report.

Invariant: entitlement follows from the topic of a record and the party book, never from the record's own content.
Tokens are stored as SHA-256 only; each belongs to one party.
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
# Deleting a token deletes its sessions.
_REPLACE_TOKEN = "DELETE FROM token WHERE party = $1 AND label = $2 AND sha256 <> $3"
_SAVE_TOKEN = """
INSERT INTO token (sha256, party, label, created_at, scopes, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (sha256) DO NOTHING
"""
# Provisioning removes former parties. Tokens refer to parties, so they go first.
_REMOVE_TOKENS = "DELETE FROM token WHERE party <> ALL ($1::text[])"
_REMOVE_PARTIES = "DELETE FROM party WHERE party <> ALL ($1::text[]) RETURNING party"


class Party(BaseModel):
    """One party: its sources, and the event types, codes, countries and points that it may report.

    Empty `codes`, `countries` and `points` mean all; empty `types` means none. `speaks_for` are the parties for which
    it may report second-hand, `plans_for` the railways that let it plan and compose their trains, `agreements` the
    parties that it may name in a booking.
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
        """The text `role:jurisdictions:agreements:country` that is stored with each accepted revision."""
        laws, agreements = ",".join(self.jurisdictions), ",".join(self.agreements)
        return f"{self.role}:{laws}:{agreements}:{self.country or ''}".rstrip(":")

    def require(self, event: Event) -> None:
        """Raises `Refused` (not_entitled) for another party's source or a type that this party may not send."""
        if event.source not in self.sources:
            raise refused("not_entitled", "$.source", f"{event.source[:80]} is no source of {self.party}")
        if event.type not in self.types:
            raise refused("not_entitled", "$.type", f"{self.party} may not send {event.type}")


class PartyBook:
    """A cache of the stored parties, at most `max_age_seconds` old."""

    def __init__(self, max_age_seconds: float = _MAX_AGE_SECONDS) -> None:
        self._parties: Mapping[str, Party] = {}
        self._max_age = max_age_seconds
        self._read_at = float("-inf")

    def get(self, party: str | None) -> Party | None:
        return self._parties.get(party) if party else None

    def budget(self, party: str) -> Budget:
        """The budget of a party; the default one for an unknown party."""
        known = self._parties.get(party)
        return known.budget if known else Budget()

    def all(self) -> Sequence[Party]:
        return tuple(self._parties.values())

    async def refresh(self, pool: Pool, *wanted: str | None) -> None:
        """Reads the parties if the cache is old or one of `wanted` is unknown; raises what asyncpg raises."""
        unknown = any(name and name not in self._parties for name in wanted)
        if not unknown and time.monotonic() - self._read_at < self._max_age:
            return
        rows = await pool.fetch(_ALL_PARTIES)
        self._parties = {row["party"]: Party.model_validate_json(row["spec"]) for row in rows}
        self._read_at = time.monotonic()


def digest(token: str) -> bytes:
    """The SHA-256 of a token, which is all that is stored of it."""
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
    """Writes a token by its hash; it replaces another one of the same (party, label). Safe to repeat."""
    await connection.execute(_REPLACE_TOKEN, party, label, sha256)
    await connection.execute(_SAVE_TOKEN, sha256, party, label, created_at, list(scopes), expires_at)


async def remove_others(connection: Connection, parties: Sequence[str]) -> list[str]:
    """Removes all parties but these, with their tokens; returns the keys of the removed parties."""
    await connection.execute(_REMOVE_TOKENS, list(parties))
    return [row["party"] for row in await connection.fetch(_REMOVE_PARTIES, list(parties))]
