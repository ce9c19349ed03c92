"""`python -m tests.house`: the sizes of the product's code; fails where something is over its limit."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.house.sizes import faults, figures

if __name__ == "__main__":
    root = Path(__file__).parents[2]
    found = faults(root)
    print("sizes: " + ", ".join(f"{name} {lines}" for name, lines in figures(root).items()))
    for fault in found:
        print(fault, file=sys.stderr)
    sys.exit(1 if found else 0)
