"""Writes the schemas and the AsyncAPI document; `--check` says what is wrong, `--release` writes a release down.

Invariant: `--check` writes nothing and fails exactly when a gate finds something.
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
    parser = argparse.ArgumentParser(prog="python -m contracts.tooling.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if anything is wrong")
    parser.add_argument("--release", metavar="VERSION", help="write the published documents down as released/VERSION")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="the contracts folder")
    chosen = parser.parse_args(arguments)
    if not chosen.check and not chosen.release:
        for path in write(chosen.directory):
            print(f"wrote {path}")
        return 0
    faults, against = check(chosen.directory)
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"contracts: {len(faults)} fault(s); {against}")
    if chosen.release and not faults:
        print(f"wrote {release(chosen.directory, chosen.release)}")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
