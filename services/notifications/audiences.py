"""Keeps audiences in step with the parties that provisioning writes.

Invariant: when the parties are others than those that pictures were last worked out with, every picture is
queued again; whoever is entitled only now gets history. Each copy does so when it learns of them, since until then it
has worked with the parties of before.
"""

from functools import partial

from services.chassis.base.pace import repeat
from services.chassis.queue import fold_queue
from services.chassis.service.runtime import Runtime
from services.notifications import store
from services.notifications.projection import NotificationsProjection

_EVERY_SECONDS = 2.0


async def run(runtime: Runtime) -> None:
    """Looks for changed parties until cancelled."""
    await repeat(partial(refresh, runtime), _EVERY_SECONDS, "audiences cannot be refreshed")


async def refresh(runtime: Runtime) -> None:
    """Takes over the parties as they are now."""
    projection = runtime.blueprint.projection
    assert isinstance(projection, NotificationsProjection)
    await runtime.book.refresh(runtime.store)
    projection.set_parties(runtime.book.all())
    if projection.digest == projection.queued_for:
        return
    if projection.queued_for or await store.audience(runtime.store) != projection.digest:
        await fold_queue.queue_all(runtime.store, "audience")
    await store.save_audience(runtime.store, projection.digest)
    projection.queued_for = projection.digest
    runtime.committed()
