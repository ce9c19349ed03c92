"""The usual mess: what goes wrong between what happened and what arrives.

Invariant: one function for each kind of mess, named as in the README beside it; nothing here is random. The truth is
what remains, so an expectation needs to know only `TRACES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from contracts.identifiers.schemes import make_container
from deploy.demo.mail import Mail, after, again, failing, written
from deploy.demo.scenario import operators
from deploy.demo.scenario.cargo import CONTAINERS, GOODS, ON_BOARD
from deploy.demo.scenario.customs import DENIM, DEVICES, SHIRTS
from deploy.demo.scenario.model import by
from deploy.demo.scenario.timetable import KTZ, PR, RZD, TRK
from deploy.demo.wire import Send, source_of

WRONG_BOX: Final = f"container:{make_container('PKRU', 100510)}"
"""Digits of `CONTAINERS[4]` the wrong way round; its check digit happens to fit."""
UNKNOWN_BOX: Final = f"container:{make_container('PKRU', 777001)}"
"""A box that stands at Astrakhan and that nobody has announced."""


@dataclass(frozen=True, slots=True)
class Traces:
    """What of the mess can be seen at the end, beyond the truth."""

    unknown: tuple[str, ...]
    parked: Mapping[str, Sequence[tuple[str, str]]]
    exceptions: Mapping[str, Sequence[str]]
    seconded: Mapping[tuple[str, str, str], str]
    verdicts: Mapping[str, Sequence[tuple[str, str]]]


def muddled(sends: Iterable[Send]) -> list[Send]:
    """Everything that is sent, with the mess in it, in order of sending."""
    mail = Mail(sends)
    for muddle in MESS:
        muddle(mail)
    return sorted(mail, key=lambda s: s.at)


def _of_train(code: str, point: str, train: str) -> str:
    return operators.id_of(code, point, train)


def _of_box(code: str, point: str, box: str) -> str:
    return operators.id_of(code, point, box)


def repeats(mail: Mail) -> None:
    """A railway sends a departure three times, a yard its whole file of unloadings twice, a terminal a batch twice."""
    departure = mail.find("pr", _of_train("DEPA", "pk-lahore", PR))
    mail.put(again(departure, minutes=10), again(departure, hours=26))
    mail.put(*(again(s, hours=6) for s in mail.starting("zahedan-yard", "DISC-")))
    mail.put(*(again(s, hours=2) for s in mail.starting("astrakhan-terminal", "GTOT-")[:10]))


def silence(mail: Mail) -> None:
    """No cover between Quetta and Taftan: what happened there comes in one burst at Taftan, newest first."""
    taftan = mail.find("pr", _of_train("BARR", "pk-taftan", PR))
    for number, point in enumerate(("pk-nok-kundi", "pk-dalbandin", "pk-nushki")):
        mail.move(mail.find("pr", _of_train("PASS", point, PR)), **after(taftan, minutes=1 + number))


def late(mail: Mail) -> None:
    """A station reports two days late, when the train is two stations further on."""
    passing = mail.find("trk", _of_train("PASS", "tm-tejen", TRK))
    mail.move(passing, **after(passing, days=2))


def shuffled(mail: Mail) -> None:
    """A yard's file is written from its end to its beginning, so loading comes before unloading; a consist comes
    after the departure of its train."""
    boxes = set(ON_BOARD[:12])
    rows = [s for s in mail.starting("sarakhs-yard", "") if s.subject in boxes]
    for number, row in enumerate(reversed(rows)):
        mail.move(row, **after(rows[-1], minutes=20 + number / 60))
    consist = mail.starting("rai", "COMP-")[0]
    mail.move(consist, **after(mail.starting("rai", "DEPA-ir-zahedan")[0], minutes=35))


def corrected_time(mail: Mail) -> None:
    """An arrival is put right two hours later; a departure is put right before its first version arrives."""
    arrival = mail.take("rai", mail.starting("rai", "BARR-ir-sarakhs")[0].id)
    mail.put(
        replace(arrival, data={**arrival.data, "occurred_at": by("rai", "07-02 14:10").text}),
        written(arrival, {}, hours=2),
    )
    departure = mail.take("ktz", _of_train("DEPA", "kz-bolashak", KTZ))
    first = replace(departure, data={**departure.data, "occurred_at": by("ktz", "07-07 16:00").text})
    mail.put(written(departure, {}, hours=1), replace(first, **after(departure, hours=4)))


def corrected_container(mail: Mail) -> None:
    """A gate-in is first reported of another box; the correction names the right one."""
    right = mail.take("lahore-dry-port", _of_box("GTIN", "pk-lahore", CONTAINERS[4]))
    mail.put(replace(right, subject=WRONG_BOX), written(right, {}, hours=3))


def retracted_arrival(mail: Mail) -> None:
    """Two arrivals that never were: one is taken back, of the other the retraction comes first."""
    stamp = by("ktz", "07-08 08:20")
    wrong = operators.milestone(stamp, "ARRI", KTZ, "kz-beyneu")
    mail.put(wrong, written(wrong, {"retracted": True}, hours=2))
    stamp = by("trk", "07-05 23:00")
    wrong = operators.milestone(stamp, "ARRI", TRK, "tm-bereket")
    mail.put(written(wrong, {"retracted": True}, hours=1), replace(wrong, **after(wrong, hours=3)))


def not_json(mail: Mail) -> None:
    """A record breaks off in the middle; half an hour later the whole one comes."""
    whole = mail.find("sarakhs-yard", _of_box("LOAD", "ir-sarakhs", ON_BOARD[20]))
    mail.put(failing(whole, spoilt="cut"))
    mail.move(whole, **after(whole, minutes=30))


def broken_header(mail: Mail) -> None:
    """A header in Windows-1251, which is no UTF-8; the report comes again without it."""
    whole = mail.find("lahore-dry-port", _of_box("SEAL", "pk-lahore", CONTAINERS[12]))
    mail.put(failing(whole, spoilt="header"))
    mail.move(whole, **after(whole, hours=1))


def another_party_inside(mail: Mail) -> None:
    """The yard at Sarakhs writes as if it were the Turkmen railway; Pakistan's customs release a case of Iran's."""
    arrival = operators.milestone(by("trk", "07-04 10:00"), "DEPA", TRK, "ir-sarakhs")
    mail.put(failing(arrival, party="sarakhs-yard", source=source_of("trk"), id="DEPA-in-another-name"))
    release = mail.find("irica", f"release-IR-TRANSIT-{SHIRTS.number}")
    mail.put(failing(release, party="fbr", id="release-in-another-name"))


def check_digit(mail: Mail) -> None:
    """A container number whose check digit is wrong, then the right one."""
    right = mail.find("lahore-dry-port", _of_box("GTIN", "pk-lahore", CONTAINERS[7]))
    digit = (int(right.subject[-1]) + 1) % 10
    mail.put(failing(right, subject=f"{right.subject[:-1]}{digit}"))
    mail.move(right, **after(right, minutes=40))


def no_offset(mail: Mail) -> None:
    """A local time without an offset, then the time as it must be."""
    right = mail.find("zahedan-yard", _of_box("GCIN", "ir-zahedan", CONTAINERS[20]))
    local = str(right.data["occurred_at"])[:19]
    mail.put(failing(right, data={**right.data, "occurred_at": local}))
    mail.move(right, **after(right, minutes=25))


def second_hand(mail: Mail) -> None:
    """The forwarder hears by telephone that the train has passed Ashgabat; the railway reports it a day later."""
    heard = operators.milestone(
        by("indus-forwarding", "07-05 09:30"),
        "PASS",
        TRK,
        "tm-ashgabat",
        reported_for="trk",
        channel="telephone",
        remarks="TRK dispatcher by phone, 09:55",
    )
    mail.put(replace(heard, **after(heard, minutes=25)))
    own = mail.find("trk", _of_train("PASS", "tm-ashgabat", TRK))
    mail.move(own, **after(own, days=1))


def unknown_box(mail: Mail) -> None:
    """The terminal takes in a box of which nobody has said anything: kept, and without effect."""
    mail.put(operators.milestone(by("astrakhan-terminal", "07-10 13:20"), "GTIN", UNKNOWN_BOX, "ru-astrakhan"))


def future(mail: Mail) -> None:
    """An arrival with the wrong year: it must not be the latest for ever."""
    arrival = mail.find("rzd", _of_train("ARRI", "ru-astrakhan", RZD))
    text = str(arrival.data["occurred_at"]).replace("2026-", "2027-")
    mail.put(replace(arrival, id="ARRI-of-next-year", data={**arrival.data, "occurred_at": text}))


def two_contents(mail: Mail) -> None:
    """One id and one update time with two contents: both are void, what was known before counts."""
    known = mail.find("pr", _of_train("DEPA", "pk-quetta", PR))
    one = written(known, {"occurred_at": by("pr", "06-24 21:10").text}, minutes=90)
    other = replace(one, data={**one.data, "occurred_at": by("pr", "06-24 21:40").text})
    mail.put(one, other)


def decision_before_declaration(mail: Mail) -> None:
    """The declarant's system is down: customs accept what they have on paper before its declaration arrives."""
    declaration = mail.find("indus-forwarding", f"declaration-IR-TRANSIT-{DENIM.number}-1")
    accepted = mail.find("irica", f"accept-IR-TRANSIT-{DENIM.number}")
    mail.move(declaration, **after(accepted, hours=4))


def decision_late(mail: Mail) -> None:
    """The start of a transit arrives after its end, and one release twice."""
    start = mail.find("tmcustoms", f"start_transit-TM-TRANSIT-{SHIRTS.number}")
    mail.move(start, **after(mail.find("tmcustoms", f"discharge-TM-TRANSIT-{SHIRTS.number}"), hours=9))
    mail.put(again(mail.find("kgd", f"release-EAEU-TRANSIT-{GOODS[0].number}"), hours=3))


def release_under_hold(mail: Mail) -> None:
    """A release while a hold is open is refused; the one after the hold was lifted counts."""
    release = mail.find("irica", f"release-IR-TRANSIT-{DEVICES.number}")
    hold = mail.starting("irica", "hold-placed-")[0]
    early = by("irica", "06-28 12:00").text
    data = {**release.data, "occurred_at": early, "updated_at": early}
    mail.put(replace(release, id=f"early-{release.id}", data=data, **after(hold, hours=2)))


MESS: Final[tuple[Callable[[Mail], None], ...]] = (
    repeats,
    silence,
    late,
    shuffled,
    corrected_time,
    corrected_container,
    retracted_arrival,
    not_json,
    broken_header,
    another_party_inside,
    check_digit,
    no_offset,
    second_hand,
    unknown_box,
    future,
    two_contents,
    decision_before_declaration,
    decision_late,
    release_under_hold,
)

TRACES: Final = Traces(
    unknown=(WRONG_BOX, UNKNOWN_BOX),
    parked={
        UNKNOWN_BOX: [(source_of("astrakhan-terminal"), _of_box("GTIN", "ru-astrakhan", UNKNOWN_BOX))],
        RZD: [(source_of("rzd"), "ARRI-of-next-year")],
    },
    exceptions={PR: ["DATA_CONFLICT"]},
    seconded={(TRK, "PASS", "tm-ashgabat"): "indus-forwarding"},
    verdicts={f"case:{DEVICES.key}/IR/TRANSIT/1": [(f"early-release-IR-TRANSIT-{DEVICES.number}", "refused")]},
)
