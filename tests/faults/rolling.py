"""A newer build of a service, for a rolling restart: `python -m tests.faults.rolling <service> <how much newer>`.

Invariant: it differs in the number of its folds alone, and runs the service's ordinary main.
"""

from __future__ import annotations

import importlib
import runpy
import sys


def main(service: str, newer: int) -> None:
    """Raises the number before anything has read it, and runs the service."""
    fold = importlib.import_module(f"services.{service}.domain.fold")
    vars(fold)["FOLD_NUMBER"] += newer
    sys.argv = [f"services.{service}"]
    runpy.run_module(f"services.{service}", run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
