"""`python -m tests.trials`: the same as `python -m corridor trials`."""

import sys

from tests.trials.command import main

if __name__ == "__main__":
    sys.exit(main())
