"""What customs' door shows: cases, the verdicts on one's own decisions, and the changes of a country.

Invariant: a case is shown in the form that the caller may see, and found by nothing that this form does not have.
"""

from collections.abc import Mapping
from time import monotonic
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from contracts.events.fields import Text, utc_text
from services.chassis.base import visibility
from services.chassis.base.pace import until
from services.chassis.base.visibility import Viewer
from services.chassis.http.callers import Asking
from services.chassis.http.openapi import ASKED, failures
from services.chassis.http.problems import ProblemError
from services.chassis.service.runtime import Runtime
from services.customs import store, told
from services.customs.domain import forms
from services.customs.store import Asked

_LOOK_SECONDS: Final = 1.0

Short = Annotated[Text | None, Query(max_length=40)]
Key = Annotated[Text | None, Query(max_length=200)]


def router(runtime: Runtime) -> APIRouter:
    """The routes that read."""
    made = APIRouter(tags=["cases"], responses=failures(*ASKED))
    _add_cases(made, runtime)
    _add_verdicts(made, runtime)
    _add_changes(made, runtime)
    return made


def _add_cases(router: APIRouter, runtime: Runtime) -> None:
    @router.get("/v1/cases")
    async def read_cases(
        party: Asking,
        after: Annotated[Text, Query(max_length=400, description="the case that the page before ended with")] = "",
        jurisdiction: Short = None,
        procedure: Short = None,
        state: Short = None,
        held: bool | None = None,
        consignment: Key = None,
        unit: Annotated[Text | None, Query(max_length=200, description="a container or wagon of the case")] = None,
        case: Key = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> dict[str, Any]:
        """Cases in the caller's form: its own law's whole, those it takes part in, or the public part."""
        viewer = visibility.viewer_of(party)
        keys = visibility.keys_of(viewer)
        if unit is not None:
            # The public form has no units: nobody finds a case by what it does not show.
            keys = frozenset(key for key in keys if visibility.case_form(viewer, {key}) not in (None, "public"))
        asked = Asked(jurisdiction, procedure, state, held, consignment, case, unit)
        found = await store.list_cases(runtime.store, keys, asked, after=after, limit=limit)
        items = [_form(content, locks, viewer) for content, locks in found]
        return {"items": items, "after": items[-1]["case"] if items else None}


def _add_verdicts(router: APIRouter, runtime: Runtime) -> None:
    @router.get("/v1/verdicts", responses=failures(404))
    async def read_verdict(
        party: Asking,
        case: Annotated[Text, Query(max_length=200)],
        source: Annotated[Text, Query(max_length=400)],
        id: Annotated[Text, Query(max_length=400)],
    ) -> dict[str, Any]:
        """The verdict on one of the caller's own decisions."""
        verdict = await store.find_verdict(runtime.store, case, source, id) if source in party.sources else None
        if verdict is None:
            raise ProblemError(404, visibility.NOT_SEEN)
        return own_verdict(verdict)


def _add_changes(router: APIRouter, runtime: Runtime) -> None:
    @router.get("/v1/changes", responses=failures(403))
    async def read_changes(
        party: Asking,
        since: Annotated[int, Query(ge=0, le=2**62, description="the number that the page before gave; 0 for all")] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
        wait: Annotated[float, Query(ge=0, le=30, description="seconds to wait while nothing has changed")] = 0,
    ) -> dict[str, Any]:
        """What `customs-cases-<country>` has for the caller's country: each entity once, at its last change.

        Cases, verdicts, violations and announcements, oldest change first. Going on from the `since` of the page
        before misses nothing; an entity comes again when it has changed again, with a higher version.
        """
        if party.role != "customs" or not party.country:
            raise ProblemError(403, "changes are for the customs of a country")
        ends = monotonic() + wait
        commit = runtime.next_commit
        while not (items := await told.read_changes(runtime.store, party.country, since, limit)):
            if (left := ends - monotonic()) <= 0:
                break
            # Another copy may fold, so its commits are looked for as well.
            await until(commit, min(left, _LOOK_SECONDS))
            commit = runtime.next_commit
        return {"items": items, "since": items[-1]["number"] if items else since}


def own_verdict(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """A verdict as who decided is told of it."""
    return forms.verdict(verdict, verdict.get("country"))


def _form(content: Mapping[str, Any], locks: frozenset[str], viewer: Viewer) -> dict[str, Any]:
    form = visibility.case_form(viewer, locks)
    shown = {
        "authority": lambda: forms.authority(content, viewer.country),
        "involved": lambda: forms.involved(content),
        "public": lambda: forms.public(content),
    }[form or "public"]()
    stamps = {"version": content["version"], "recorded_at": utc_text(content["recorded_at"])}
    return shown | stamps | {"form": form}
