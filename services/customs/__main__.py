"""`python -m services.customs`: the service; with arguments, a command about a running copy."""

import sys

from services.chassis.dead_letters import cli
from services.chassis.service.process import main
from services.customs.api import make_app
from services.customs.app import blueprint

if __name__ == "__main__":
    sys.exit(cli.run("customs", sys.argv[1:]) if len(sys.argv) > 1 else main(blueprint(), make_app))
