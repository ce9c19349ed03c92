"""How a client signs in to Kafka: the options of each kind of client, from the same few settings.

Invariant: every client that signs in uses SCRAM-SHA-512 (RFC 5802). Over TLS it checks the server's certificate
against the configured authority. No `repr` contains a password.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, get_args

Security = Literal["plaintext", "sasl_plaintext", "sasl_ssl"]
SECURITIES: Final[tuple[Security, ...]] = get_args(Security)
MECHANISM: Final = "SCRAM-SHA-512"


@dataclass(frozen=True, slots=True)
class KafkaAccess:
    """The address of Kafka and the credentials; `ca_file` names the authority, None means those of the system."""

    bootstrap: str
    security: Security = "plaintext"
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: str | None = None

    @property
    def secured(self) -> bool:
        """Whether clients sign in at all."""
        return self.security != "plaintext"

    def signed_in_as(self, username: str, password: str) -> "KafkaAccess":
        """The same access with other credentials."""
        return replace(self, username=username, password=password)

    def at(self, bootstrap: str) -> "KafkaAccess":
        """The same access at another address."""
        return replace(self, bootstrap=bootstrap)

    def options(self) -> dict[str, Any]:
        """The options of an aiokafka client, address included."""
        return {"bootstrap_servers": self.bootstrap} | self.security_options()

    def security_options(self) -> dict[str, Any]:
        """The security options of an aiokafka client; empty where clients do not sign in."""
        if not self.secured:
            return {}
        return {
            "security_protocol": self.security.upper(),
            "sasl_mechanism": MECHANISM,
            "sasl_plain_username": self.username,
            "sasl_plain_password": self.password,
            "ssl_context": self.ssl_context(),
        }

    def ssl_context(self) -> ssl.SSLContext | None:
        """The TLS context; None where connections are not encrypted."""
        return ssl.create_default_context(cafile=self.ca_file) if self.security == "sasl_ssl" else None

    def config(self) -> dict[str, str | int | float | bool]:
        """The options of a confluent client (librdkafka), address included."""
        config: dict[str, str | int | float | bool] = {"bootstrap.servers": self.bootstrap}
        if not self.secured:
            return config
        config |= {
            "security.protocol": self.security,
            "sasl.mechanism": MECHANISM,
            "sasl.username": self.username,
            "sasl.password": self.password,
        }
        return config | ({"ssl.ca.location": self.ca_file} if self.ca_file else {})

    def environment(self) -> dict[str, str]:
        """This access as environment variables, the inverse of `access_in`."""
        values = {"KAFKA_BOOTSTRAP_SERVERS": self.bootstrap, "KAFKA_SECURITY": self.security}
        if self.secured:
            values |= {"KAFKA_USERNAME": self.username, "KAFKA_PASSWORD": self.password}
        return values | ({"KAFKA_CA_FILE": self.ca_file} if self.ca_file else {})


def access_in(environ: Mapping[str, str]) -> KafkaAccess:
    """Reads the access from environment variables; raises `ValueError` with one line for a missing or wrong one."""
    security = environ.get("KAFKA_SECURITY") or "plaintext"
    if security not in SECURITIES:
        raise ValueError(f"KAFKA_SECURITY={security}: must be one of {', '.join(SECURITIES)}")
    needed = ["KAFKA_BOOTSTRAP_SERVERS", *(("KAFKA_USERNAME", "KAFKA_PASSWORD") if security != "plaintext" else ())]
    for name in needed:
        if not environ.get(name):
            raise ValueError(f"{name} is not set")
    return KafkaAccess(
        environ["KAFKA_BOOTSTRAP_SERVERS"],
        security,
        environ.get("KAFKA_USERNAME", ""),
        environ.get("KAFKA_PASSWORD", ""),
        environ.get("KAFKA_CA_FILE") or None,
    )
