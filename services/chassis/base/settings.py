"""Settings of a service, from the environment alone.

Invariant: a missing or wrong setting is one line that names the variable, and the process ends with 2.
"""

import os
import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, FilePath, ValidationError, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as NotParsed

from services.chassis.base.access import KafkaAccess, Security
from services.chassis.base.errors import SettingsError


class ServiceSettings(BaseSettings):
    """The settings that every service has; the variable of `database_url` is `<SERVICE>_DATABASE_URL`."""

    model_config = SettingsConfigDict(extra="ignore", case_sensitive=False, frozen=True)

    database_url: Annotated[str, Field(pattern=r"^postgres(ql)?://")]
    clock: Literal["real", "stepped"] = "real"
    kafka_bootstrap_servers: Annotated[str, Field(min_length=3, pattern=r"^[^\s:,]+:[0-9]+(,[^\s:,]+:[0-9]+)*$")]
    http_port: Annotated[int, Field(ge=0, le=65535)]
    http_host: str = "127.0.0.1"
    http_connections: Annotated[int, Field(ge=1, le=100_000)] = 1000
    http_connections_per_address: Annotated[int, Field(ge=1, le=100_000)] = 250
    http_header_seconds: Annotated[float, Field(ge=0.1, le=120)] = 10.0
    http_body_seconds: Annotated[float, Field(ge=0.1, le=600)] = 30.0
    http_taking_seconds: Annotated[float, Field(ge=0.1, le=600)] = 30.0
    http_database_connections: Annotated[int, Field(ge=1, le=50)] = 4
    http_trusted_proxies: frozenset[str] = frozenset()
    copy_name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,60}[a-z0-9])?$")]
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    kafka_security: Security = "plaintext"
    kafka_username: str | None = None
    kafka_password: Annotated[str | None, Field(repr=False)] = None
    kafka_ca_file: FilePath | None = None
    batch_records: Annotated[int, Field(ge=1, le=5000)] = 500
    settle_subjects: Annotated[int, Field(ge=1, le=5000)] = 250
    settle_workers: Annotated[int, Field(ge=1, le=16)] = 2
    metadata_age_seconds: Annotated[float, Field(ge=0.2, le=300)] = 5.0
    session_timeout_seconds: Annotated[float, Field(ge=6, le=60)] = 10.0
    send_timeout_seconds: Annotated[float, Field(ge=0.1, le=60)] = 10.0
    keep_days: dict[Literal["receipt", "dead_letter", "item", "history"], Annotated[int, Field(ge=1)]] = {}
    quarantine_limit: Annotated[int, Field(ge=1, le=10_000)] = 5
    name_wait_seconds: Annotated[float, Field(ge=0, le=120)] = 30.0

    @classmethod
    def load(cls, service: str, **overrides: Any) -> Self:
        """Reads the settings of `service`; raises `SettingsError` with one line."""
        variable = f"{service.upper()}_DATABASE_URL"
        values = {"database_url": os.environ.get(variable)} | overrides
        try:
            return cls(**{name: value for name, value in values.items() if value is not None})
        except ValidationError as failure:
            raise SettingsError(_line(failure, variable)) from None
        except NotParsed as failure:
            # Only the message text names the field.
            named = re.search(r'field "(\w+)"', str(failure))
            raise SettingsError(f"{named[1].upper() if named else 'a setting'} is wrong: it is no JSON") from None

    @model_validator(mode="after")
    def _knows_how_to_sign_in(self) -> Self:
        for name in ("kafka_username", "kafka_password"):
            if self.kafka_security != "plaintext" and not getattr(self, name):
                raise PydanticCustomError("missing", f"{name.upper()} is not set, and KAFKA_SECURITY asks for it")
        return self

    @property
    def kafka(self) -> KafkaAccess:
        """The address of Kafka and this service's credentials."""
        return KafkaAccess(
            self.kafka_bootstrap_servers,
            self.kafka_security,
            self.kafka_username or "",
            self.kafka_password or "",
            str(self.kafka_ca_file) if self.kafka_ca_file else None,
        )


def _line(failure: ValidationError, database_variable: str) -> str:
    first = failure.errors(include_url=False)[0]
    if not first["loc"]:
        return first["msg"]
    field = str(first["loc"][0])
    variable = database_variable if field == "database_url" else field.upper()
    why = "is not set" if first["type"] == "missing" else f"is wrong: {first['msg']}"
    return f"{variable} {why}"
