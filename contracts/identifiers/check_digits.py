"""The arithmetic of check digits and the one way in which an identifier fails.

Invariant: a text with a character outside ASCII never passes, so a Cyrillic letter or a Persian digit that
only looks right is a fault of shape, never a wrong check digit and never a second spelling of a number.
"""

import re
import unicodedata
from typing import Final, Literal

FailureKind = Literal["shape", "check_digit"]


class CheckFailed(ValueError):
    """An identifier that breaks its rule; `computed` is the right check digit where only that is wrong."""

    def __init__(self, kind: FailureKind, message: str, computed: int | None = None) -> None:
        super().__init__(message)
        self.kind: FailureKind = kind
        self.computed = computed


def compact(text: str, drop: str = " -") -> str:
    """`text` in upper case without the separators in `drop`; raises `CheckFailed` at any look-alike."""
    for char in text:
        if not char.isascii():
            name = unicodedata.name(char, f"U+{ord(char):04X}")
            raise CheckFailed("shape", f"{char!a} is {name}: only A-Z and 0-9 of ASCII are accepted")
    return text.translate({ord(char): None for char in drop}).upper()


def matched(pattern: re.Pattern[str], text: str, expected: str) -> re.Match[str]:
    """The match of the whole text; raises `CheckFailed` that says what was expected."""
    match = pattern.fullmatch(text)
    if match is None:
        raise CheckFailed("shape", f"expected {expected}")
    return match


def confirm(given: str, computed: int) -> None:
    """Raises `CheckFailed` unless the digit given is the one computed."""
    if given != str(computed):
        raise CheckFailed("check_digit", f"check digit should be {computed}", computed)


def luhn(digits: str) -> int:
    """Luhn check digit (ISO/IEC 7812-1): doubled from the right, digits of the products added, modulo 10."""
    doubled = (sum(divmod(int(d) * 2, 10)) for d in digits[::-2])
    plain = (int(d) for d in digits[-2::-2])
    return -(sum(doubled) + sum(plain)) % 10


def gs1_check_digit(digits: str) -> int:
    """Check digit of SSCC, GSIN and GLN: *3, *1 from the right, modulo 10 (GS1 General Specifications)."""
    return -(3 * sum(int(d) for d in digits[::-2]) + sum(int(d) for d in digits[-2::-2])) % 10


def _iso_6346_values() -> dict[str, int]:
    # The values of letters skip the multiples of 11, which would not change a sum modulo 11.
    letters = (value for value in range(10, 39) if value % 11)
    return {str(d): d for d in range(10)} | dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", letters, strict=True))


_VALUES: Final = _iso_6346_values()


def iso_6346_check_digit(prefix: str) -> int:
    """Sum of value * 2**position modulo 11, where 10 becomes 0 (ISO 6346; also the EU's MRN)."""
    return sum(_VALUES[char] << position for position, char in enumerate(prefix)) % 11 % 10


def container_check_digit(prefix10: str) -> int:
    """Check digit of owner, category and serial (ISO 6346), such as `CSQU305438` -> 3."""
    return iso_6346_check_digit(prefix10)


def mrn_check_digit(prefix17: str) -> int:
    """Check digit of a movement reference number in the EU's form."""
    return iso_6346_check_digit(prefix17)


def uic_check_digit(prefix11: str) -> int:
    """Check digit of a 12-digit UIC wagon number (Luhn)."""
    return luhn(prefix11)


def wagon1520_check_digit(prefix7: str) -> int:
    """Check digit of an 8-digit wagon number of the 1520 mm area: weights 2, 1, 2, ..., digit sums (Luhn)."""
    return luhn(prefix7)


def cim_check_digit(number5: str) -> int:
    """Check digit of the 5-digit CIM consignment note number (CIT rule): *2, *1, ... from the left (Luhn)."""
    return luhn(number5)


def esr_check_digit(prefix5: str) -> int:
    """Check digit of a 1520 station code: weights 1..5 modulo 11; if 10, weights 3..7; if 10 again, 0."""
    for first in (1, 3):
        remainder = sum(int(d) * weight for weight, d in enumerate(prefix5, first)) % 11
        if remainder < 10:
            return remainder
    return 0
