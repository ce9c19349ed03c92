"""The process of a service: from environment to exit code.

Invariant: wrong settings, a name or port in use and another Kafka cluster than the store's end with one line on
standard error and exit code 2. SIGTERM and SIGINT stop in order and exit 0. A loop that fails for good exits 1.
"""

import gc
import signal
import socket
import sys
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from services.chassis.base import telemetry
from services.chassis.base.errors import NameTaken, OtherCluster, SettingsError
from services.chassis.base.settings import ServiceSettings
from services.chassis.http import guard
from services.chassis.service.blueprint import Blueprint
from services.chassis.service.runtime import Runtime


def main(blueprint: Blueprint, make_app: Callable[[Runtime], FastAPI]) -> int:
    """Runs a service until it is stopped; returns the exit code."""
    try:
        settings = ServiceSettings.load(blueprint.name)
        listener = _listen(settings)
    except SettingsError as failure:
        print(f"{blueprint.name}: {failure}", file=sys.stderr)
        return 2
    telemetry.set_up_logs(settings.log_level, settings.log_format)
    spare_the_collector()
    runtime = Runtime(blueprint, settings)
    server = uvicorn.Server(_config(make_app(runtime), settings))
    runtime.is_stopping = lambda: server.should_exit
    runtime.on_failure = lambda: _stop(server)
    # uvicorn raises the captured signal again at its end. With these handlers the process still exits with 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _stop(server))
    server.run(sockets=[listener])
    if isinstance(runtime.failure, NameTaken | OtherCluster | SettingsError):
        print(f"{blueprint.name}: {runtime.failure}", file=sys.stderr)
        return 2
    return 1 if runtime.failure else 0


def spare_the_collector() -> None:
    """Freezes start-up objects and collects less often: garbage collection took a quarter of fold time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _config(app: FastAPI, settings: ServiceSettings) -> uvicorn.Config:
    """uvicorn's configuration, with our limits and without a server header."""
    proxies = settings.http_trusted_proxies
    connections = guard.share(settings.http_connections, guard.raise_descriptors())
    return uvicorn.Config(
        app,
        http=guard.protocol(settings, connections),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=sorted(proxies),
        # asyncio accepts up to a whole backlog of connections at once, so it is kept short.
        backlog=128,
        h11_max_incomplete_event_size=16384,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=2,
        lifespan="on",
    )


def _stop(server: uvicorn.Server) -> None:
    server.should_exit = True


def _listen(settings: ServiceSettings) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.http_host, settings.http_port))
    except OSError as failure:
        raise SettingsError(f"HTTP_PORT {settings.http_port} cannot be used: {failure.strerror}") from None
    return listener
