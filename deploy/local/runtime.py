"""Makes ready what Kafka needs before it can start: checked jars, and Java's AOT cache for them.

Invariant: an AOT cache is only an accelerator. Without one, or with one that does not fit, Kafka
starts all the same.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from filelock import FileLock

from deploy.local.cache import cache_dir
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
    with FileLock(target.parent / "lock"):
        if not target.exists():
            progress("Kafka: preparing a faster start (first time only)")
            try:
                _train(runtime, target)
            except (KafkaFailed, OSError) as error:
                progress(f"Kafka: starting without an AOT cache: {error}")
        _forget_old(target)
    return target.exists()


def _train(runtime: Runtime, target: Path) -> None:
    """Run a broker from start to stop; Java writes down what it loaded as it ends."""
    # A killed launcher may have left one; nobody else writes here while we hold the lock.
    unfinished = target.with_name("unfinished")
    unfinished.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="corridor-aot-") as data_dir:
        kafka = Kafka(Path(data_dir), runtime, java_options=[f"-XX:AOTCacheOutput={unfinished}"])
        kafka.start()
        kafka.stop(_TRAINING_ENDS_WITHIN)
        if not unfinished.exists():
            raise KafkaFailed(f"Java wrote no AOT cache:\n{kafka.complaint()}")
    unfinished.chmod(0o644)
    unfinished.replace(target)


def _forget_old(newest: Path) -> None:
    caches = sorted(newest.parent.glob("*.aot"), key=lambda path: path.stat().st_mtime)
    for path in caches[:-_KEPT]:
        path.unlink(missing_ok=True)
