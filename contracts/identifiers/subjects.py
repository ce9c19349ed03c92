"""Subject keys: the text names of runs, trains, wagons, containers, consignments, references and cases.

Invariant: a key has one spelling. `parse` returns it or raises; equal subjects have equal keys, so a key can
be a Kafka key, a database key and a set member. Subjects are never merged.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, Literal, get_args

from contracts.identifiers import schemes as identifiers
from contracts.identifiers.check_digits import CheckFailed

Kind = Literal["run", "train", "wagon", "container", "consignment", "reference", "case"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

Jurisdiction = Literal["PK", "IR", "TM", "EAEU", "RU", "KZ"]
Procedure = Literal["EXPORT", "TRANSIT", "IMPORT"]
# Members of a customs union share their transit; import and export stay with each of them.
_UNION: Final = "EAEU"
_MEMBERS: Final = ("KZ", "RU")

# 1520 and UIC numbers carry check digits; a national scheme (Pakistan has no UIC country code) is text.
_WAGON_SCHEMES: Final = {
    "uic": identifiers.uic_wagon,
    "1520": identifiers.wagon_1520,
    "national": identifiers.wagon_national,
}
_SEGMENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_INDEX: Final = re.compile(r"(\d{4})-?(\d{3})-?(\d{4})", re.ASCII)
_ROUNDED: Final = re.compile(r"\d[Ee]\+?\d", re.ASCII)
_PARTY: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_NUMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}", re.ASCII)
MAX_KEY: Final = 160
_AS_TEXT: Final = "; a sheet has rounded the number: write the column as text"


class BadSubject(ValueError):
    """A text that is no subject key; `check_digit` says that only the check digit is wrong."""

    def __init__(self, message: str, *, check_digit: bool = False) -> None:
        super().__init__(message)
        self.check_digit = check_digit


@dataclass(frozen=True, slots=True)
class Case:
    """A customs case: what it is about, whose law, which procedure, and the sender's sequence number."""

    about: str
    jurisdiction: str
    procedure: str
    sequence: int = 1

    @property
    def key(self) -> str:
        return f"case:{self.about}/{self.jurisdiction}/{self.procedure}/{self.sequence}"


def kind_of(key: str) -> Kind:
    """The kind of a key that `parse` has returned."""
    return key.partition(":")[0]  # type: ignore[return-value]


def local(key: str) -> str:
    """The part of a key behind its kind."""
    return key.partition(":")[2]


@lru_cache(maxsize=65536)
def parse(text: str) -> str:
    """The one spelling of a subject key; raises `BadSubject`.

    Shapes: `run:<corridor>/<number>`, `train:<railway>/<index or TAF core>/<start date>`,
    `wagon:<uic|1520|national>/<number>`, `container:<ISO 6346>`, `consignment:<party>/<booking>`,
    `reference:<scheme>:<issuer>:<number>`, `case:<consignment or reference key>/<jurisdiction>/<procedure>/<n>`.
    """
    kind, colon, rest = text.partition(":")
    parser = _PARSERS.get(kind)
    if not colon or parser is None:
        raise BadSubject(f"a subject begins with one of {', '.join(KINDS)} and a colon")
    if len(text) > MAX_KEY:
        raise BadSubject(f"a subject has at most {MAX_KEY} characters")
    try:
        return f"{kind}:{parser(rest)}"
    except CheckFailed as failure:
        told = f"{failure}{_AS_TEXT}" if _ROUNDED.search(text) else str(failure)
        raise BadSubject(told, check_digit=failure.kind == "check_digit") from failure


def parse_case(key: str) -> Case:
    """The parts of a `case:` key; raises `BadSubject`."""
    if not key.startswith("case:"):
        raise BadSubject("a case key begins with case:")
    pieces = local(key).rsplit("/", 3)
    if len(pieces) != 4 or not pieces[3].isascii() or not pieces[3].isdigit():
        raise BadSubject("a case is case:<consignment or reference key>/<jurisdiction>/<procedure>/<sequence>")
    about, jurisdiction, procedure, sequence = pieces
    return Case(parse(about), jurisdiction.upper(), procedure.upper(), int(sequence))


def _segments(text: str, *patterns: re.Pattern[str]) -> list[str]:
    pieces = text.split("/")
    if len(pieces) != len(patterns) or not all(p.fullmatch(s) for p, s in zip(patterns, pieces, strict=True)):
        raise BadSubject(f"expected {len(patterns)} parts of letters, digits, '.', '_' or '-', not {text!r}")
    return pieces


def _run(text: str) -> str:
    """A number without its zeros, as sheets write it, is the same run."""
    corridor, number = _segments(text, _PARTY, _SEGMENT)
    return f"{corridor}/{int(number):03d}" if number.isdigit() else f"{corridor}/{number.upper()}"


def _train(text: str) -> str:
    railway, number, start = _segments(text, _PARTY, _SEGMENT, _SEGMENT)
    try:
        return f"{railway}/{_train_number(number)}/{date.fromisoformat(start).isoformat()}"
    except ValueError as failure:
        raise BadSubject(f"a train's start date is YYYY-MM-DD, not {start!r}") from failure


def _train_number(number: str) -> str:
    """Without regard to case; the index of a 1520 train with its hyphens, also where it is written without."""
    index = _INDEX.fullmatch(number)
    return "-".join(index.groups()) if index else number.upper()


def _wagon(text: str) -> str:
    scheme, _, number = text.partition("/")
    if scheme not in _WAGON_SCHEMES:
        raise BadSubject("a wagon's scheme is uic, 1520 or national")
    return f"{scheme}/{_WAGON_SCHEMES[scheme](number)}"


def _consignment(text: str) -> str:
    """Booking numbers do not differ by case alone: they are read from paper."""
    party, number = _segments(text, _PARTY, _SEGMENT)
    return f"{party}/{number.upper()}"


def _reference(text: str) -> str:
    pieces = text.split(":", 2)
    if len(pieces) == 3 and pieces[0] in identifiers.SCHEMES:
        pieces[2] = pieces[2].replace(" ", "")
    patterns = (_PARTY, _PARTY, _NUMBER)
    if len(pieces) != 3 or not all(p.fullmatch(s) for p, s in zip(patterns, pieces, strict=True)):
        raise BadSubject("a reference is reference:<scheme>:<issuer>:<number>")
    check = identifiers.SCHEMES.get(pieces[0])
    return ":".join((*pieces[:2], check(pieces[2]) if check else pieces[2]))


def procedures_of(jurisdiction: str) -> tuple[str, ...]:
    """The procedures of a jurisdiction: of a customs union transit alone, of its members the others."""
    shared = ("TRANSIT",)
    if jurisdiction == _UNION:
        return shared
    return tuple(p for p in get_args(Procedure) if jurisdiction not in _MEMBERS or p not in shared)


def check_procedure(jurisdiction: str, procedure: str) -> None:
    """Raises `BadSubject` for a procedure that a jurisdiction does not have."""
    if procedure not in procedures_of(jurisdiction):
        raise BadSubject(f"{jurisdiction} has {', '.join(procedures_of(jurisdiction))}, and no {procedure}")


def _case(text: str) -> str:
    case = parse_case(f"case:{text}")
    if kind_of(case.about) not in ("consignment", "reference"):
        raise BadSubject("a case is about a consignment or a reference")
    if case.jurisdiction not in get_args(Jurisdiction) or case.procedure not in get_args(Procedure):
        raise BadSubject(
            f"a case has a jurisdiction of {', '.join(get_args(Jurisdiction))} "
            f"and a procedure of {', '.join(get_args(Procedure))}"
        )
    check_procedure(case.jurisdiction, case.procedure)
    if not 1 <= case.sequence <= 999:
        raise BadSubject("a case's sequence is 1 to 999")
    return local(Case(parse(case.about), case.jurisdiction, case.procedure, case.sequence).key)


_PARSERS: Final[dict[str, Callable[[str], str]]] = {
    "run": _run,
    "train": _train,
    "wagon": _wagon,
    "container": identifiers.container,
    "consignment": _consignment,
    "reference": _reference,
    "case": _case,
}
