"""Metrics and logs.

Invariant: every metric is defined here, with its meaning. Logs are one JSON object a line, and never contain the
content of a report.
"""

import logging
import sys
import time

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from structlog.typing import Processor

REGISTRY = CollectorRegistry()
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

CONSUMED = Counter(
    "corridor_consumed_total",
    "Records stored, by outcome",
    ["service", "stream", "outcome"],
    registry=REGISTRY,
)
REJECTED = Counter(
    "corridor_rejected_total",
    "Records put aside, by reason and party",
    ["service", "reason", "party"],
    registry=REGISTRY,
)
QUARANTINED = Counter(
    "corridor_quarantined_total", "Records quarantined by our own failures", ["service", "stream"], registry=REGISTRY
)
PAUSED = Gauge(
    "corridor_paused_feeds", "Topics paused by records in quarantine", ["service", "stream"], registry=REGISTRY
)
SLOWED = Gauge(
    "corridor_slowed_feeds",
    "Topics over their share by the minute",
    ["service", "stream"],
    registry=REGISTRY,
)
MISUNDERSTOOD = Gauge(
    "corridor_misunderstood_records",
    "Records of our own topics that became dead letters",
    ["service"],
    registry=REGISTRY,
)
PURGED = Counter("corridor_purged_total", "Rows deleted by age", ["service", "table"], registry=REGISTRY)
FENCED = Counter(
    "corridor_fenced_total",
    "Batches rolled back because the stored position had moved",
    ["service", "stream"],
    registry=REGISTRY,
)
ROUND = Histogram(
    "corridor_round_seconds",
    "Time of one round of a loop",
    ["service", "loop"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
FOLDED = Counter("corridor_folded_total", "Subjects folded, by effect", ["service", "effect"], registry=REGISTRY)
FOLD_FAILED = Counter("corridor_fold_failed_total", "Folds that raised", ["service"], registry=REGISTRY)
SENT = Counter("corridor_sent_total", "Records acknowledged by the broker", ["service"], registry=REGISTRY)
SEND_FAILED = Counter("corridor_send_failed_total", "Records that can never be sent", ["service"], registry=REGISTRY)
DEPTH = Gauge("corridor_queue_depth", "Rows in a queue", ["service", "queue"], registry=REGISTRY)
LAG = Gauge(
    "corridor_lag_records",
    "Records between the stored position and the end",
    ["service", "stream"],
    registry=REGISTRY,
)
SOURCE_AWAY = Gauge(
    "corridor_source_away",
    "1 while a service whose topics are read is away",
    ["service", "source"],
    registry=REGISTRY,
)
BUSY = Gauge("corridor_busy_seconds", "How long the first queue entry has waited", ["service"], registry=REGISTRY)


class Seldom:
    """Limits how often an event that may happen thousands of times a second is logged."""

    def __init__(self, seconds: float = 10.0) -> None:
        self._seconds = seconds
        self._told_at = float("-inf")
        self._count = 0

    def again(self) -> int:
        """Counts the event; returns the count since the last log line if it is time for a new one, else 0."""
        self._count += 1
        if (now := time.monotonic()) - self._told_at < self._seconds:
            return 0
        count, self._count, self._told_at = self._count, 0, now
        return count


def set_up_logs(level: str, form: str) -> None:
    """Sends our logs and those of the libraries to standard error; `form` is "json" or "console"."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: Processor = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    # These log each retry while a broker is away; our loops log it once.
    for noisy in ("aiokafka", "faststream", "httpx", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(max(logging.ERROR, logging.getLogger().level))
