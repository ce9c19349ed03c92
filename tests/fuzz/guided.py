"""Coverage-guided records: libFuzzer, by way of atheris, chooses the bytes that reach code which no others have.

Invariant: what is judged is what over Kafka would be: the same code, the same faults. Run as a process of its own,
since libFuzzer never returns; its corpus begins with the golden examples.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from deploy.local.datadir import temporary_directory

if TYPE_CHECKING:
    from tests.fuzz.mutate import Spoilt

_EXECUTED: Final = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_COVERED: Final = re.compile(r"cov: (\d+)")
_OVER: Final = 60.0
_SHOWN: Final = 3000
_OPTIONS: Final = ("-print_final_stats=1", "-timeout=20", "-rss_limit_mb=2048", "-max_len=16384", "-len_control=20")


@dataclass(slots=True)
class Guided:
    """How many inputs were run, how many places in the code they reached, and what must not be."""

    runs: int = 0
    covered: int = 0
    failures: list[str] = field(default_factory=list)


def is_there() -> bool:
    """Whether atheris is installed: there are wheels for Linux alone."""
    return importlib.util.find_spec("atheris") is not None


def run(seed: int, seconds: int) -> Guided:
    """Fuzzes for that long."""
    with temporary_directory() as directory:
        corpus = directory / "corpus"
        corpus.mkdir()
        command = [sys.executable, "-m", "tests.fuzz.guided", str(corpus), f"-artifact_prefix={directory}/", *_OPTIONS]
        # libFuzzer takes 0 for a seed of its own choice.
        command += [f"-seed={seed + 1}", f"-max_total_time={seconds}"]
        try:
            ended = subprocess.run(command, capture_output=True, timeout=seconds + _OVER, check=False)
        except subprocess.TimeoutExpired:
            return Guided(failures=[f"the guided run has not ended within {seconds + _OVER:g} s"])
        said = (ended.stdout + ended.stderr).decode(errors="replace")
        found = Guided(_last(_EXECUTED, said), _last(_COVERED, said))
        if ended.returncode:
            broken = [one.read_bytes() for one in directory.iterdir() if one.is_file()]
            found.failures = [f"guided: {broken!r}", _why(said)]
    return found


def _last(pattern: re.Pattern[str], text: str) -> int:
    return int((pattern.findall(text) or ["0"])[-1])


def _why(said: str) -> str:
    start = said.find("Uncaught Python exception")
    return said[start:][:_SHOWN] if start >= 0 else said[-_SHOWN:]


def to_bytes(one: Spoilt) -> bytes:
    """A record as one text: its topic, a line for each header, an empty line, the body."""
    lines = [one.topic.encode(), *(name.encode() + b": " + (value or b"") for name, value in one.headers)]
    return b"\n".join(lines) + b"\n\n" + (one.value or b"")


def _fuzz() -> None:
    """The process of its own."""
    atheris: Any = importlib.import_module("atheris")
    # What is to be measured has to be imported in here, before anything else does.
    with atheris.instrument_imports(include=["contracts", "services"]):
        from tests.fuzz import judged
    from tests.fuzz.mutate import untouched
    from tests.support.builders import a_record

    examples = list(untouched())
    for one in examples:
        Path(sys.argv[1], f"example-{one.number}").write_bytes(to_bytes(one))
    topics = {one.topic.encode() for one in examples}
    book = judged.Book()

    def judge(data: bytes) -> None:
        head, _, body = data.partition(b"\n\n")
        topic, *lines = head.split(b"\n")
        headers = [(n.decode("utf-8", "backslashreplace"), v) for n, _, v in (line.partition(b": ") for line in lines)]
        name = topic.decode("latin-1") if topic in topics else "milestones-pr"
        verdict = judged.judge_record(a_record(name, 0, headers, body), book)
        assert not list(judged.faults(verdict)), list(judged.faults(verdict))

    atheris.Setup(sys.argv, judge)
    atheris.Fuzz()


if __name__ == "__main__":
    _fuzz()
