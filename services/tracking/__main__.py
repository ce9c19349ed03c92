"""`python -m services.tracking`: one copy of the service."""

import sys

from services.chassis.service.process import main
from services.tracking.api import make_app
from services.tracking.app import blueprint

if __name__ == "__main__":
    sys.exit(main(blueprint(), make_app))
