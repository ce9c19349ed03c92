"""Check rules of identifiers: worked examples, what each rule detects, one spelling for each number."""

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contracts.identifiers import schemes as identifiers
from contracts.identifiers.schemes import SCHEMES, CheckFailed

VALID = [
    ("container", "CSQU3054383"),
    ("container", "MSKU9070323"),
    ("container", "MEDU8707688"),
    ("container", "KTZU2040605"),
    ("container", "PKRU1000080"),
    ("uic-wagon", "218124712173"),
    ("uic-wagon", "518008430010"),
    ("uic-wagon", "505126180015"),
    ("uic-wagon", "319649300013"),
    ("wagon-1520", "24548885"),
    ("wagon-1520", "94601234"),
    ("wagon-1520", "60324571"),
    ("wagon-national", "PR12345"),
    ("esr", "628406"),
    ("esr", "618404"),
    ("esr", "664703"),
    ("esr", "532909"),
    ("esr", "877000"),
    ("cim", "702688"),
    ("cim", "000174"),
    ("cim-field-62", "96-12345-1234-70268-8"),
    ("smgs", "12345678"),
    ("mrn", "06DE586600006143E1"),
    ("mrn", "26PKTFT000000123J1"),
    ("mrn", "26IRZAH000000456T4"),
    ("eaeu-declaration", "10311020/150126/0001234"),
    ("pk-gd", "TAFT-TP-20416"),
    ("tir", "XB12345678"),
    ("sscc", "106141412345678908"),
    ("sscc", "395211410000000015"),
    ("gsin", "95211411234567892"),
    ("gsin", "06141410000000128"),
    ("gln", "9521141111116"),
    ("gln", "0614141000005"),
    ("giai", "0614141Wagon-7"),
    ("unlocode", "PKTFT"),
    ("unlocode", "IRZAH"),
    ("unlocode", "KZGUW"),
    ("unlocode", "RUASF"),
    ("hs", "620342"),
    ("hs", "2939790000"),
    ("country", "TM"),
    ("taf-train", "TR/0000/PKRU00000001/00/2026/2026-06-22"),
    ("taf-train", "TR/0000/PKRU00000001/00/2026"),
    ("train-index", "7569-012-6184"),
    ("seal", "H1234567"),
]

WRONG_CHECK_DIGIT = [
    ("container", "CSQU3054384", 3),
    ("uic-wagon", "218124712174", 3),
    ("wagon-1520", "24548886", 5),
    ("esr", "618002", None),
    ("esr", "618500", None),
    ("esr", "662607", None),
    ("cim", "702689", 8),
    ("cim-field-62", "96-12345-1234-70268-9", 8),
    ("mrn", "06DE586600006143E2", 1),
    ("mrn", "22GB02I89012847596", 8),
    ("sscc", "106141412345678907", 8),
]

WRONG_SHAPE = [
    ("container", ""),
    ("container", "CSQX3054383"),
    ("container", "CSQU305438"),
    ("container", "CSQU3054383\n"),
    ("container", "СSQU3054383"),
    ("container", "CSQU305438۳"),
    ("uic-wagon", "24548885"),
    ("wagon-1520", "218124712173"),
    ("esr", "62840"),
    ("esr", "٦٢٨٤٠٦"),
    ("unlocode", "PKLH0"),
    ("unlocode", "PKLH1"),
    ("hs", "62034"),
    ("hs", "6203421"),
    ("eaeu-declaration", "10311020/310226/0001234"),
    ("pk-gd", "TAFT-20416"),
    ("tir", "XB1234567"),
    ("taf-train", "XX/0000/PKRU00000001/00/2026"),
    ("taf-train", "TR/0000/PKRU00000001/00/2026/2026-02-30"),
    ("train-index", "7569-12-6184"),
    ("country", "DE"),
    ("seal", ""),
]


@pytest.mark.parametrize(("scheme", "text"), VALID)
def test_accepts_each_worked_example_unchanged(scheme: str, text: str) -> None:
    """What the standards publish as valid is valid, and is already in its one spelling."""
    assert SCHEMES[scheme](text) == text


@pytest.mark.parametrize(("scheme", "text", "computed"), WRONG_CHECK_DIGIT)
def test_a_wrong_check_digit_is_named_with_the_right_one(scheme: str, text: str, computed: int | None) -> None:
    """The sender learns which digit the rule gives."""
    with pytest.raises(CheckFailed, match=r"check digit should be \d") as failure:
        SCHEMES[scheme](text)
    assert failure.value.kind == "check_digit"
    assert computed is None or failure.value.computed == computed


@pytest.mark.parametrize(("scheme", "text"), WRONG_SHAPE)
def test_a_wrong_shape_is_no_matter_of_check_digits(scheme: str, text: str) -> None:
    """Length, alphabet, dates and look-alike characters are faults of shape."""
    with pytest.raises(CheckFailed) as failure:
        SCHEMES[scheme](text)
    assert failure.value.kind == "shape"
    assert failure.value.computed is None


@pytest.mark.parametrize(
    ("text", "name"),
    [("СSQU3054383", "CYRILLIC CAPITAL LETTER ES"), ("CSQU305438۳", "EXTENDED ARABIC-INDIC DIGIT THREE")],
)
def test_a_look_alike_is_called_by_its_name(text: str, name: str) -> None:
    """The eye cannot see what is wrong with a Cyrillic or Persian character, so the message says it."""
    with pytest.raises(CheckFailed, match=name):
        identifiers.container(text)


@pytest.mark.parametrize(
    ("scheme", "text", "spelling"),
    [
        ("container", " csqu 305438-3", "CSQU3054383"),
        ("uic-wagon", "21 81 2471 217-3", "218124712173"),
        ("hs", "2939 79 000 0", "2939790000"),
        ("hs", "6203.42", "620342"),
        ("unlocode", "PK TFT", "PKTFT"),
        ("train-index", "7569+012+6184", "7569-012-6184"),
        ("cim-field-62", "96 12345 1234 702688", "96-12345-1234-70268-8"),
        ("seal", "pk-001234", "PK001234"),
    ],
)
def test_usual_ways_of_writing_give_one_spelling(scheme: str, text: str, spelling: str) -> None:
    """Spaces, hyphens, dots and small letters do not make a second identifier."""
    assert SCHEMES[scheme](text) == spelling


@given(scheme=st.sampled_from(sorted(SCHEMES)), text=st.text(max_size=40))
def test_any_text_passes_in_one_spelling_or_fails_as_a_check(scheme: str, text: str) -> None:
    """A validator is total: no other exception escapes, and its answer is stable."""
    try:
        spelling = SCHEMES[scheme](text)
    except CheckFailed:
        return
    assert spelling.isascii()
    assert SCHEMES[scheme](spelling) == spelling


owners = st.builds("".join, st.tuples(st.text(string.ascii_uppercase, min_size=3, max_size=3), st.sampled_from("UJZ")))
containers = st.builds(identifiers.make_container, owners, st.integers(0, 999_999))


def _digits(count: int) -> st.SearchStrategy[str]:
    return st.text(string.digits, min_size=count, max_size=count)


def _with_another_digit(text: str, at: int, step: int) -> str:
    return f"{text[:at]}{(int(text[at]) + step) % 10}{text[at + 1 :]}"


MODULO_TEN = {
    "uic-wagon": st.builds(identifiers.make_uic_wagon, _digits(8), st.integers(0, 999)),
    "wagon-1520": st.builds(identifiers.make_wagon_1520, st.integers(0, 9), st.integers(0, 999_999)),
    "cim": st.builds(identifiers.make_cim, st.integers(0, 99_999)),
    "sscc": st.builds(identifiers.make_gs1, _digits(17)),
    "gsin": st.builds(identifiers.make_gs1, _digits(16)),
    "gln": st.builds(identifiers.make_gs1, _digits(12)),
}


@given(made=st.one_of(*(st.tuples(st.just(scheme), numbers) for scheme, numbers in MODULO_TEN.items())))
def test_what_is_made_is_valid(made: tuple[str, str]) -> None:
    """Generator and validator agree for every modulo 10 scheme."""
    scheme, number = made
    assert SCHEMES[scheme](number) == number


@given(number=containers)
def test_a_made_container_is_valid(number: str) -> None:
    """Generator and validator agree for ISO 6346."""
    assert identifiers.container(number) == number


@given(number=st.builds(identifiers.make_esr, _digits(5)))
def test_a_made_station_code_is_valid(number: str) -> None:
    """Generator and validator agree for station codes, through both rows of weights."""
    assert identifiers.esr(number) == number


@given(national=st.text(string.ascii_uppercase + string.digits, min_size=13, max_size=13))
def test_a_made_mrn_is_valid(national: str) -> None:
    """Generator and validator agree for the EU's MRN."""
    number = identifiers.make_mrn(2026, "PK", national)
    assert identifiers.mrn(number) == number


@given(
    made=st.one_of(*(st.tuples(st.just(scheme), numbers) for scheme, numbers in MODULO_TEN.items())),
    data=st.data(),
    step=st.integers(1, 9),
)
def test_luhn_and_gs1_detect_every_wrong_digit(made: tuple[str, str], data: st.DataObject, step: int) -> None:
    """Modulo 10 with weights 1, 2 (digits added) or 1, 3 promises to detect any single wrong digit."""
    scheme, number = made
    wrong = _with_another_digit(number, data.draw(st.integers(0, len(number) - 1)), step)
    with pytest.raises(CheckFailed) as failure:
        SCHEMES[scheme](wrong)
    assert failure.value.kind == "check_digit"


@given(number=containers, at=st.integers(4, 9), step=st.integers(1, 9))
def test_iso_6346_detects_a_wrong_digit_unless_10_became_0(number: str, at: int, step: int) -> None:
    """The standard writes remainder 10 as 0, so only an error between these two remainders can pass."""
    wrong = _with_another_digit(number, at, step)
    assume(number[-1] != "0")
    with pytest.raises(CheckFailed) as failure:
        identifiers.container(wrong)
    assert failure.value.kind == "check_digit"


@given(prefix=_digits(5), step=st.integers(1, 9))
def test_a_station_code_has_one_check_digit(prefix: str, step: int) -> None:
    """Whatever row of weights was used, every other last digit is refused."""
    number = identifiers.make_esr(prefix)
    with pytest.raises(CheckFailed) as failure:
        identifiers.esr(_with_another_digit(number, 5, step))
    assert failure.value.computed == int(number[5])


def test_esr_takes_the_second_row_of_weights_at_remainder_10() -> None:
    """The rule's second step: 62840 is done in one, 87700 needs both rows and ends at 0."""
    assert identifiers.esr_check_digit("62840") == 6
    assert identifiers.esr_check_digit("87700") == 0


@given(number=_digits(7))
def test_the_rule_of_1520_wagons_is_weights_2_1_with_digit_sums(number: str) -> None:
    """Written out from the left as the railways teach it, it is the same as Luhn."""
    total = sum(sum(divmod(int(d) * weight, 10)) for d, weight in zip(number, (2, 1, 2, 1, 2, 1, 2), strict=True))
    assert identifiers.wagon1520_check_digit(number) == (10 - total % 10) % 10


def test_every_scheme_of_the_registry_has_an_example() -> None:
    """A scheme cannot be added without an example that it accepts."""
    assert {scheme for scheme, _ in VALID} == set(SCHEMES)
