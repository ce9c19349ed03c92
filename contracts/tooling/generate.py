"""`python -m corridor contracts`: writes the schemas and the AsyncAPI document, checks them, writes a release down.

Invariant: `check` writes nothing and fails exactly when a gate finds something.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from contracts.tooling import gates
from contracts.tooling.examples_store import DIRECTORY, load
from contracts.tooling.frozen import violations
from contracts.tooling.released import newest_release, release


def write(directory: Path) -> list[Path]:
    """Brings the generated files of a contracts folder up to date, and returns those that changed or went."""
    wanted = gates.generated(directory)
    changed = [path for path, text in wanted.items() if _content(directory / path) != text.encode()]
    for path in changed:
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(wanted[path].encode())
    orphans = [p for p in gates.generated_files(directory) if p not in wanted]
    for path in orphans:
        (directory / path).unlink()
    return changed + orphans


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def check(directory: Path) -> tuple[list[str], str]:
    """What the gates find in a contracts folder, and what it was compared with."""
    examples = load(directory)
    of_files = [*gates.stale(directory), *gates.incomplete(directory)]
    of_examples = [*gates.unfaithful(examples), *gates.intolerant(examples)]
    broken, against = against_release(directory)
    return of_files + of_examples + gates.irregular() + broken, against


def against_release(directory: Path) -> tuple[list[str], str]:
    """Gate 5: what breaks the newest release, and which that is."""
    newest = newest_release(directory)
    if newest is None:
        return [], "nothing is released yet, so nothing is frozen"
    return violations(newest, directory), f"compared with release {newest.name}"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    chosen = _parser().parse_args(arguments)
    if chosen.verb == "generate":
        for path in write(chosen.directory):
            print(f"wrote {path}")
        return 0
    faults, against = check(chosen.directory)
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"contracts: {len(faults)} fault(s); {against}")
    if chosen.verb == "release" and not faults:
        print(f"wrote {release(chosen.directory, chosen.version)}")
    return 1 if faults else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m corridor contracts", description="the documents of the contracts")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("generate", help="writes the schemas and the AsyncAPI document")
    verbs.add_parser("check", help="writes nothing, and fails if anything is wrong")
    released = verbs.add_parser("release", help="checks, and writes the published documents down as released/VERSION")
    released.add_argument("version", metavar="VERSION")
    for one in verbs.choices.values():
        one.add_argument("--directory", type=Path, default=DIRECTORY, help="the contracts folder")
    return parser
