"""Numbers of papers: consignment notes, customs declarations, carnets, and the goods codes written on them.

Invariant: each function returns the one spelling of its number or raises `CheckFailed`; what has no check
digit, or none whose rule is known, is held to its shape and no further.
"""

import re
from datetime import date
from typing import Final

from contracts.identifiers.check_digits import CheckFailed, cim_check_digit, compact, confirm, matched, mrn_check_digit

_CIM: Final = re.compile(r"(\d{5})(\d)", re.ASCII)
_FIELD_62: Final = re.compile(r"([A-Z]{2}|\d{2})-(\d{1,6})-(\d{1,4})-(\d{5})-?(\d)", re.ASCII)
_SMGS: Final = re.compile(r"[A-Z0-9][A-Z0-9./-]{0,34}")
_MRN: Final = re.compile(r"(\d\d[A-Z]{2}[A-Z0-9]{13})(\d)", re.ASCII)
_EAEU: Final = re.compile(r"\d{8}/(\d\d)(\d\d)(\d\d)/\d{7}", re.ASCII)
_PK_GD: Final = re.compile(r"[A-Z]{3,5}-[A-Z]{2}-\d{1,8}", re.ASCII)
_TIR: Final = re.compile(r"[A-Z0-9]{10,11}")
_HS: Final = re.compile(r"\d{6}(?:\d\d){0,2}", re.ASCII)


def cim(text: str) -> str:
    """CIM consignment note number with its check digit, 6 digits; raises `CheckFailed` (CIT, Luhn)."""
    number = compact(text)
    match = matched(_CIM, number, "the 5 digits of a CIM consignment note number and their check digit")
    confirm(match[2], cim_check_digit(match[1]))
    return number


def cim_field_62(text: str) -> str:
    """Field 62 of a CIM note as `country-station-carrier-number-check`; raises `CheckFailed`.

    Only the number and its check digit are verified: the widths of the first three parts are not.
    """
    joined = re.sub(r"[ /-]+", "-", compact(text, "").strip())
    expected = "country, station, carrier, 5-digit number and check digit of CIM field 62"
    match = matched(_FIELD_62, joined, expected)
    confirm(match[5], cim_check_digit(match[4]))
    return "-".join(match.groups())


def smgs(text: str) -> str:
    """SMGS note number as text of 1 to 35 characters, for its format is not known; raises `CheckFailed`."""
    number = compact(text, " ")
    matched(_SMGS, number, "an SMGS note number of at most 35 letters, digits, '.', '/' or '-'")
    return number


def mrn(text: str) -> str:
    """Movement reference number in the EU's form, 18 characters; raises `CheckFailed` (ISO 6346 values)."""
    number = compact(text)
    match = matched(_MRN, number, "an MRN: 2 digits of the year, country, 13 letters or digits, check digit")
    confirm(match[2], mrn_check_digit(match[1]))
    return number


def eaeu_declaration(text: str) -> str:
    """EAEU declaration number `office/DDMMYY/serial` (8, 6, 7 digits); raises `CheckFailed`."""
    number = compact(text, " ")
    match = matched(_EAEU, number, "an EAEU declaration number: 8-digit office/DDMMYY/7-digit serial")
    day, month, year = (int(part) for part in match.groups())
    try:
        date(2000 + year, month, day)
    except ValueError as failure:
        raise CheckFailed("shape", "the middle of an EAEU declaration number is a date DDMMYY") from failure
    return number


def pk_gd(text: str) -> str:
    """Pakistan goods declaration `office-type-serial`, such as TAFT-TP-20416; raises `CheckFailed`."""
    number = compact(text, " ")
    matched(_PK_GD, number, "a Pakistan goods declaration: office-type-serial, such as TAFT-TP-20416")
    return number


def tir(text: str) -> str:
    """TIR carnet number, 10 or 11 letters and digits; raises `CheckFailed`. Its check rule is not known."""
    number = compact(text)
    matched(_TIR, number, "a TIR carnet number of 10 or 11 letters and digits")
    return number


def hs(text: str) -> str:
    """Harmonised System code of 6 digits, or 8 or 10 of a national tariff; raises `CheckFailed`."""
    code = compact(text, " .")
    matched(_HS, code, "an HS code of 6, 8 or 10 digits")
    return code
