"""`python -m corridor tokens list|issue|rotate|revoke`: the tokens of the parties, in the stores of all services.

Invariant: a token is printed once, to whoever asked for it, after every store has its hash, and is kept nowhere else.
One that was revoked ends within seconds in all copies, with its sessions and open streams. Doing it again does no harm.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, TypeVar

import asyncpg

from contracts.events.fields import utc_text
from deploy.provision import EXPECTED, SERVICES, ProvisionError, in_a_line
from services.chassis.base import tokens
from services.chassis.base.clock import machinery_now
from services.chassis.base.database import Connection
from services.chassis.base.parties import digest, new_token

_T = TypeVar("_T")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
_KNOWN: Final = "SELECT EXISTS (SELECT FROM party WHERE party = $1)"
_Work = Callable[[Connection], Awaitable[_T]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the arguments say; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        _VERBS[options.verb](_urls(os.environ), options)
    except EXPECTED as failure:
        print(f"tokens: {in_a_line(failure)}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m corridor tokens", description="the tokens of the parties")
    verbs = parser.add_subparsers(dest="verb", required=True)
    listing = verbs.add_parser("list", help="who has which tokens, for what and until when")
    listing.add_argument("party", nargs="?")
    issue = verbs.add_parser("issue", help="a token more; printed once")
    issue.add_argument("--label", required=True, help="its name; that of another of the party replaces it")
    rotate = verbs.add_parser("rotate", help="a new token, while those before it go on for a while; printed once")
    rotate.add_argument("--label", help="its name (default: the moment)")
    rotate.add_argument("--overlap", type=_span, default=timedelta(days=1), help="for how long (default: 1d)")
    for one in (issue, rotate):
        one.add_argument("party")
        one.add_argument("--expires", type=_span, help="in how long it ends, such as 90d, 12h or 30m (default: never)")
        one.add_argument(
            "--scope", action="append", choices=tokens.SCOPES, help="what it is for; may be given several times"
        )
    revoke = verbs.add_parser("revoke", help="ends a token, or all of a party, at once")
    revoke.add_argument("party")
    chosen = revoke.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--label")
    chosen.add_argument("--all", action="store_true")
    return parser


def _list(urls: Mapping[str, str], options: argparse.Namespace) -> None:
    for service, rows in _everywhere(urls, lambda c: tokens.list_tokens(c, options.party)).items():
        for row in rows:
            print(f"{service:<14} {_line(row)}")


def _issue(urls: Mapping[str, str], options: argparse.Namespace) -> None:
    token = new_token()
    _everywhere(urls, lambda c: _save(c, options, options.label, token))
    print(token)


def _rotate(urls: Mapping[str, str], options: argparse.Namespace) -> None:
    now, token = machinery_now(), new_token()
    label = options.label or f"{now:%Y-%m-%dT%H:%M:%SZ}"

    async def replace(connection: Connection) -> None:
        await _save(connection, options, label, token)
        await tokens.expire_others(connection, options.party, label, now + options.overlap)

    _everywhere(urls, replace)
    print(token)


def _revoke(urls: Mapping[str, str], options: argparse.Namespace) -> None:
    gone = _everywhere(urls, lambda c: tokens.revoke(c, options.party, options.label))
    labels = sorted({label for found in gone.values() for label in found})
    if not labels:
        raise ProvisionError(f"{options.party} has no such token")
    print(f"revoked: {', '.join(labels)}")


_VERBS: Final[Mapping[str, Callable[[Mapping[str, str], argparse.Namespace], None]]] = {
    "list": _list,
    "issue": _issue,
    "rotate": _rotate,
    "revoke": _revoke,
}


async def _save(connection: Connection, options: argparse.Namespace, label: str, token: str) -> None:
    if not await connection.fetchval(_KNOWN, options.party):
        raise ProvisionError(f"{options.party} is no party")
    if label.startswith(tokens.SESSION_PREFIX):
        raise ProvisionError(f"a label does not begin with {tokens.SESSION_PREFIX}")
    expires_at = machinery_now() + options.expires if options.expires else None
    await tokens.issue(connection, options.party, label, digest(token), options.scope or tokens.SCOPES, expires_at)


def _everywhere(urls: Mapping[str, str], work: _Work[_T]) -> dict[str, _T]:
    """Does it in one transaction of each store; in all of them that can be reached, also when one cannot."""

    async def one(url: str) -> _T:
        connection = await asyncpg.connect(url, timeout=10)
        try:
            async with connection.transaction():
                return await work(connection)
        finally:
            await connection.close()

    async def each() -> dict[str, _T]:
        done = await asyncio.gather(*(one(url) for url in urls.values()), return_exceptions=True)
        failed = [outcome for outcome in done if isinstance(outcome, BaseException)]
        if failed:
            raise failed[0]
        return dict(zip(urls, done, strict=True))  # type: ignore[arg-type]

    return asyncio.run(each())


def _line(row: Mapping[str, Any]) -> str:
    end = row["expires_at"]
    until = "never ends" if end is None else f"{'ends' if end > machinery_now() else 'ended'} {utc_text(end)}"
    sessions = f", {row['sessions']} sessions" if row["sessions"] else ""
    made = utc_text(row["created_at"])
    return f"{row['party']:<20} {row['label']:<22} {','.join(row['scopes']):<22} since {made}, {until}{sessions}"


def _span(text: str) -> timedelta:
    found = re.fullmatch(r"([1-9]\d{0,4})([mhd])", text)
    if found is None:
        raise argparse.ArgumentTypeError("say 30m, 12h or 90d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _urls(environ: Mapping[str, str]) -> dict[str, str]:
    names = {service: f"{service.upper()}_DATABASE_URL" for service in SERVICES}
    for name in names.values():
        if not environ.get(name):
            raise ProvisionError(f"{name} is not set")
    return {service: environ[name] for service, name in names.items()}
