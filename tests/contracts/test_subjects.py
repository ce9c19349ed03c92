"""Subject keys: one spelling for each subject, and every other text refused with its reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.identifiers import schemes as identifiers
from contracts.identifiers import subjects
from contracts.identifiers.subjects import KINDS, MAX_KEY, BadSubject, Case, kind_of, local, parse, parse_case

ABOUT = "consignment:indus-forwarding/IF-2026-0117"

SPELLINGS = [
    ("run:pk-ru/003", "run:pk-ru/003"),
    ("run:pk-ru/3", "run:pk-ru/003"),
    ("run:pk-ru/0003", "run:pk-ru/003"),
    ("run:pk-ru/test-1", "run:pk-ru/TEST-1"),
    ("train:pr/PKRU00000003/2026-06-22", "train:pr/PKRU00000003/2026-06-22"),
    ("train:pr/pkru00000003/2026-06-22", "train:pr/PKRU00000003/2026-06-22"),
    ("train:rzd/75690126184/2026-07-06", "train:rzd/7569-012-6184/2026-07-06"),
    ("consignment:indus-forwarding/if-2026-0117", ABOUT),
    ("reference:smgs:trk:TM 0712345", "reference:smgs:trk:TM0712345"),
    (f"case:{ABOUT.replace('IF', 'if')}/pk/export/1", f"case:{ABOUT}/PK/EXPORT/1"),
    ("train:trk/7569-012-6184/20260706", "train:trk/7569-012-6184/2026-07-06"),
    ("wagon:uic/21 81 2471 217-3", "wagon:uic/218124712173"),
    ("wagon:1520/24548885", "wagon:1520/24548885"),
    ("wagon:national/pr 60412", "wagon:national/PR60412"),
    ("container:csqu 305438-3", "container:CSQU3054383"),
    (ABOUT, ABOUT),
    ("reference:smgs:trk:tm0712345", "reference:smgs:trk:TM0712345"),
    ("reference:invoice:ravi-textiles:rt-441", "reference:invoice:ravi-textiles:rt-441"),
    ("reference:cim:rai:702688", "reference:cim:rai:702688"),
    (f"case:{ABOUT}/EAEU/TRANSIT/1", f"case:{ABOUT}/EAEU/TRANSIT/1"),
    (f"case:{ABOUT}/IR/TRANSIT/002", f"case:{ABOUT}/IR/TRANSIT/2"),
    ("case:reference:smgs:trk:tm0712345/TM/TRANSIT/1", "case:reference:smgs:trk:TM0712345/TM/TRANSIT/1"),
]

BAD = [
    "",
    ":",
    "container",
    "container:",
    "Container:CSQU3054383",
    " container:CSQU3054383",
    "ship:PKRU",
    "run:pk-ru",
    "run:pk-ru/003/1",
    "run:PK-RU/003",
    "run:pk-ru/0 3",
    "run:pk-ru/003\n",
    "run:pk-ru/",
    f"run:pk-ru/{'9' * 65}",
    "train:pr/PKRU00000003",
    "train:pr/PKRU00000003/22.06.2026",
    "train:pr/PKRU00000003/2026-02-30",
    "wagon:60412",
    "wagon:UIC/218124712173",
    "wagon:1520/2454888",
    "wagon:national/",
    "wagon:national/24548885",
    "wagon:national/218124712173",
    "wagon:national/PR60412/1",
    "wagon:national/ПР60412",
    "container:KТZU2040605",
    "container:KTZU204060۵",
    "consignment:IF-2026-0117",
    "consignment:Indus/IF-2026-0117",
    "reference:smgs:TM0712345",
    "reference:smgs:trk:",
    f"case:{ABOUT}/KZ/TRANSIT/1",
    f"case:{ABOUT}/PK/EXPORT",
    f"case:{ABOUT}/PK/EXPORT/0",
    f"case:{ABOUT}/PK/EXPORT/1000",
    f"case:{ABOUT}/PK/EXPORT/-1",
    f"case:{ABOUT}/PK/EXPORT/۱",
    f"case:{ABOUT}/PK/EXPORT/{'9' * 90}",
    "case:container:CSQU3054383/PK/EXPORT/1",
    f"case:case:{ABOUT}/PK/EXPORT/1/PK/EXPORT/1",
    "case:/PK/EXPORT/1",
    f"consignment:{'a' * MAX_KEY}/1",
]

WRONG_DIGIT = [
    "container:CSQU3054384",
    "wagon:uic/218124712174",
    "wagon:1520/24548886",
    "reference:cim:rai:702689",
    "case:reference:cim:rai:702689/IR/TRANSIT/1",
]


@pytest.mark.parametrize(("text", "key"), SPELLINGS)
def test_a_subject_has_one_spelling(text: str, key: str) -> None:
    assert parse(text) == key


@pytest.mark.parametrize(("text", "key"), SPELLINGS)
def test_a_key_parses_to_itself_and_its_kind_is_known(text: str, key: str) -> None:
    assert parse(key) == key
    assert kind_of(key) in KINDS
    assert f"{kind_of(key)}:{local(key)}" == key


def test_every_kind_is_tried_here() -> None:
    assert {kind_of(key) for _, key in SPELLINGS} == set(KINDS)


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(BadSubject) as caught:
        parse(text)
    assert not caught.value.check_digit


@pytest.mark.parametrize("text", WRONG_DIGIT)
def test_where_only_the_check_digit_is_wrong_that_is_said(text: str) -> None:
    with pytest.raises(BadSubject, match="check digit should be") as caught:
        parse(text)
    assert caught.value.check_digit


@given(st.text(max_size=40) | st.builds("{}:{}".format, st.sampled_from(KINDS), st.text(max_size=40)))
def test_any_text_is_a_key_or_no_key_and_nothing_else(text: str) -> None:
    try:
        key = parse(text)
    except BadSubject:
        return
    assert parse(key) == key
    assert len(key) <= MAX_KEY


@given(st.integers(0, 999_999), st.sampled_from(["KTZU", "PKRU", "TRKU"]))
def test_every_container_number_that_is_made_is_a_subject(serial: int, owner: str) -> None:
    assert parse(f"container:{identifiers.make_container(owner, serial)}")


def test_the_parts_of_a_case_come_back() -> None:
    key = f"case:{ABOUT}/EAEU/TRANSIT/2"
    assert parse_case(key) == Case(ABOUT, "EAEU", "TRANSIT", 2)
    assert parse_case(key).key == key


@pytest.mark.parametrize("key", ["run:pk-ru/003", "case:a/b/c", f"case:{ABOUT}/EAEU/TRANSIT/x"])
def test_what_is_no_case_has_no_parts(key: str) -> None:
    with pytest.raises(BadSubject):
        parse_case(key)


@given(st.sampled_from(SPELLINGS), st.sampled_from(SPELLINGS))
def test_different_subjects_have_different_keys(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (parse(one[0]) == parse(other[0])) == (one[1] == other[1])


def test_the_longest_key_of_each_kind_still_fits_a_receipt() -> None:
    assert subjects.MAX_KEY < 400
