"""The one command: `python -m corridor <command>` runs whatever is run by hand. It stands on top of everything else."""
