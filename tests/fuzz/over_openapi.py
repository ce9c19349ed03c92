"""The HTTP APIs against their own OpenAPI documents, by schemathesis.

Invariant: no request is answered 5xx; every status, content type and method is as the document says, and what the
document does not allow is refused. That what it allows is taken is not asked: check digits are in no schema.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from deploy.local.datadir import temporary_directory
from tests.support.system import System

_WITHIN: Final = 600.0
# A stream does not end; its tests are those of the page.
_ENDLESS: Final = "/v1/stream"
_OPTIONS: Final = (
    *("--phases", "coverage,fuzzing"),
    *("--checks", "all", "--exclude-checks", "positive_data_acceptance"),
    *("--exclude-path", _ENDLESS),
    *("--continue-on-failure", "--suppress-health-check", "all"),
    *("--request-timeout", "20", "--generation-database", "none", "--no-color", "--warnings", "off"),
)
_SHOWN: Final = 4000


@dataclass(slots=True)
class Conformity:
    """How many requests each service got, and what schemathesis says against it."""

    requests: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


async def run(system: System, seed: int, examples: int) -> Conformity:
    """Tests each service, one after the other, as a caller that may do everything."""
    found = Conformity()
    with temporary_directory() as directory:
        for endpoint in system.services.endpoints:
            token = system.headers("operations")["Authorization"]
            await _service(endpoint.service, endpoint.url, token, seed, examples, directory, found)
    return found


async def _service(
    name: str, url: str, token: str, seed: int, examples: int, directory: Path, found: Conformity
) -> None:
    report, printed = directory / f"{name}.json", directory / f"{name}.txt"
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", *_OPTIONS),
        *("--seed", str(seed), "--max-examples", str(examples)),
        *("--header", f"Authorization: {token}", "--report-json-path", str(report)),
    ]
    with printed.open("wb") as output:
        process = await asyncio.create_subprocess_exec(*command, cwd=directory, stdout=output, stderr=output)
        try:
            await asyncio.wait_for(process.wait(), _WITHIN)
        except TimeoutError:
            process.kill()
            await process.wait()
            found.failures.append(f"{name}: schemathesis has not ended within {_WITHIN:g} s")
    told = json.loads(report.read_text()) if report.exists() else {}
    found.requests[name] = told.get("test_cases", {}).get("generated", 0)
    said = faults(told)
    if said or process.returncode:
        found.failures += [f"{name}: {fault}" for fault in said or ["schemathesis did not run"]]
        found.failures.append(_excerpt(printed.read_text(errors="replace")))


def faults(report: Mapping[str, Any]) -> list[str]:
    """What a report of schemathesis says: failures, errors, and nothing tested."""
    failures = [
        f"{one['title']} {one['count']} times: {', '.join(one['operations'])}" for one in report.get("failures", ())
    ]
    tried = report.get("operations", {"tested": 0, "selected": 0})
    if tried["tested"] < tried["selected"] or not tried["selected"]:
        failures.append(f"not all was tested: {tried}")
    return failures + [f"error: {error}" for error in report.get("errors", ())]


def _excerpt(text: str) -> str:
    start = text.find("= FAILURES")
    return text[max(0, start) :][:_SHOWN]
