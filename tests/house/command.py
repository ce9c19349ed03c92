"""`python -m corridor sizes`: the sizes of the product's code; fails where something is over its limit."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.house.sizes import faults, figures


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the figures, and what is over its limit; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m corridor sizes", description="how long modules and functions are")
    parser.parse_args(arguments)
    root = Path(__file__).parents[2]
    found = faults(root)
    print("sizes: " + ", ".join(f"{name} {lines}" for name, lines in figures(root).items()))
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0
