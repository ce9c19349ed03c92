"""The stored bearer tokens (RFC 6750) with their scopes and ends, and the browser sessions opened with them.

Invariant: only hashes are stored. A copy believes what it has read of a token for two seconds, so a token that is
revoked or expired ends in all copies, and its sessions with it.
"""

import secrets
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, get_args

from services.chassis.base.clock import machinery_now
from services.chassis.base.database import Connection, Pool
from services.chassis.base.parties import digest, new_token, save_token

Scope = Literal["report", "read", "operate"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
SESSION_FOR: Final = timedelta(hours=12)

_KNOWN_SECONDS: Final = 2.0
_KNOWN: Final = 4096
_SESSIONS: Final = 50
_FIND = """
SELECT t.party, t.label, t.scopes, t.parent FROM token t LEFT JOIN token p ON p.sha256 = t.parent
WHERE t.sha256 = $1 AND (t.expires_at IS NULL OR t.expires_at > $2) AND (p.expires_at IS NULL OR p.expires_at > $2)
"""
_SAVE_SESSION = """
INSERT INTO token (sha256, party, label, created_at, scopes, expires_at, parent)
SELECT $1, party, $2, $3, '{read}', least(expires_at, $4::timestamptz), sha256 FROM token WHERE sha256 = $5
RETURNING expires_at
"""
# Expired sessions, and the oldest ones beyond the limit.
_FORGET_SESSIONS = """
DELETE FROM token WHERE sha256 IN (
    SELECT sha256 FROM (
        SELECT sha256, expires_at, row_number() OVER (ORDER BY created_at DESC) AS nth FROM token WHERE parent = $1
    ) AS sessions WHERE expires_at <= $2 OR nth >= $3
)
"""
_OPEN_SESSION = """
SELECT label, expires_at FROM token WHERE sha256 = ANY ($1::bytea[]) AND parent = $2 AND expires_at > $3 LIMIT 1
"""
_RENEW = """
UPDATE token s SET expires_at = least(p.expires_at, $2::timestamptz) FROM token p
WHERE s.sha256 = $1 AND p.sha256 = s.parent RETURNING s.expires_at
"""
_END = "DELETE FROM token WHERE sha256 = $1"
_LIST = """
SELECT t.party, t.label, t.scopes, t.created_at, t.expires_at,
       (SELECT count(*) FROM token s WHERE s.parent = t.sha256) AS sessions
FROM token t WHERE t.parent IS NULL AND ($1::text IS NULL OR t.party = $1) ORDER BY t.party, t.created_at, t.label
"""
# The row stays, so that provisioning the same token again does not revive it.
_REVOKE = """
UPDATE token SET expires_at = $3
WHERE party = $1 AND parent IS NULL AND ($2::text IS NULL OR label = $2) AND (expires_at IS NULL OR expires_at > $3)
RETURNING label
"""
_EXPIRE = """
UPDATE token SET expires_at = least(expires_at, $3) WHERE party = $1 AND parent IS NULL AND label <> $2
"""
SESSION_PREFIX: Final = "session-"


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A valid token; `is_session` says that it is a browser's session."""

    sha256: bytes
    party: str
    label: str
    scopes: frozenset[str]
    is_session: bool


class TokenBook:
    """A short cache of token look-ups, including those that found nothing."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, tuple[float, StoredToken | None]] = OrderedDict()

    async def find(self, pool: Pool, sha256: bytes) -> StoredToken | None:
        """The valid token with this hash, or None; raises what asyncpg raises."""
        known = self._known.get(sha256)
        if known is not None and time.monotonic() - known[0] < _KNOWN_SECONDS:
            return known[1]
        asked_at = time.monotonic()
        row = await pool.fetchrow(_FIND, sha256, machinery_now())
        held = (
            StoredToken(sha256, row["party"], row["label"], frozenset(row["scopes"]), bool(row["parent"]))
            if row
            else None
        )
        self._known[sha256] = (asked_at, held)
        self._known.move_to_end(sha256)
        while len(self._known) > _KNOWN:
            self._known.popitem(last=False)
        return held

    def is_known(self, sha256: bytes) -> bool:
        """Whether the token was valid at its last look-up, and so is no guess."""
        known = self._known.get(sha256)
        return known is not None and known[1] is not None

    def forget(self, sha256: bytes) -> None:
        """Drops the cached look-up."""
        self._known.pop(sha256, None)


@dataclass(frozen=True, slots=True)
class Session:
    """A browser's session; `token` is None if the browser has its cookie already."""

    name: str
    expires_at: datetime
    token: str | None


async def open_session(pool: Pool, parent: StoredToken, cookies: Sequence[str]) -> Session | None:
    """Opens a session under a token, or reuses one of the browser's `cookies`; None when the token is gone."""
    now = machinery_now()
    row = await pool.fetchrow(_OPEN_SESSION, [digest(c) for c in cookies], parent.sha256, now + SESSION_FOR / 2)
    if row is not None:
        return Session(row["label"].removeprefix(SESSION_PREFIX), row["expires_at"], None)
    name, token = secrets.token_hex(6), new_token()
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_FORGET_SESSIONS, parent.sha256, now, _SESSIONS)
        until = await connection.fetchval(
            _SAVE_SESSION, digest(token), SESSION_PREFIX + name, now, now + SESSION_FOR, parent.sha256
        )
    return None if until is None else Session(name, until, token)


async def renew_session(pool: Pool, session: StoredToken) -> datetime | None:
    """Extends a session, at most to the end of its token; returns its new end, None when it is gone."""
    until: datetime | None = await pool.fetchval(_RENEW, session.sha256, machinery_now() + SESSION_FOR)
    return until


async def end_session(pool: Pool, session: StoredToken) -> None:
    """Ends a session, in all copies."""
    await pool.execute(_END, session.sha256)


async def list_tokens(connection: Connection, party: str | None) -> list[dict[str, Any]]:
    """The tokens of a party or of all, without the hashes."""
    return [dict(row) for row in await connection.fetch(_LIST, party)]


async def issue(
    connection: Connection, party: str, label: str, sha256: bytes, scopes: Sequence[str], expires_at: datetime | None
) -> None:
    """Writes a token by its hash; the same (party, label) again replaces it."""
    await save_token(connection, party, label, sha256, machinery_now(), scopes=scopes, expires_at=expires_at)


async def revoke(connection: Connection, party: str, label: str | None) -> list[str]:
    """Ends one token of a party, or all, with their sessions; returns the labels of the tokens that this has ended."""
    return [row["label"] for row in await connection.fetch(_REVOKE, party, label, machinery_now())]


async def expire_others(connection: Connection, party: str, label: str, at: datetime) -> None:
    """Makes all of a party's tokens but `label` end at `at` or earlier."""
    await connection.execute(_EXPIRE, party, label, at)
