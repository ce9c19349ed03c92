"""Makes ready what Kafka needs before it can start: checked jars, and Java's AOT cache for them.

Invariant: an AOT cache is only an accelerator. Without one, or with one that does not fit, Kafka
starts all the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.cache import cache_dir, exclusive, replacing
from deploy.local.jars import Progress, ensure_jars, read_lock
from deploy.local.java import Runtime
from deploy.local.kafka import Kafka, KafkaFailed

_TRAINING_ENDS_WITHIN = 120
_KEPT = 3


def prepare_runtime(progress: Progress = print, *, with_aot_cache: bool = True) -> Runtime:
    """Fetch and check the jars; make the AOT cache on the first use of these jars with this Java."""
    cache = cache_dir()
    runtime = Runtime(tuple(ensure_jars(cache / "jars", read_lock(), progress)))
    if not with_aot_cache:
        return runtime
    target = cache / "aot" / f"{runtime.fingerprint()}.aot"
    return runtime.with_cache(target) if _make_cache(runtime, target, progress) else runtime


def _make_cache(runtime: Runtime, target: Path, progress: Progress) -> bool:
    if target.exists():
        return True
    target.parent.mkdir(exist_ok=True)
    with exclusive(target.parent / "lock"):
        if not target.exists():
            _forget_unfinished(target.parent)
            progress("Kafka: preparing a faster start (first time only)")
            try:
                _train(runtime, target)
            except (KafkaFailed, OSError) as error:
                progress(f"Kafka: starting without an AOT cache: {error}")
        _forget_old(target)
    return target.exists()


def _train(runtime: Runtime, target: Path) -> None:
    """Run a broker from start to stop; Java writes down what it loaded as it ends."""
    with _scratch_directory() as data_dir, replacing(target) as scratch:
        kafka = Kafka(data_dir, runtime, java_options=[f"-XX:AOTCacheOutput={scratch}"])
        kafka.start()
        kafka.stop(_TRAINING_ENDS_WITHIN)
        if scratch.stat().st_size == 0:
            raise KafkaFailed(f"Java wrote no AOT cache:\n{kafka.complaint()}")


@contextmanager
def _scratch_directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="corridor-aot-") as name:
        yield Path(name)


def _forget_unfinished(directory: Path) -> None:
    """What a killed launcher was writing; nobody else writes here while we hold the lock."""
    for path in directory.glob(".*.part"):
        path.unlink()


def _forget_old(newest: Path) -> None:
    caches = sorted(newest.parent.glob("*.aot"), key=lambda path: path.stat().st_mtime)
    for path in caches[:-_KEPT]:
        path.unlink(missing_ok=True)
