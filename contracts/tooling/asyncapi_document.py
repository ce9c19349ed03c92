"""The AsyncAPI 3.0 document of all topics, made from the topic table, the catalogue and the minimal examples.

Invariant: nothing is said here that those do not say; the same tables give the same bytes, and the document stands
alone, with every schema inside.
"""

from collections.abc import Sequence
from typing import Any, Final

import yaml

from contracts import topics
from contracts.catalogue import TYPES
from contracts.envelope import codec
from contracts.tooling.asyncapi_messages import KAFKA_BINDING, Node, headers, message, schemas
from contracts.tooling.examples_store import Golden
from contracts.topics import Topic

_VARIABLES: Final = {
    "party": ("The key of a party, such as a railway or a forwarder.", ["pr", "rai", "indus-forwarding"]),
    "authority": ("The key of a customs authority.", ["fbr", "irica", "kgd"]),
    "country": ("A country's code, in lower case.", ["pk", "ir", "kz"]),
    "service": ("A service.", list(topics.SERVICES)),
}
_ABOUT: Final = """\
Freight on the rail corridor from Pakistan to Russia: who reports what, and what is published in return.

Events are CloudEvents 1.0 in the Kafka protocol binding. We write binary mode and read binary and structured mode.
A record that a party writes is answered on its receipts topic. Unknown fields are ignored; enumerations marked
x-known-values are open, and a value that a reader does not know means other."""


def asyncapi_text(examples: Sequence[Golden]) -> str:
    """The document as it is committed."""
    head = "# Generated from the topic table and the event models by `make contracts`. Do not edit.\n"
    text: str = yaml.dump(asyncapi_document(examples), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110)
    return head + text


class _Plain(yaml.SafeDumper):
    """Writes every value out where it stands."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """A text of several lines as it reads."""
        return self.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Plain.add_representer(str, _Plain.represent_text)


def asyncapi_document(examples: Sequence[Golden], table: tuple[Topic, ...] = topics.TABLE) -> Node:
    """The whole document."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Corridor events",
            "version": "1",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": codec.JSON,
        "servers": {"kafka": _server()},
        "channels": {_channel_id(row): _channel(row) for row in table},
        "operations": {name: node for row in table for name, node in _operations(row).items()},
        "components": {
            "messages": {name: message(TYPES[name], key, examples) for name, key in _keys(table).items()},
            "schemas": {"KafkaHeaders": headers()}
            | {k: v for kind in TYPES.values() for k, v in schemas(kind).items()},
        },
    }


def _server() -> Node:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka-secure",
        "description": "SASL/SCRAM. Each party may write and read its own topics only.",
        "variables": {"bootstrap": {"description": "Given with the credentials.", "default": "localhost:9092"}},
    }


def _variable(row: Topic) -> str:
    return row.name.partition("<")[2].partition(">")[0]


def _channel_id(row: Topic) -> str:
    return row.name.replace(f"<{_variable(row)}>", "").strip("-")


def _channel(row: Topic) -> Node:
    variable = _variable(row)
    config = row.config()
    settings: Node = {"cleanup.policy": [config["cleanup.policy"]]}
    settings |= {name: int(config[name]) for name in ("retention.ms", "max.message.bytes") if name in config}
    node: Node = {
        "address": row.name.replace("<", "{").replace(">", "}"),
        "description": f"Written by {', '.join(row.writers)}. Read by {', '.join(row.readers)}. Key: {row.key}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in row.types},
    }
    if variable:
        description, examples = _VARIABLES[variable]
        node["parameters"] = {variable: {"description": description, "examples": examples}}
    node["bindings"] = {
        "kafka": {
            "partitions": row.partitions,
            "topicConfiguration": settings,
            "bindingVersion": KAFKA_BINDING,
        }
    }
    return node | {"x-message-timestamp-type": config["message.timestamp.type"]}


def _operations(row: Topic) -> dict[str, Node]:
    """What each service does on a channel; what partners do is the other side of it."""
    channel = _channel_id(row)
    found: dict[str, Node] = {}
    for action, services, partners in (("send", row.writers, row.readers), ("receive", row.readers, row.writers)):
        for service in [name for name in services if name in topics.SERVICES]:
            others = ", ".join(name for name in partners if name != service)
            door = row.ingress and action == "send"
            found[f"{service}-{action}-{channel}"] = {
                "action": action,
                "channel": {"$ref": f"#/channels/{channel}"},
                "summary": "The HTTP door, in the name of its caller." if door else _summary(action, service, others),
                "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in row.types],
            }
    return found


def _summary(action: str, service: str, others: str) -> str:
    return f"{service} writes for {others}." if action == "send" else f"{service} reads what {others} write."


def _keys(table: tuple[Topic, ...]) -> dict[str, str]:
    """The kind of key of each type; raises `ValueError` for a type with two of them."""
    keys: dict[str, str] = {}
    for row in table:
        for name in row.types:
            if keys.setdefault(name, row.key) != row.key:
                raise ValueError(f"{name} has the key {keys[name]} on one topic and {row.key} on another")
    return {name: keys[name] for name in TYPES}
