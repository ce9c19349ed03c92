"""Finding the stack: what the environment names is used untouched, and half a naming is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.errors import CannotRun
from deploy.local.stack import Stack, StackError, open_stack

GIVEN = {
    "KAFKA_BOOTSTRAP_SERVERS": "kafka.example:9092",
    "TRACKING_DATABASE_URL": "postgresql://t:secret@db.example/tracking",
    "CUSTOMS_DATABASE_URL": "postgresql://c:secret@db.example/customs",
    "NOTIFICATIONS_DATABASE_URL": "postgresql://n:secret@db.example/notifications",
}


def silent(line: str) -> None:
    pass


def test_addresses_in_the_environment_are_used_as_they_are(tmp_path: Path) -> None:
    """Nothing is started and nothing is made for them."""
    with open_stack(tmp_path / "data", GIVEN, silent) as stack:
        assert stack.environment() == GIVEN | {"KAFKA_SECURITY": "plaintext"}

    assert not (tmp_path / "data").exists()


def test_the_servers_of_others_are_not_in_our_hands(tmp_path: Path) -> None:
    """A test that kills servers can tell whether it may."""
    with open_stack(tmp_path, GIVEN, silent) as stack:
        assert (stack.kafka, stack.postgres) == (None, None)


def test_what_the_environment_names_is_told(tmp_path: Path) -> None:
    """Who has forgotten what a terminal's environment says sees it, without the passwords."""
    told: list[str] = []

    with open_stack(tmp_path, GIVEN, told.append):
        pass

    assert told == [
        "using Kafka at kafka.example:9092, as the environment says",
        "using Postgres at db.example, as the environment says",
    ]


@pytest.mark.parametrize("missing", [name for name in GIVEN if name.endswith("URL")])
def test_two_of_three_databases_are_refused(tmp_path: Path, missing: str) -> None:
    """One line names what is missing."""
    partial = {name: value for name, value in GIVEN.items() if name != missing}

    message = f"^{missing} not set: give all of .* or none$"
    with pytest.raises(StackError, match=message), open_stack(tmp_path, partial):
        pass


def test_an_unknown_choice_is_refused(tmp_path: Path) -> None:
    """A misspelt choice does not quietly become another."""
    message = "^STACK=dokcer: must be 'embedded' or 'docker'$"
    with pytest.raises(StackError, match=message), open_stack(tmp_path, {"STACK": "dokcer"}):
        pass


def test_how_to_sign_in_is_taken_from_the_environment(tmp_path: Path) -> None:
    login = {"KAFKA_SECURITY": "sasl_ssl", "KAFKA_USERNAME": "me", "KAFKA_PASSWORD": "secret", "KAFKA_CA_FILE": "a.pem"}

    with open_stack(tmp_path, GIVEN | login, silent) as stack:
        assert stack.environment() == GIVEN | login
        assert "secret" not in repr(stack.access)


def test_tls_is_for_an_embedded_kafka(tmp_path: Path) -> None:
    asked = {"TLS": "1", "STACK": "docker"}

    with pytest.raises(StackError, match=r"^TLS is for an embedded Kafka"), open_stack(tmp_path, asked, silent):
        pass


@pytest.mark.servers
def test_kafka_and_postgres_are_found_independently(open_dir: Path, stack: Stack) -> None:
    """A Kafka that is given is used with a Postgres of our own."""
    given = stack.access.environment()

    with open_stack(open_dir, given, silent, fsync=False) as mixed:
        assert (mixed.access, mixed.kafka) == (stack.access, None)
        assert mixed.postgres is not None
        assert mixed.postgres.running


def test_a_docker_that_does_not_answer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for Docker gets Docker or a reason, never quietly something else."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
    message = r"^apache/kafka:4\.4\.0 cannot be started in Docker: "

    with pytest.raises(CannotRun, match=message), open_stack(tmp_path, {"STACK": "docker"}, silent):
        pass
