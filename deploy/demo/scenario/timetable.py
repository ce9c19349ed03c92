"""When the five trains really ran, station by station.

Invariant: times stand as they were written down, on the clock of the party that wrote them; where two railways saw
the same, the first named is the one that the corridor's data trust at that station.
"""

from __future__ import annotations

from typing import Final

from deploy.demo.scenario.cargo import wagons_1520, wagons_broad, wagons_standard
from deploy.demo.scenario.model import Movement, Stamp, Train, by

PR: Final = "train:pr/PKRU001/2026-06-22"
RAI: Final = "train:rai/40173/2026-06-29"
TRK: Final = "train:trk/7569-001-6647/2026-07-04"
KTZ: Final = "train:ktz/6647-101-6184/2026-07-07"
RZD: Final = "train:rzd/2045/2026-07-10"


def _run(railway: str, *rows: str | Movement) -> tuple[Movement, ...]:
    return tuple(row if isinstance(row, Movement) else _row(railway, row) for row in rows)


def _row(railway: str, row: str) -> Movement:
    code, point, day, time = row.split()
    return Movement(code, point, by(railway, f"{day} {time}"))


def _seen(code: str, point: str, lead: Stamp, *also: Stamp) -> Movement:
    return Movement(code, point, lead, also)


_PAKISTAN = _run(
    "pr",
    "DEPA pk-lahore 06-22 06:20",
    "PASS pk-rohri 06-23 02:10",
    "PASS pk-jacobabad 06-23 08:40",
    "PASS pk-sibi 06-23 15:30",
    "ARRI pk-quetta 06-24 19:10",
    "DEPA pk-quetta 06-24 20:30",
    "PASS pk-nushki 06-25 05:10",
    "PASS pk-dalbandin 06-25 17:00",
    "PASS pk-nok-kundi 06-26 04:30",
    "BARR pk-taftan 06-26 11:40",
    # Half an hour later the clocks at Mirjaveh show an hour less.
    "DEPA pk-taftan 06-27 10:00",
    _seen("BARR", "ir-mirjaveh", by("rai", "06-27 09:00"), by("pr", "06-27 10:35")),
    "DEPA ir-mirjaveh 06-27 13:40",
    "ARRI ir-zahedan 06-27 18:00",
)
_IRAN = _run(
    "rai",
    "DEPA ir-zahedan 06-29 15:20",
    "PASS ir-bam 06-30 00:40",
    "PASS ir-kerman 06-30 07:10",
    "PASS ir-bafq 06-30 14:20",
    "PASS ir-tabas 07-01 02:30",
    "PASS ir-torbat-e-heydariyeh 07-01 20:10",
    "BARR ir-sarakhs 07-02 16:10",
)
_TURKMENISTAN = _run(
    "trk",
    "DEPA ir-sarakhs 07-04 16:30",
    "BARR tm-serakhs 07-04 17:20",
    "DEPA tm-serakhs 07-04 23:30",
    "PASS tm-tejen 07-05 03:10",
    "PASS tm-ashgabat 07-05 09:40",
    "PASS tm-bereket 07-05 23:20",
    "BARR tm-serhetyaka 07-06 18:30",
    "DEPA tm-serhetyaka 07-07 05:00",
    _seen("BARR", "kz-bolashak", by("ktz", "07-07 05:45"), by("trk", "07-07 05:50")),
)
_KAZAKHSTAN = _run(
    "ktz",
    "DEPA kz-bolashak 07-07 17:00",
    "PASS kz-zhanaozen 07-07 21:40",
    "PASS kz-beyneu 07-08 08:30",
    "ARRI kz-atyrau 07-09 12:10",
    "DEPA kz-atyrau 07-09 14:00",
    "BARR kz-kigash 07-10 03:10",
    "DEPA kz-kigash 07-10 04:20",
    _seen("BARR", "ru-aksarayskaya", by("rzd", "07-10 03:30"), by("ktz", "07-10 05:35")),
)
_RUSSIA = _run("rzd", "DEPA ru-aksarayskaya 07-10 07:10", "ARRI ru-astrakhan 07-10 09:10")


def trains() -> tuple[Train, ...]:
    """The five trains in order of travel; the wagons change with the gauge, twice."""
    broad, standard, russian = wagons_broad(), wagons_standard(), wagons_1520()
    return (
        Train(PR, Movement("COMP", "pk-lahore", by("pr", "06-21 22:00")), broad, _PAKISTAN),
        Train(RAI, Movement("COMP", "ir-zahedan", by("rai", "06-29 13:00")), standard, _IRAN),
        Train(TRK, Movement("COMP", "ir-sarakhs", by("trk", "07-04 15:30")), russian, _TURKMENISTAN),
        Train(KTZ, Movement("COMP", "kz-bolashak", by("ktz", "07-07 14:30")), russian, _KAZAKHSTAN),
        Train(RZD, Movement("COMP", "ru-aksarayskaya", by("rzd", "07-10 06:15")), russian, _RUSSIA),
    )
