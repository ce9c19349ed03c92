"""Settings: what is missing or wrong is one clear line, and the process ends with 2."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from urllib.parse import urlsplit, urlunsplit

import pytest

from deploy.local.stack import Stack
from deploy.services import ROOT
from services.chassis.base.errors import SettingsError
from services.chassis.base.settings import ServiceSettings

COMPLETE = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "TRACKING_DATABASE_URL": "postgresql://tracking@127.0.0.1/tracking",
    "HTTP_PORT": "8101",
    "COPY_NAME": "tracking-1",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)


def test_everything_has_a_default_but_addresses_port_and_name() -> None:
    settings = ServiceSettings.load("tracking")

    assert (settings.copy_name, settings.clock, settings.batch_records) == ("tracking-1", "real", 500)


@pytest.mark.parametrize("variable", sorted(COMPLETE))
def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.delenv(variable)

    with pytest.raises(SettingsError, match=f"^{variable} is not set$"):
        ServiceSettings.load("tracking")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("KAFKA_BOOTSTRAP_SERVERS", "no port"),
        ("TRACKING_DATABASE_URL", "mysql://x"),
        ("HTTP_PORT", "eighty"),
        ("HTTP_PORT", "70000"),
        ("COPY_NAME", "Über"),
        ("CLOCK", "sundial"),
        ("SESSION_TIMEOUT_SECONDS", "1"),
        ("HTTP_CONNECTIONS", "0"),
        ("HTTP_TRUSTED_PROXIES", "10.0.0.1"),
        ("KEEP_DAYS", "30"),
        ("KEEP_DAYS", "receipt: 30"),
        ("KAFKA_CA_FILE", "/nowhere/authority.pem"),
    ],
)
def test_a_wrong_variable_is_named_with_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(SettingsError, match=f"^{variable} is wrong: .+"):
        ServiceSettings.load("tracking")


@pytest.mark.parametrize("service", ["tracking", "customs", "notifications"])
def test_a_process_without_settings_says_one_line_and_ends_with_2(service: str) -> None:
    ended = run(service, {})

    assert ended.returncode == 2
    assert ended.stderr.strip().splitlines() == [f"{service}: {service.upper()}_DATABASE_URL is not set"]


def test_a_port_that_is_taken_is_one_line_and_ends_with_2() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        ended = run("tracking", COMPLETE | {"HTTP_PORT": port})

    assert ended.returncode == 2
    assert ended.stderr.strip().startswith(f"tracking: HTTP_PORT {port} cannot be used")


@pytest.mark.parametrize("variable", ["KAFKA_USERNAME", "KAFKA_PASSWORD"])
def test_signing_in_to_kafka_needs_name_and_password(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    for name in ("KAFKA_USERNAME", "KAFKA_PASSWORD"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("KAFKA_SECURITY", "sasl_ssl")
    monkeypatch.delenv(variable)

    with pytest.raises(SettingsError, match=f"^{variable} is not set, and KAFKA_SECURITY asks for it$"):
        ServiceSettings.load("tracking")


@pytest.mark.servers
@pytest.mark.parametrize("wrong", ["password", "database"])
def test_a_database_that_does_not_let_us_in_is_one_line_and_ends_with_2(stack: Stack, wrong: str) -> None:
    url = urlsplit(stack.database_urls["tracking"])
    user, _, server = url.netloc.rpartition("@")
    netloc = f"{user.partition(':')[0]}:wrong@{server}" if wrong == "password" else url.netloc
    address = urlunsplit(url._replace(netloc=netloc, path="/nothing" if wrong == "database" else url.path))

    ended = run("tracking", COMPLETE | {"TRACKING_DATABASE_URL": address, "HTTP_PORT": "0"})

    assert ended.returncode == 2
    assert ended.stderr.strip().splitlines()[-1].startswith("tracking: TRACKING_DATABASE_URL is wrong: ")


def run(service: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"services.{service}"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
