"""The identifiers of freight on the corridor: one function for each scheme, and the registry of all of them.

Invariant: a function returns the one spelling of its identifier, and that spelling unchanged, or raises
`CheckFailed`; two ways of writing the same thing never pass as two identifiers.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

from contracts.identifiers.check_digits import (
    CheckFailed,
    cim_check_digit,
    compact,
    confirm,
    container_check_digit,
    esr_check_digit,
    gs1_check_digit,
    matched,
    mrn_check_digit,
    uic_check_digit,
    wagon1520_check_digit,
)
from contracts.identifiers.document_numbers import cim, cim_field_62, eaeu_declaration, hs, mrn, pk_gd, smgs, tir

__all__ = [
    "COUNTRIES",
    "SCHEMES",
    "CheckFailed",
    "cim",
    "cim_check_digit",
    "cim_field_62",
    "container",
    "container_check_digit",
    "country",
    "eaeu_declaration",
    "esr",
    "esr_check_digit",
    "giai",
    "gln",
    "gs1_check_digit",
    "gsin",
    "hs",
    "make_cim",
    "make_container",
    "make_esr",
    "make_gs1",
    "make_mrn",
    "make_uic_wagon",
    "make_wagon_1520",
    "mrn",
    "mrn_check_digit",
    "pk_gd",
    "seal",
    "smgs",
    "sscc",
    "taf_train",
    "tir",
    "train_index",
    "uic_check_digit",
    "uic_wagon",
    "unlocode",
    "wagon1520_check_digit",
    "wagon_1520",
    "wagon_national",
]

COUNTRIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "PK": "PAK",
        "IR": "IRN",
        "TM": "TKM",
        "KZ": "KAZ",
        "RU": "RUS",
        "AZ": "AZE",
        "CN": "CHN",
        "AF": "AFG",
        "UZ": "UZB",
        "KG": "KGZ",
    }
)
"""ISO 3166-1 alpha-2 to alpha-3 of the corridor's countries and their neighbours on it."""

_CONTAINER: Final = re.compile(r"([A-Z]{3}[UJZ]\d{6})(\d)", re.ASCII)
_UNLOCODE: Final = re.compile(r"[A-Z]{2}[A-Z2-9]{3}")
_TAF: Final = re.compile(r"(?:TR|PA|PR|CR)/[A-Z0-9]{4}/[A-Z0-9]{12}/[A-Z0-9]{2}/\d{4}(?:/(\d{4}-\d\d-\d\d))?", re.ASCII)
_INDEX: Final = re.compile(r"(\d{4})[ +-]?(\d{3})[ +-]?(\d{4})", re.ASCII)
_LOOK_ALIKE: Final = str.maketrans("АВЕКМНОРСТХ", "ABEKMHOPCTX", " -./")
_SEAL: Final = re.compile(r"[A-Z0-9]{1,35}")
_NATIONAL: Final = re.compile(r"[A-Z0-9]{1,20}")
# The character set 82 of the GS1 General Specifications, without the space.
_GIAI: Final = re.compile(r"\d{4}[A-Za-z0-9!\"%&'()*+,\-./:;<=>?_]{1,26}", re.ASCII)


def _digits(text: str, length: int, name: str, check: Callable[[str], int]) -> str:
    number = compact(text)
    if len(number) != length or not number.isdigit():
        raise CheckFailed("shape", f"expected the {length} digits of {name}")
    confirm(number[-1], check(number[:-1]))
    return number


def container(text: str) -> str:
    """Container number, 4 letters (the last U, J or Z) and 7 digits; raises `CheckFailed` (ISO 6346)."""
    number = compact(text)
    match = matched(_CONTAINER, number, "a container number: 3 letters, U, J or Z, 7 digits (ISO 6346)")
    confirm(match[2], container_check_digit(match[1]))
    return number


def uic_wagon(text: str) -> str:
    """UIC wagon number, 12 digits; raises `CheckFailed` (UIC leaflet 438-2, Luhn)."""
    return _digits(text, 12, "a UIC wagon number", uic_check_digit)


def wagon_1520(text: str) -> str:
    """Wagon number of the 1520 mm area, 8 digits; raises `CheckFailed`."""
    return _digits(text, 8, "a wagon number of the 1520 mm area", wagon1520_check_digit)


def wagon_national(text: str) -> str:
    """Wagon number of a railway without UIC country code, such as Pakistan's: 1 to 20 letters and digits.

    Raises `CheckFailed`, also for a valid number of the other schemes: one wagon has one key.
    """
    number = compact(text)
    matched(_NATIONAL, number, "a wagon number of at most 20 letters and digits")
    for scheme, length, check in (("1520", 8, wagon1520_check_digit), ("uic", 12, uic_check_digit)):
        if len(number) == length and number.isdigit() and number[-1] == str(check(number[:-1])):
            raise CheckFailed("shape", f"it is a number of another scheme: wagon:{scheme}/{number}")
    return number


def esr(text: str) -> str:
    """Station code of the 1520 mm area, 6 digits; raises `CheckFailed`."""
    return _digits(text, 6, "a station code of the 1520 mm area", esr_check_digit)


def sscc(text: str) -> str:
    """Serial shipping container code, 18 digits; raises `CheckFailed` (GS1)."""
    return _digits(text, 18, "an SSCC", gs1_check_digit)


def gsin(text: str) -> str:
    """Global shipment identification number, 17 digits; raises `CheckFailed` (GS1)."""
    return _digits(text, 17, "a GSIN", gs1_check_digit)


def gln(text: str) -> str:
    """Global location number, 13 digits; raises `CheckFailed` (GS1)."""
    return _digits(text, 13, "a GLN", gs1_check_digit)


def giai(text: str) -> str:
    """Global individual asset identifier (GS1), no check digit, case kept; raises `CheckFailed`."""
    # Only for its refusal of look-alikes: case and punctuation count in this scheme.
    compact(text)
    matched(_GIAI, text, "a GIAI: company prefix and asset reference, at most 30 characters")
    return text


def unlocode(text: str) -> str:
    """UN/LOCODE by its shape: 2 letters, then 3 of A-Z and 2-9; raises `CheckFailed` (UN/ECE Rec 16).

    Whether the code exists is not known here: many published ones do not.
    """
    code = compact(text, " ")
    matched(_UNLOCODE, code, "a UN/LOCODE: 2 letters of the country and 3 of A-Z, 2-9")
    return code


def country(text: str) -> str:
    """A country of the corridor, ISO 3166-1 alpha-2; raises `CheckFailed`."""
    code = compact(text, " ")
    if code not in COUNTRIES:
        raise CheckFailed("shape", f"expected a country of the corridor: {', '.join(COUNTRIES)}")
    return code


def taf_train(text: str) -> str:
    """TAF TSI identifier `type/company/core/variant/year[/start date]`; raises `CheckFailed`.

    The start date is there only for a train that runs. Widths are 2, 4, 12, 2 and 4; there is no check digit.
    """
    identifier = compact(text, " ")
    expected = "a TAF identifier: TR, PA, PR or CR/company (4)/core (12)/variant (2)/year[/YYYY-MM-DD]"
    match = matched(_TAF, identifier, expected)
    if match[1]:
        try:
            date.fromisoformat(match[1])
        except ValueError as failure:
            raise CheckFailed("shape", "the start date of a TAF identifier is no date") from failure
    return identifier


def train_index(text: str) -> str:
    """Index of a 1520 train, `formation-sequence-destination` (4, 3, 4 digits); raises `CheckFailed`."""
    match = matched(_INDEX, compact(text, "").strip(), "a train index: 4, 3 and 4 digits, such as 7569-012-6184")
    return "-".join(match.groups())


def same_seal(text: str) -> str:
    """What two writings of one seal's number have in common, without blanks, hyphens, case and Cyrillic look-alikes."""
    return text.upper().translate(_LOOK_ALIKE)


def seal(text: str) -> str:
    """Seal number of 1 to 35 letters and digits; raises `CheckFailed`. ISO 17712 gives it no check digit."""
    number = compact(text)
    matched(_SEAL, number, "a seal number of at most 35 letters and digits")
    return number


SCHEMES: Final[Mapping[str, Callable[[str], str]]] = MappingProxyType(
    {
        "container": container,
        "uic-wagon": uic_wagon,
        "wagon-1520": wagon_1520,
        "wagon-national": wagon_national,
        "esr": esr,
        "cim": cim,
        "cim-field-62": cim_field_62,
        "smgs": smgs,
        "mrn": mrn,
        "eaeu-declaration": eaeu_declaration,
        "pk-gd": pk_gd,
        "tir": tir,
        "sscc": sscc,
        "gsin": gsin,
        "gln": gln,
        "giai": giai,
        "unlocode": unlocode,
        "country": country,
        "hs": hs,
        "taf-train": taf_train,
        "train-index": train_index,
        "seal": seal,
    }
)
"""Every scheme by its key, which is also the scheme of a reference or of a point's alias."""


def make_container(owner: str, serial: int) -> str:
    """The container of an owner code with its category letter (`KTZU`) and a serial of up to 6 digits."""
    prefix = f"{owner}{serial:06d}"
    return container(f"{prefix}{container_check_digit(prefix)}")


def make_uic_wagon(prefix8: str, serial: int) -> str:
    """The UIC wagon of interoperability, country and type code (8 digits) and a serial of up to 3 digits."""
    prefix = f"{prefix8}{serial:03d}"
    return uic_wagon(f"{prefix}{uic_check_digit(prefix)}")


def make_wagon_1520(kind: int, serial: int) -> str:
    """The 1520 wagon of a kind (2 covered, 4 flat, 6 gondola, 7 tank, ...) and a serial of up to 6 digits."""
    prefix = f"{kind}{serial:06d}"
    return wagon_1520(f"{prefix}{wagon1520_check_digit(prefix)}")


def make_esr(prefix5: str) -> str:
    """The station code of 5 digits."""
    return esr(f"{prefix5}{esr_check_digit(prefix5)}")


def make_cim(number: int) -> str:
    """The CIM note number, with its check digit, of a number of up to 5 digits."""
    prefix = f"{number:05d}"
    return cim(f"{prefix}{cim_check_digit(prefix)}")


def make_mrn(year: int, country_code: str, national13: str) -> str:
    """The MRN of a year (its last two digits count), a country and 13 letters or digits."""
    prefix = f"{year % 100:02d}{country_code}{national13}"
    return mrn(f"{prefix}{mrn_check_digit(prefix)}")


def make_gs1(prefix: str) -> str:
    """The GS1 key of all digits but the last: 17 give an SSCC, 16 a GSIN, 12 a GLN."""
    return f"{prefix}{gs1_check_digit(prefix)}"
