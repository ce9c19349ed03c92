"""Authenticates callers: the party behind a bearer token (RFC 6750) or a browser's session.

Invariant: a token comes from a header, never from a URL. A session cookie counts only together with the header that
names the session, which a page of another site cannot send. Guesses of tokens are limited by address, and logged
without the token.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Final

import structlog
from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

from services.chassis.base.budgets import Bucket, Meter, Meters, OverBudget
from services.chassis.base.database import Pool
from services.chassis.base.parties import Party, PartyBook, digest
from services.chassis.base.telemetry import Seldom
from services.chassis.base.tokens import StoredToken, TokenBook
from services.chassis.http.problems import ProblemError

log = structlog.get_logger(__name__)

SESSION_HEADER: Final = "corridor-session"
COOKIE_PREFIX: Final = "corridor-"
# The key in a request's ASGI scope under which the edge leaves its `Caller`.
CALLER: Final = "corridor.caller"
_REFUSALS_A_MINUTE: Final = 120
_ADDRESSES: Final = 4096


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated party with its token, and its meter at this copy."""

    party: Party
    token: StoredToken
    meter: Meter


class Callers:
    """Authenticates requests against the stored tokens and parties."""

    def __init__(self, pool: Callable[[], Pool], book: PartyBook) -> None:
        self._pool = pool
        self._book = book
        self._tokens = TokenBook()
        self._meters = Meters()
        self._guesses = Guesses()

    async def identify(self, connection: HTTPConnection) -> Caller:
        """The caller; raises `ProblemError` (401) without a valid token, `OverBudget` after too many wrong ones."""
        token = _token_of(connection.headers, connection.cookies)
        if not token:
            raise ProblemError(401, "send Authorization: Bearer <token>")
        address, sha256 = connection.client.host if connection.client else "", digest(token)
        held = await self._find(address, sha256)
        if held is None:
            self._guesses.tell(address, connection.url.path)
            raise ProblemError(401, "the token is not valid, or not any more")
        await self._book.refresh(self._pool(), held.party)
        party = self._book.get(held.party)
        if party is None:
            raise ProblemError(401, "the token's party is not known any more")
        return Caller(party, held, self._meters.of(party.party, party.budget))

    async def _find(self, address: str, sha256: bytes) -> StoredToken | None:
        """Looks the token up; one that was not valid lately counts as a guess until it is found."""
        if self._tokens.is_known(sha256):
            return await self._tokens.find(self._pool(), sha256)
        self._guesses.begin(address)
        held = await self._tokens.find(self._pool(), sha256)
        if held is not None:
            self._guesses.was_none(address)
        return held

    async def is_valid(self, caller: Caller) -> bool:
        """Whether the caller's token is still valid, by a look-up at most two seconds old."""
        return await self._tokens.find(self._pool(), caller.token.sha256) is not None

    def forget(self, caller: Caller) -> None:
        """Drops what is cached of the caller's token, after it has ended."""
        self._tokens.forget(caller.token.sha256)


class Guesses:
    """Counts wrong tokens by address; it remembers a bounded number of addresses, the latest ones."""

    def __init__(self) -> None:
        self._bucket_of = lru_cache(_ADDRESSES)(lambda _: Bucket(_REFUSALS_A_MINUTE))
        self._unlogged: Counter[str] = Counter()
        self._seldom = Seldom()

    def begin(self, address: str) -> None:
        """Counts a guess; raises `OverBudget` while this address has guessed too often."""
        now, bucket = time.monotonic(), self._bucket_of(address)
        if seconds := bucket.wait(now):
            raise OverBudget("too many wrong tokens from this address", seconds)
        bucket.spend(1, now)

    def was_none(self, address: str) -> None:
        """Takes a counted guess back, since the token was valid."""
        self._bucket_of(address).spend(-1, time.monotonic())

    def tell(self, address: str, path: str) -> None:
        """Notes a wrong token; the log gets one line for several."""
        self._unlogged[address] += 1
        if self._seldom.again() or len(self._unlogged) > _ADDRESSES:
            log.warning("tokens were refused", addresses=dict(self._unlogged.most_common(20)), path=path[:80])
            self._unlogged.clear()


def caller_of(connection: HTTPConnection) -> Caller:
    """The caller that the edge has authenticated; raises `ProblemError` (401) on a path that it lets in without one."""
    caller: Caller | None = connection.scope.get(CALLER)
    if caller is None:
        raise ProblemError(401, "send Authorization: Bearer <token>")
    return caller


_Bearer = Annotated[HTTPAuthorizationCredentials | None, Security(HTTPBearer(auto_error=False))]


async def party_of(request: Request, _: _Bearer) -> Party:
    """The calling party; as a dependency of a route it also adds the token to the OpenAPI document."""
    return caller_of(request).party


Asking = Annotated[Party, Depends(party_of)]


def _token_of(headers: Mapping[str, str], cookies: Mapping[str, str]) -> str:
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind:
        return token.strip() if kind.lower() == "bearer" else ""
    session = headers.get(SESSION_HEADER, "")
    return cookies.get(COOKIE_PREFIX + session, "") if session else ""
