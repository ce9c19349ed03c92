"""The file that a shell reads to talk to a running system: addresses, and a word for each party's token.

Invariant: it is its owner's alone, as it holds the passwords of the stores and of Kafka's administrator.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

import confluent_kafka

from deploy.broker_clients import CLIENTS
from deploy.private import write_private
from deploy.services import Endpoint

# What librdkafka before 2.6.1 says while it signs in, Kafka 4 refuses, and kcat of Debian 12 comes with 2.0: it is lent
# the one that we use.
_KCAT = """kcat() {{ LD_PRELOAD={library} command kcat "$@"; }}"""
# One line for each party, as the file of tokens is written.
_TOKEN = r"""token() { sed -n "s/^ *\"$1\": \"\(.*\)\",*$/\1/p" "$TOKENS"; }"""


def write_environment(file: Path, stack: Mapping[str, str], endpoints: list[Endpoint], tokens: Path) -> Path:
    """Writes the file; `$TRACKING`, `$CUSTOMS` and `$NOTIFICATIONS` are the first copies of the services."""
    values = dict(stack)
    for endpoint in reversed(endpoints):
        values[endpoint.service.upper()] = endpoint.url
    values["TOKENS"] = str(tokens.absolute())
    values["CLIENTS"] = str(tokens.absolute().parent / CLIENTS)
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(values.items())]
    write_private(file, "\n".join([*lines, _TOKEN, *_kcat(), ""]))
    return file


def _kcat() -> list[str]:
    """On Linux alone is the library a file that another program can be lent."""
    libraries = Path(confluent_kafka.__file__).parent.with_name("confluent_kafka.libs").glob("librdkafka-*.so.1")
    return [_KCAT.format(library=shlex.quote(str(library))) for library in libraries][:1]
