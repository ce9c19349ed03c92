"""`make fuzz`: spoilt records through everything that reads them; one line of JSON at the end.

Invariant: ends with 0 only when nothing failed and every reason of the closed list has occurred, `quarantined` by a
handler that was made to fail and by no record.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from contracts.refusal import REASONS
from tests.fuzz import guided, judged, on_purpose, over_http, over_kafka, over_openapi
from tests.fuzz.mutate import many, spoilt
from tests.support.system import System, running_system

# Of so many records one goes over Kafka, and another one over HTTP.
_SHARE: Final = 10
_EXAMPLES: Final = 20
_SHOWN: Final = 20


@dataclass(slots=True)
class Report:
    """What is printed at the end."""

    line: dict[str, Any]
    reasons: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, part: str, failures: Sequence[str], **members: Any) -> None:
        """What a part has found; failures are told at once."""
        _say(f"{part}: {len(failures)} failures")
        for failure in failures[:_SHOWN]:
            _say(f"  {failure}")
        self.failures += failures
        self.line |= members

    def close(self) -> bool:
        """Whether all is well; completes the line."""
        if missing := sorted(set(REASONS) - set(self.reasons)):
            self.add("reasons", [f"never occurred: {', '.join(missing)}"])
        reasons = {reason: self.reasons[reason] for reason in REASONS if self.reasons[reason]}
        self.line |= {"reasons": reasons, "failures": len(self.failures), "ok": not self.failures}
        return not self.failures


async def run(count: int, seed: int, seconds: int) -> Report:
    """Everything, one part after the other."""
    report = Report({"records": count, "seed": seed})
    tally = judged.judge_all(many(seed, count))
    report.reasons.update(tally.reasons)
    report.add("in process", tally.failures, events=tally.events)
    if guided.is_there():
        found = await asyncio.to_thread(guided.run, seed, seconds)
        report.add("guided by coverage", found.failures, coverage_runs=found.runs, covered=found.covered)
    else:
        _say("guided by coverage: atheris is not installed here (it has wheels for Linux alone); left out")
        report.line["coverage_runs"] = 0
    async with running_system() as system:
        await _over_servers(system, count, seed, report)
    return report


async def _over_servers(system: System, count: int, seed: int, report: Report) -> None:
    share = max(1, count // _SHARE)
    kafka = await over_kafka.run(system, list(many(seed, share)))
    report.reasons.update(kafka.reasons)
    report.add(
        "over Kafka",
        kafka.failures,
        kafka={"records": kafka.records, **kafka.outcomes},
        grown_mib=kafka.grown_mib,
        log_bytes_each=kafka.log_bytes_each,
    )
    http = await over_http.run(system, [spoilt(seed, count + number) for number in range(share)])
    report.add("over HTTP", http.failures, http=dict(sorted(http.statuses.items())))
    openapi = await over_openapi.run(system, seed, _EXAMPLES)
    report.add("OpenAPI", openapi.failures, schemathesis=openapi.requests)
    report.add("afterwards", await over_kafka.unwell(system))
    assert system.stack.admin_url
    reasons = await on_purpose.quarantined(system.stack.admin_url)
    report.reasons.update(reasons)
    report.line["quarantined_on_purpose"] = reasons["quarantined"]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _show(seed: int, number: int) -> None:
    """One record whole, and what it comes to in this process."""
    one = spoilt(seed, number)
    print(f"{one.example.name} ({', '.join(one.ways)}) on {one.topic} under {one.key!r}")
    print(f"{one.headers!r}\n{one.value!r}\n{judged.judge(one, judged.Book())!r}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m corridor fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="how many records")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="which records")
    parser.add_argument("--seconds", type=int, default=60, help="how long guided by coverage")
    parser.add_argument("--only", type=int, default=None, help="show the record of this number")
    options = parser.parse_args(arguments)
    if options.only is not None:
        _show(options.seed, options.only)
        return 0
    report = asyncio.run(run(options.count, options.seed, options.seconds))
    ok = report.close()
    print(json.dumps(report.line))
    return 0 if ok else 1
