"""`python -m services.customs`: one copy of the service."""

import sys

from services.chassis.service.process import main
from services.customs.api import make_app
from services.customs.app import blueprint

if __name__ == "__main__":
    sys.exit(main(blueprint(), make_app))
