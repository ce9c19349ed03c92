"""`python -m services.notifications`: one copy of the service."""

import sys

from services.chassis.service.process import main
from services.notifications.api import make_app
from services.notifications.app import blueprint

if __name__ == "__main__":
    sys.exit(main(blueprint(), make_app))
