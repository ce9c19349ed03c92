"""Makes what the services need and never make themselves: topics, parties and tokens, and who may do what in Kafka.

Invariant: running it again changes nothing but what `parties.yaml` has changed, and who is gone from it is gone from
the stores, with all tokens, and from Kafka. Tokens and the passwords of Kafka's users live in files that only their
owner can read, and elsewhere as hashes.
"""

import argparse
import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args

import asyncpg
import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from contracts import topics
from contracts.catalogue import TYPES
from contracts.topics import Topic
from deploy.broker import secure
from deploy.broker_admin import BrokerError
from deploy.private import write_private
from services.chassis.base.access import KafkaAccess, access_in
from services.chassis.base.clock import machinery_now
from services.chassis.base.migrate import CHASSIS, Migration, MigrationError, migrate_store, read_migrations
from services.chassis.base.parties import Party, Role, digest, new_token, remove_others, save_party, save_token

PARTIES: Final = Path(__file__).parent / "parties.yaml"
SERVICES: Final = ("tracking", "customs", "notifications")
COUNTRIES: Final = ("pk", "ir", "tm", "kz", "ru")
_TOPIC_EXISTS: Final = 36
_LABEL: Final = "provisioned"
_ALL_ROLES: Final = "all"
_HOLDERS: Final = "SELECT party FROM token WHERE label = $1"


class ProvisionError(Exception):
    """What is missing or wrong, in one line."""


# What the files, Kafka or Postgres have to say against it.
EXPECTED: Final = (
    ProvisionError,
    BrokerError,
    MigrationError,
    OSError,
    KafkaError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    yaml.YAMLError,
    ValidationError,
)


def read_parties(path: Path = PARTIES) -> list[Party]:
    """The parties of a file; raises pydantic's `ValidationError` or `ProvisionError`."""
    document = _document(path)
    packs: Mapping[str, Sequence[str]] = document["may"]
    agreements: Sequence[Sequence[str]] = document.get("agreements") or ()
    budgets: Mapping[str, Mapping[str, int]] = document.get("budgets", {})
    if strange := set(budgets) - {_ALL_ROLES, *get_args(Role)}:
        raise ProvisionError(f"{path} has a budget for {sorted(strange)[0]}, which is no role")
    parties = [_party(entry, packs, agreements, budgets) for entry in document["parties"]]
    _require_apart(parties)
    return parties


def _require_apart(parties: Sequence[Party]) -> None:
    """Raises `ProvisionError` where two parties could be taken for one, or one is named that there is not."""
    names = [p.party for p in parties]
    sources = [source for p in parties for source in p.sources]
    for what, several in (("party", names), ("source", sources)):
        if twice := [one for one, count in Counter(several).items() if count > 1]:
            raise ProvisionError(f"the {what} {twice[0]} is there twice")
    for party in parties:
        if unknown := {*party.speaks_for, *party.plans_for, *party.agreements} - set(names):
            raise ProvisionError(f"{party.party} has to do with {sorted(unknown)[0]}, which is no party")


def read_quotas(path: Path = PARTIES) -> dict[str, dict[str, float]]:
    """The quotas of each role, as Kafka names them; raises `ProvisionError`."""
    quotas: dict[str, dict[str, float]] | None = _document(path).get("quotas")
    if not quotas:
        raise ProvisionError(f"{path} has no `quotas`")
    return quotas


def _document(path: Path) -> dict[str, Any]:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(document, dict) or not {"may", "parties"} <= set(document):
        raise ProvisionError(f"{path} has no `may` and `parties`")
    return document


def topics_of(parties: Sequence[Party]) -> Iterator[tuple[str, Topic]]:
    """Every topic that the parties and services need, with its row of the table."""
    for row in (topics.TRACKING_EVENTS, topics.CUSTOMS_EVENTS):
        yield row.of(), row
    for service in SERVICES:
        yield topics.DLQ.of(service), topics.DLQ
    for country in COUNTRIES:
        yield topics.CUSTOMS_CASES.of(country), topics.CUSTOMS_CASES
    for party in parties:
        for row in topics.TABLE:
            if row.ingress and set(row.types) & set(party.types):
                yield row.of(party.party), row
        yield topics.NOTIFICATIONS.of(party.party), topics.NOTIFICATIONS
        if party.types:
            yield topics.RECEIPTS.of(party.party), topics.RECEIPTS


async def create_topics(access: KafkaAccess, parties: Sequence[Party], replication: int = 1) -> list[str]:
    """Creates the topics that are missing; returns their names."""
    admin = AIOKafkaAdminClient(**access.options())
    try:
        await admin.start()
        wanted = [
            NewTopic(name, row.partitions, replication, topic_configs=row.config()) for name, row in topics_of(parties)
        ]
        answer: Any = await admin.create_topics(wanted, timeout_ms=30_000)
    finally:
        await admin.close()
    # The client does not raise for a topic that could not be made: each has a code of its own.
    failed = [(t, c, m) for t, c, m in answer.topic_errors if c not in (0, _TOPIC_EXISTS)]
    if failed:
        raise ProvisionError("; ".join(f"topic {t}: {m or c}" for t, c, m in failed))
    return [t for t, c, _ in answer.topic_errors if c == 0]


def migrations_of(service: str) -> list[Migration]:
    """The migrations of a service's store, the chassis's among them, in order."""
    return read_migrations([CHASSIS, Path(__file__).parent.parent / "services" / service / "migrations"])


async def migrate_database(url: str, service: str) -> None:
    """Brings a service's database to the schema that its newest code starts on."""
    await migrate_store(url, "provision", migrations_of(service))


async def write_parties(url: str, parties: Sequence[Party], tokens: Mapping[str, str]) -> None:
    """Writes the parties and the hashes of their tokens to one service's store; others are taken out of it."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        async with connection.transaction():
            await remove_others(connection, [party.party for party in parties])
            for party in parties:
                await save_party(connection, party)
                if token := tokens.get(party.party):
                    await save_token(connection, party.party, _LABEL, digest(token), machinery_now())
    finally:
        await connection.close()


async def holders(url: str) -> set[str]:
    """The parties that have a token in a store already."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return {row["party"] for row in await connection.fetch(_HOLDERS, _LABEL)}
    finally:
        await connection.close()


def keep_tokens(path: Path, parties: Sequence[Party], held: Collection[str] = ()) -> dict[str, str]:
    """The tokens of a file, with new ones for the parties that have none anywhere; the file is its owner's alone.

    Tokens of parties that are gone are taken out of it.
    """
    known: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    kept = {p.party: known[p.party] for p in parties if p.party in known}
    tokens = kept | {p.party: new_token() for p in parties if p.party not in known and p.party not in held}
    if tokens != known:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, json.dumps(tokens, indent=1, sort_keys=True))
    return tokens


async def provision(
    access: KafkaAccess,
    urls: Mapping[str, str],
    tokens_file: Path,
    parties_file: Path = PARTIES,
    replication: int = 1,
    *,
    new_tokens: bool = False,
    new_passwords: Collection[str] = (),
    parties_at: str | None = None,
) -> dict[str, str]:
    """Topics, schemas, parties, tokens and Kafka's users; returns the tokens that the file has, by party.

    A token that the stores know and the file does not stays valid, unless new ones are asked for. What is told of
    Kafka's users is in the same directory as the tokens.
    """
    parties = read_parties(parties_file)
    for service, url in urls.items():
        await migrate_database(url, service)
    held = set() if new_tokens else set.intersection(*[await holders(url) for url in urls.values()])
    tokens = keep_tokens(tokens_file, parties, held)
    # A party is known before its topic is there, so that no first record finds nobody.
    for url in urls.values():
        await write_parties(url, parties, tokens)
    if access.secured:
        quotas = read_quotas(parties_file)
        await secure(access, tokens_file.parent, parties, quotas, new_passwords, parties_at)
    await create_topics(access, parties, replication)
    return tokens


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m corridor provision`."""
    parser = argparse.ArgumentParser(prog="python -m corridor provision", description=__doc__.splitlines()[0])
    parser.add_argument("--parties", type=Path, default=PARTIES)
    parser.add_argument("--tokens", type=Path, default=Path("var/tokens.json"), help="where the tokens are kept")
    parser.add_argument("--new-tokens", action="store_true", help="replace tokens that the file does not have")
    parser.add_argument(
        "--new-password", nargs="+", default=(), metavar="USER", help="as party.pr or service.tracking: replace it"
    )
    parser.add_argument("--client-address", metavar="HOST:PORT", help="where parties find Kafka, if that is elsewhere")
    parser.add_argument("--replication", type=int, default=1, help="copies of each topic")
    options = parser.parse_args(arguments)
    try:
        access, urls = _environment(os.environ)
        tokens = asyncio.run(
            provision(
                *(access, urls, options.tokens, options.parties, options.replication),
                new_tokens=options.new_tokens,
                new_passwords=options.new_password,
                parties_at=options.client_address,
            )
        )
    except EXPECTED as failure:
        print(f"provision: {in_a_line(failure)}", file=sys.stderr)
        return 2
    missing = [p.party for p in read_parties(options.parties) if p.party not in tokens]
    print(f"topics and parties are there; tokens are in {options.tokens}")
    if not access.secured:
        print("nobody has to sign in to this Kafka (KAFKA_SECURITY): it has no users and no rules")
    if missing:
        print(
            f"{len(missing)} parties keep the tokens that they have, which are in another file (--tokens, --new-tokens)"
        )
    return 0


def in_a_line(failure: BaseException) -> str:
    """What to tell of one of these."""
    first = next(iter(str(failure).splitlines()), "")
    return first if isinstance(failure, ProvisionError | BrokerError) else f"{type(failure).__name__}: {first}"


def _environment(environ: Mapping[str, str]) -> tuple[KafkaAccess, dict[str, str]]:
    try:
        access = access_in(environ)
    except ValueError as failure:
        raise ProvisionError(str(failure)) from None
    names = {service: f"{service.upper()}_DATABASE_URL" for service in SERVICES}
    for name in names.values():
        if not environ.get(name):
            raise ProvisionError(f"{name} is not set")
    return access, {service: environ[name] for service, name in names.items()}


def _party(
    entry: Mapping[str, Any],
    packs: Mapping[str, Sequence[str]],
    agreements: Sequence[Sequence[str]],
    budgets: Mapping[str, Mapping[str, int]],
) -> Party:
    types = tuple(f"corridor.{name}.v1" for pack in entry.get("may", ()) for name in packs[pack])
    unknown = [name for name in types if name not in TYPES]
    if unknown:
        raise ProvisionError(f"party {entry['party']} may send {unknown[0]}, which is no event type")
    sources = entry.get("sources") or ([f"urn:corridor:{entry['party']}:ops"] if types else [])
    rest = {name: value for name, value in entry.items() if name != "may"}
    agreed = sorted({p for group in agreements if entry["party"] in group for p in group} - {entry["party"]})
    budget = {**budgets.get(_ALL_ROLES, {}), **budgets.get(entry["role"], {}), **entry.get("budget", {})}
    return Party.model_validate(rest | {"types": types, "sources": sources, "agreements": agreed, "budget": budget})
