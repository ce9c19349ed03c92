"""README lists the files that a report passes, and the gate on their number can fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from contracts import topics
from contracts.envelope.codec import Event, encode
from contracts.events.fields import utc_text
from deploy.broker_clients import service_access
from deploy.local.datadir import temporary_directory
from deploy.local.stack import Stack, open_stack
from deploy.provision import provision
from services.chassis.base.settings import ServiceSettings
from services.chassis.projection import settle
from services.chassis.service.runtime import Runtime
from services.tracking.app import blueprint
from tests.house import path
from tests.house.path import README, ROOT, counted, faults, is_apart, legs_in
from tests.house.traced import traced
from tests.support.builders import a_milestone, a_plan
from tests.support.system import topic_of, until

MADE = """## Read one report's journey

1. **Read.** [handlers.py](services/a/handlers.py), what it is for ([table.py](contracts/table.py)).
2. **Fold.** [types.py](services/a/shapes.py), [fold.py](services/a/fold.py); see [handlers.py](services/a/handlers.py).

## Next

[other.py](services/a/other.py)
"""
ENTRY = frozenset({"services/a/handlers.py"})
HANDLER = "from services.a import fold, shapes\n\n\ndef read() -> int:\n    return 1\n"
SHAPES = "from dataclasses import dataclass\n\n\n@dataclass(frozen=True)\nclass Shape:\n    size: int\n"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A repository of a handler that imports a fold, with a table and a type."""
    write(tmp_path, README, MADE)
    write(tmp_path, "contracts/table.py", "def of(name: str) -> str:\n    return name\n")
    write(tmp_path, "services/a/shapes.py", SHAPES)
    write(tmp_path, "services/a/handlers.py", HANDLER)
    write(tmp_path, "services/a/fold.py", "def fold() -> int:\n    return 1\n")
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


def test_each_file_is_of_the_leg_that_names_it_first() -> None:
    assert legs_in(MADE) == {
        "Read": ["services/a/handlers.py", "contracts/table.py"],
        "Fold": ["services/a/shapes.py", "services/a/fold.py"],
    }


def test_types_and_reference_data_do_not_count(made: Path) -> None:
    assert counted(made, legs_in(MADE)) == {"Read": ["services/a/handlers.py"], "Fold": ["services/a/fold.py"]}
    assert faults(made, ENTRY, limit=2) == []


@pytest.mark.parametrize(
    "decides",
    [
        "\n\ndef larger(one: Shape) -> bool:\n    return one.size > 1\n",
        "\n\nclass Store:\n    def keep(self) -> None: ...\n",
        "\n    async def store(self) -> None:\n        await self.save()\n",
    ],
)
def test_a_module_of_types_counts_as_soon_as_it_decides(made: Path, decides: str) -> None:
    write(made, "services/a/shapes.py", SHAPES + decides)

    assert not is_apart(made, "services/a/shapes.py")


def test_more_files_than_the_limit_are_told(made: Path) -> None:
    assert faults(made, ENTRY, limit=1) == [
        "2 files from Kafka to Kafka, at most 1: fold two together, or take one off"
    ]


def test_a_file_to_which_nothing_on_the_path_leads_is_told(made: Path) -> None:
    write(made, "services/a/handlers.py", HANDLER.replace("fold, ", ""))

    assert faults(made, ENTRY) == [f"{README}: no file of the path leads to services/a/fold.py: take it out"]


def test_a_file_that_is_gone_is_told(made: Path) -> None:
    (made / "services/a/fold.py").unlink()

    assert faults(made, ENTRY) == [
        f"{README}: services/a/fold.py is on the path and not in the repository: say where it went"
    ]


def test_the_command_fails_where_the_path_does(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert path.main(["--root", str(made)]) == 1
    assert "no file of the path leads to services/a/fold.py" in capsys.readouterr().err


@asynccontextmanager
async def running_tracking(stack: Stack, data: Path) -> AsyncIterator[Runtime]:
    """Tracking in this process, so that it can be traced; with one worker, or two would share the report's work."""
    await provision(stack.access, stack.database_urls, data / "tokens.json")
    access = service_access(data, stack.access, "tracking")
    runtime = Runtime(
        blueprint(),
        ServiceSettings(
            database_url=stack.database_urls["tracking"],
            kafka_bootstrap_servers=access.bootstrap,
            kafka_security=access.security,
            kafka_username=access.username,
            kafka_password=access.password,
            http_port=0,
            copy_name="one",
            settle_workers=1,
        ),
    )
    runtime.start()
    try:
        await asyncio.wait_for(runtime.ready.wait(), 60)
        yield runtime
    finally:
        await runtime.stop()


async def send(producer: AIOKafkaProducer, event: Event) -> None:
    headers = encode(id=event.id, source=event.source, type=event.type, subject=event.subject)
    await producer.send_and_wait(topic_of(event), event.body, key=event.subject.encode(), headers=headers)


async def until_published(consumer: AIOKafkaConsumer, text: bytes) -> None:
    """Reads tracking's events until one has a text in it."""
    async with asyncio.timeout(60):
        async for record in consumer:
            if record.value and text in record.value:
                return


async def nobody_waits(runtime: Runtime) -> bool:
    """Whether a report would be folded in the transaction that stores it."""
    worker = runtime.settle
    return worker is not None and not worker._working and not worker._wake.is_set()


@pytest.mark.servers
async def test_readme_lists_every_file_that_a_report_passes_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    # A worker that happens to look into the queue would be somebody who waits.
    monkeypatch.setattr(settle, "_POLL_SECONDS", 3600.0)
    now = utc_text(datetime.now(UTC))
    train = f"train:pr/PK0001/{now[:10]}"
    calls = [{"point": "pk-lahore", "departure": now}, {"point": "pk-quetta"}]
    plan = a_plan(train, updated_at=now, calls=calls, route_variant="R1")
    departure = a_milestone("DEPA", train, occurred_at=now, updated_at=now)
    with temporary_directory() as data, open_stack(data, {}, lambda _: None, fsync=False) as stack:
        async with (
            running_tracking(stack, data) as runtime,
            AIOKafkaProducer(**stack.access.options()) as producer,
            AIOKafkaConsumer(
                topics.TRACKING_EVENTS.name, **stack.access.options(), auto_offset_reset="earliest"
            ) as consumer,
        ):
            await send(producer, plan)
            await until_published(consumer, b'"known":true')
            await until(partial(nobody_waits, runtime), 10, "an idle worker")
            with traced() as files:
                await send(producer, departure)
                await until_published(consumer, b'"DEPA"')

    legs = legs_in((ROOT / README).read_text(encoding="utf-8"))
    listed = {name for files in counted(ROOT, legs).values() for name in files}
    passed = {name for name in files if not is_apart(ROOT, name)}
    assert {"missing in README": sorted(passed - listed), "listed for nothing": sorted(listed - passed)} == {
        "missing in README": [],
        "listed for nothing": [],
    }


def test_what_runs_beside_a_report_is_not_traced() -> None:
    with traced() as files:
        blueprint()

    assert files == []
