"""`python -m corridor dead-letters SERVICE ...`: a client of `/ops/dead-letters` of a running copy, for operations.

Invariant: it does nothing that the API does not do. It prints one JSON object a line. It exits 0 if everything was
done, 1 if a dead letter failed again or does not exist or no copy answers, and 2 for wrong arguments or a refused
token. A token is never an argument, which others on the host could read.
"""

import argparse
import getpass
import json
import os
import ssl
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import httpx

from contracts.refusal import REASONS

_VERBS: Final = {
    "list": "those that wait, oldest first",
    "show": "one of them whole",
    "count": "how many there are of each reason and party",
    "replay": "validate and store them as if they had just been read",
    "discard": "give them up, with a reason",
    "actions": "who replayed and discarded what",
}
_PATH: Final = "/ops/dead-letters"
# The path under `_PATH` of each list, and the field of its answer.
_LISTS: Final = {"list": ("", "items"), "count": ("/counts", "counts"), "actions": ("/actions", "actions")}
_FILTER: Final = ("id", "reason", "party", "topic", "since", "until", "resolved")
# No read timeout: a replay answers after its last record.
_TIMEOUT: Final = httpx.Timeout(10, read=None)


class AskedWrongly(Exception):
    """The arguments are wrong; the text is the one line to print."""


def run(service: str, arguments: Sequence[str]) -> int:
    """Runs the command; returns the exit code."""
    options = _parser(service).parse_args(arguments)
    try:
        with _client(service, options, os.environ) as client:
            return _act(client, options) if options.verb in ("replay", "discard") else _read(client, options)
    except (AskedWrongly, httpx.InvalidURL) as failure:
        return _failed(service, str(failure), 2)
    except httpx.HTTPStatusError as failure:
        answer = failure.response
        wrongly = answer.status_code < 500 and answer.status_code not in (404, 429)
        return _failed(service, _why(answer), 2 if wrongly else 1)
    except httpx.HTTPError as failure:
        return _failed(service, f"{failure.request.url} does not answer ({failure!r})", 1)


def _parser(service: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m corridor dead-letters {service}",
        description="works on the dead letters of a service, by asking a running copy",
    )
    parser.add_argument("--address", help=f"where a copy answers, as http://host:port (default: ${service.upper()})")
    parser.add_argument("--tokens", type=Path, help="the file that provisioning writes (default: $TOKENS)")
    verbs = parser.add_subparsers(dest="verb", required=True)
    found = {verb: verbs.add_parser(verb, help=what) for verb, what in _VERBS.items()}
    found["show"].add_argument("id", type=int)
    for verb in ("list", "count", "replay", "discard"):
        _add_filter(found[verb], choose=verb in ("replay", "discard"))
    found["list"].add_argument("--limit", type=int, help="how many at most (default: 100, up to 1000)")
    found["list"].add_argument("--after", type=int, help="only those behind this id")
    found["replay"].add_argument("--dry-run", action="store_true", help="only say what would become of each")
    found["replay"].add_argument("--again", action="store_true", help="also those that have failed too often")
    found["discard"].add_argument("--why", required=True, help="kept with them")
    for verb in ("replay", "discard"):
        found[verb].add_argument("--by", help="who does it (default: you)")
    return parser


def _add_filter(parser: argparse.ArgumentParser, *, choose: bool) -> None:
    parser.add_argument("--id", type=int, action="append", help="may be given several times")
    parser.add_argument("--reason", choices=REASONS)
    parser.add_argument("--party")
    parser.add_argument("--topic")
    parser.add_argument("--since", help="recorded from this instant on")
    parser.add_argument("--until", help="recorded before this instant")
    if choose:
        parser.add_argument("--all", action="store_true", help="needed when no other condition is given")
    else:
        parser.add_argument("--resolved", action="store_true", default=None, help="with those replayed and discarded")


def _client(service: str, options: argparse.Namespace, environ: Mapping[str, str]) -> httpx.Client:
    variable = service.upper()
    address = options.address or environ.get(variable, "")
    if not address.startswith(("http://", "https://")):
        raise AskedWrongly(f"where does a copy answer? --address http://host:port, or {variable} in the environment")
    signed = {"Authorization": f"Bearer {_token(options.tokens, environ)}"}
    trust = ssl.create_default_context()
    return httpx.Client(base_url=address, headers=signed, timeout=_TIMEOUT, verify=trust, trust_env=False)


def _token(file: Path | None, environ: Mapping[str, str]) -> str:
    """The token of operations, from the given file, else $CORRIDOR_TOKEN, else the file that $TOKENS names."""
    if file is None and (token := environ.get("CORRIDOR_TOKEN")):
        return token.strip()
    if file is None and not environ.get("TOKENS"):
        raise AskedWrongly("no token: set CORRIDOR_TOKEN, or say --tokens or TOKENS")
    file = file or Path(environ["TOKENS"])
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["operations"])
    except (OSError, ValueError, KeyError, TypeError) as failure:
        raise AskedWrongly(f"{file} has no token of operations ({failure!r})") from failure


def _given(options: argparse.Namespace, *names: str) -> dict[str, Any]:
    """The arguments that were given. An empty condition counts as given; dropped, it would match everything."""
    return {name: value for name in names if (value := getattr(options, name, None)) is not None}


def _read(client: httpx.Client, options: argparse.Namespace) -> int:
    if options.verb == "show":
        _say(_answer(client.get(f"{_PATH}/{options.id}")))
        return 0
    path, name = _LISTS[options.verb]
    asked = _given(options, *_FILTER, "limit", "after")
    for row in _answer(client.get(_PATH + path, params=asked))[name]:
        _say(row)
    return 0


def _act(client: httpx.Client, options: argparse.Namespace) -> int:
    chosen = _given(options, *_FILTER)
    if not chosen and not options.all:
        raise AskedWrongly("say which dead letters, or --all")
    if "id" in chosen:
        chosen["ids"] = chosen.pop("id")
    asked = {"filter": chosen, "by": options.by or getpass.getuser(), **_given(options, "dry_run", "again")}
    if options.verb == "discard":
        asked["reason"] = options.why
    report = _answer(client.post(f"{_PATH}/{options.verb}", json=asked))
    _say(report)
    return 1 if report["failed"] else 0


def _answer(answer: httpx.Response) -> Any:
    """The JSON of an answer; raises `HTTPStatusError` for a failure, and `AskedWrongly` for an answer without JSON."""
    answer.raise_for_status()
    try:
        return answer.json()
    except ValueError:
        raise AskedWrongly(f"what answers at {answer.url} is no service") from None


def _why(answer: httpx.Response) -> str:
    """The text of a failure, in one line."""
    try:
        said = answer.json()
        faults = [f"{p['path']}: {p['detail']}" for p in said.get("problems", ())]
        return "; ".join([f"{said['detail']} ({answer.status_code})", *faults])
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"{answer.url} answers {answer.status_code}"


def _failed(service: str, why: str, code: int) -> int:
    print(f"{service}: {why}", file=sys.stderr)
    return code


def _say(row: dict[str, Any]) -> None:
    print(json.dumps(row, ensure_ascii=False), flush=True)
