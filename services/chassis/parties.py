"""Who the parties are, what each may report, and whose a token is.

Invariant: entitlement comes from the topic that a record arrived on and this book, never from what the record
says of itself. Tokens are stored as SHA-256 only; each belongs to one party.
"""

import hashlib
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.codec import Event
from contracts.fields import Code, Country, PartyKey
from contracts.refusal import refused
from contracts.subjects import Jurisdiction
from services.chassis.database import Connection, Pool

Role = Literal["railway", "terminal", "forwarder", "shipper", "declarant", "customs", "control", "operations"]

_MAX_AGE_SECONDS = 5.0
_ALL_PARTIES = "SELECT party, spec FROM party"
_SAVE_PARTY = """
INSERT INTO party (party, spec) VALUES ($1, $2::jsonb) ON CONFLICT (party) DO UPDATE SET spec = EXCLUDED.spec
"""
_SAVE_TOKEN = """
INSERT INTO token (sha256, party, label, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (party, label) DO UPDATE SET sha256 = EXCLUDED.sha256
"""
_PARTY_OF_TOKEN = "SELECT party FROM token WHERE sha256 = $1"


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


async def party_of_token(pool: Pool, token: str) -> str | None:
    """The party that holds a token."""
    found: str | None = await pool.fetchval(_PARTY_OF_TOKEN, digest(token))
    return found


async def save_party(connection: Connection, party: Party) -> None:
    """Writes one party; safe to repeat."""
    await connection.execute(_SAVE_PARTY, party.party, json.dumps(party.model_dump(mode="json")))


async def save_token(connection: Connection, party: str, label: str, sha256: bytes, created_at: object) -> None:
    """Writes one token by its hash; the same (party, label) again replaces it."""
    await connection.execute(_SAVE_TOKEN, sha256, party, label, created_at)
