"""`python -m services.<name> dead-letters ...` and `... cluster ...`: work on a store from the command line.

Invariant: it needs the service's database alone, says what it did as one JSON object a line, and exits 0 when all that
was asked for is done, 1 when something failed again, 2 when it was asked wrongly.
"""

import argparse
import asyncio
import getpass
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from contracts.refusal import REASONS
from services.chassis.base import telemetry
from services.chassis.base.clock import CorridorClock
from services.chassis.base.clock_steps import load_steps
from services.chassis.base.database import Pool, open_pool
from services.chassis.base.errors import SettingsError, passes
from services.chassis.base.parties import PartyBook
from services.chassis.base.settings import StoreSettings
from services.chassis.dead_letters import letters
from services.chassis.dead_letters.letters import Filter
from services.chassis.dead_letters.replay import Replayer
from services.chassis.kafka import cluster
from services.chassis.service.runtime import Blueprint


def run(blueprint: Blueprint, arguments: Sequence[str]) -> int:
    """Does what the arguments say; returns the exit code."""
    options = _parser(blueprint.name).parse_args(arguments)
    try:
        settings = StoreSettings.load(blueprint.name)
        telemetry.set_up_logs("error", "console")
        return asyncio.run(_work(blueprint, settings, options))
    except SettingsError as failure:
        print(f"{blueprint.name}: {failure}", file=sys.stderr)
        return 2
    except Exception as failure:
        if not passes(failure):
            raise
        print(f"{blueprint.name}: the database cannot be reached ({failure!r})", file=sys.stderr)
        return 1


def _parser(service: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m services.{service}", description="without arguments: run the service"
    )
    areas = parser.add_subparsers(dest="area", required=True)
    verbs = areas.add_parser("dead-letters", help="what was put aside").add_subparsers(dest="verb", required=True)
    for verb, what in _VERBS.items():
        one = verbs.add_parser(verb, help=what)
        if verb == "show":
            one.add_argument("id", type=int)
            continue
        if verb == "actions":
            continue
        _add_filter(one, choose=verb in ("replay", "discard"))
    verbs.choices["list"].add_argument("--limit", type=int, default=100)
    replay = verbs.choices["replay"]
    replay.add_argument("--dry-run", action="store_true", help="only say what would become of each")
    replay.add_argument("--again", action="store_true", help="also those that have failed too often")
    verbs.choices["discard"].add_argument("--why", required=True, help="kept with them")
    clusters = areas.add_parser("cluster", help="the Kafka that the store belongs to").add_subparsers(
        dest="verb", required=True
    )
    clusters.add_parser("show", help="its id")
    clusters.add_parser("forget", help="belong to the one that is met next: the store moves, which is rare")
    for verb in ("replay", "discard"):
        verbs.choices[verb].add_argument("--by", default=getpass.getuser(), help="who does it (default: you)")
    return parser


_VERBS = {
    "list": "what waits, oldest first",
    "show": "one of them whole",
    "count": "how many there are of each reason and party",
    "replay": "judge and store them as if they had just been read",
    "discard": "give them up, with a reason",
    "actions": "who replayed and discarded what",
}


def _add_filter(parser: argparse.ArgumentParser, *, choose: bool) -> None:
    parser.add_argument("--id", type=int, action="append", help="may be given several times")
    parser.add_argument("--reason", choices=REASONS)
    parser.add_argument("--party")
    parser.add_argument("--topic")
    parser.add_argument("--since", type=datetime.fromisoformat, help="recorded from this instant on")
    parser.add_argument("--until", type=datetime.fromisoformat, help="recorded before this instant")
    if choose:
        parser.add_argument("--all", action="store_true", help="needed when no other condition is given")
    else:
        parser.add_argument("--resolved", action="store_true", help="with those replayed and discarded")


def _filter(options: argparse.Namespace) -> Filter:
    values = {n: getattr(options, n, None) for n in ("reason", "party", "topic", "since", "until")}
    wanted = Filter(ids=options.id, resolved=getattr(options, "resolved", False), **values)
    if hasattr(options, "all") and not options.all and wanted == Filter():
        raise SettingsError("say which dead letters, or --all")
    return wanted


async def _work(blueprint: Blueprint, settings: StoreSettings, options: argparse.Namespace) -> int:
    pool = await open_pool(settings.database_url, f"{blueprint.name}-{options.area}", size=2)
    try:
        if options.area == "cluster":
            found = await (cluster.forget(pool) if options.verb == "forget" else cluster.known(pool))
            _say({"cluster": found})
            return 0
        if options.verb in ("replay", "discard"):
            return await _act(blueprint, settings, pool, options)
        rows = await _read(pool, options)
        for row in rows:
            _say(row)
        return 0 if rows or options.verb != "show" else 1
    finally:
        pool.terminate()


async def _read(pool: Pool, options: argparse.Namespace) -> list[dict[str, Any]]:
    if options.verb == "show":
        one = await letters.shown(pool, options.id)
        return [one] if one else []
    if options.verb == "actions":
        return [dict(row) for row in await letters.actions(pool)]
    if options.verb == "count":
        return await letters.counted(pool, _filter(options))
    return await letters.listed(pool, _filter(options), limit=options.limit)


async def _act(blueprint: Blueprint, settings: StoreSettings, pool: Pool, options: argparse.Namespace) -> int:
    clock = CorridorClock(stepped=settings.clock == "stepped")
    if clock.stepped:
        clock.resume(await load_steps(pool))
    replayer = Replayer(blueprint.name, blueprint.streams, pool, clock, PartyBook())
    if options.verb == "discard":
        report = await replayer.discard(_filter(options), options.by, options.why)
    else:
        report = await replayer.replay(_filter(options), options.by, dry_run=options.dry_run, again=options.again)
    _say(report.as_json())
    return 1 if report.failed else 0


def _say(row: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(row, default=str, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z))
    sys.stdout.flush()
