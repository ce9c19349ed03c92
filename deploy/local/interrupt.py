"""What stops a launcher.

Invariant: Ctrl-C, a termination signal and a closed terminal all raise `KeyboardInterrupt` in the main thread, also in
a launcher that a script has put in the background; one under `nohup` outlives its terminal.
"""

from __future__ import annotations

import signal
import time
from types import FrameType
from typing import NoReturn

_WAIT_SECONDS = 0.5


def stop_on_signals() -> None:
    """Makes a termination signal and a closed terminal stop this process as Ctrl-C does."""
    # A shell without job control starts what it puts in the background with Ctrl-C ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _interrupt)


def wait_for_signal() -> NoReturn:
    """Waits until it is stopped; raises `KeyboardInterrupt` then."""
    while True:
        # A signal that comes just before a wait does not end it: none is without an end.
        time.sleep(_WAIT_SECONDS)


def _interrupt(number: int, frame: FrameType | None) -> None:
    # By way of SIGINT, which asyncio turns into the cancellation of what it runs.
    signal.raise_signal(signal.SIGINT)
