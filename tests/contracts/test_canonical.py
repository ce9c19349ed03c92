"""JSON as it is taken in, its canonical form, and the content hash: what is the same and what is not."""

import json
import struct
import time
from typing import Any

import pytest
import rfc8785
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from contracts.envelope.canonical import MAX_DEPTH, canonical_json, content_hash, parse_json, write_json
from contracts.refusal import Refused

# RFC 8785, appendix B: the bits of a double and how it is written.
DOUBLES = {
    0x0000000000000000: "0",
    0x8000000000000000: "0",
    0x0000000000000001: "5e-324",
    0x8000000000000001: "-5e-324",
    0x7FEFFFFFFFFFFFFF: "1.7976931348623157e+308",
    0xFFEFFFFFFFFFFFFF: "-1.7976931348623157e+308",
    0x4340000000000000: "9007199254740992",
    0xC340000000000000: "-9007199254740992",
    0x4430000000000000: "295147905179352830000",
    0x44B52D02C7E14AF5: "9.999999999999997e+22",
    0x44B52D02C7E14AF6: "1e+23",
    0x44B52D02C7E14AF7: "1.0000000000000001e+23",
    0x444B1AE4D6E2EF4E: "999999999999999700000",
    0x444B1AE4D6E2EF4F: "999999999999999900000",
    0x444B1AE4D6E2EF50: "1e+21",
    0x3EB0C6F7A0B5ED8C: "9.999999999999997e-7",
    0x3EB0C6F7A0B5ED8D: "0.000001",
    0x41B3DE4355555553: "333333333.3333332",
    0x41B3DE4355555554: "333333333.33333325",
    0x41B3DE4355555555: "333333333.3333333",
    0x41B3DE4355555556: "333333333.3333334",
    0x41B3DE4355555557: "333333333.33333343",
    0xBECBF647612F3696: "-0.0000033333333333333333",
    0x43143FF3C1CB0959: "1424953923781206.2",
}

_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    # A larger whole number is written without an exponent, and as such is beyond what readers agree on.
    | st.floats(-(2.0**53) + 1, 2.0**53 - 1)
    | st.text(max_size=8)
)
values = st.recursive(
    _scalars, lambda v: st.lists(v, max_size=4) | st.dictionaries(st.text(max_size=6), v, max_size=4), max_leaves=12
)
objects = st.dictionaries(st.text(max_size=6), values, max_size=5)


def refusal(body: bytes) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        parse_json(body, "$.data")
    return caught.value.first.reason, caught.value.first.path


@pytest.mark.parametrize(("bits", "text"), DOUBLES.items(), ids=[f"{bits:016x}" for bits in DOUBLES])
def test_a_double_is_written_as_in_rfc_8785(bits: int, text: str) -> None:
    (number,) = struct.unpack(">d", bits.to_bytes(8, "big"))
    assert canonical_json(number) == text.encode()


def test_names_are_sorted_by_their_utf_16_units_as_in_rfc_8785() -> None:
    value = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}
    assert list(json.loads(canonical_json(value)).values()) == [2, 4, 6, 7, 1, 5, 3]


def test_texts_are_escaped_as_in_rfc_8785() -> None:
    assert canonical_json('\u20ac$\u000f\nA\'\u0042"\\\\"/') == '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'.encode()


@given(values)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert parse_json(write_json(value)) == value


@given(values)
def test_the_fast_way_writes_what_the_reference_writes(value: Any) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)


@given(values)
def test_the_canonical_form_is_its_own_canonical_form(value: Any) -> None:
    once = canonical_json(value)
    assert canonical_json(parse_json(once)) == once


@given(objects)
def test_neither_white_space_nor_order_changes_the_hash(value: dict[str, Any]) -> None:
    spread = json.dumps(dict(reversed(value.items())), indent=3).encode()
    assert content_hash("t", "s", parse_json(spread)) == content_hash("t", "s", value)


@given(objects)
def test_escapes_do_not_change_the_hash(value: dict[str, Any]) -> None:
    escaped = json.dumps(value, ensure_ascii=True).encode()
    assert content_hash("t", "s", parse_json(escaped)) == content_hash("t", "s", parse_json(write_json(value)))


@pytest.mark.parametrize(("one", "other"), [(b"1", b"1.0"), (b"100", b"1e2"), (b"0", b"-0.0"), (b"0.1", b"1E-1")])
def test_ways_to_write_one_number_have_one_hash(one: bytes, other: bytes) -> None:
    assert content_hash("t", "s", {"a": parse_json(one)}) == content_hash("t", "s", {"a": parse_json(other)})


@given(objects, objects)
@settings(max_examples=50)
def test_different_values_have_different_hashes(one: dict[str, Any], other: dict[str, Any]) -> None:
    assume(canonical_json(one) != canonical_json(other))
    assert content_hash("t", "s", one) != content_hash("t", "s", other)


@given(objects, st.text(max_size=5), values)
def test_an_added_field_changes_the_hash(value: dict[str, Any], name: str, more: Any) -> None:
    assume(name not in value)
    assert content_hash("t", "s", value | {name: more}) != content_hash("t", "s", value)


def test_null_and_absent_are_different_contents() -> None:
    assert content_hash("t", "s", {"a": None}) != content_hash("t", "s", {})


def test_type_and_subject_are_part_of_the_content_and_cannot_run_together() -> None:
    hashes = {content_hash(*pair, {}) for pair in (("ab", "c"), ("a", "bc"), ("abc", ""), ("", "abc"))}
    assert len(hashes) == 4


def test_a_hash_has_32_bytes_and_stays_what_it_is() -> None:
    """Stored hashes are compared for ever, so that the rule must never change."""
    known = content_hash("corridor.milestone.reported.v1", "container:CSQU3054383", {"code": "DEPA", "x": [1.5, None]})
    assert known.hex() == "b68687842cab455f7117a57a83ecd208ddc2df0deb9efb765943476c9832bfc9"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"{}{}", "not_json"),
        (b"{'a': 1}", "not_json"),
        (b'{"a": 01}', "not_json"),
        (b'{"a": .5}', "not_json"),
        (b'{"a": 1,}', "not_json"),
        (b'"\t"', "not_json"),
        (b'"\\x"', "not_json"),
        (b"\xef\xbb\xbf{}", "not_json"),
        ("{}".encode("utf-16"), "not_json"),
        ('{"a": "Ж"}'.encode("cp1251"), "not_json"),
        (b'"\xed\xa0\x80"', "not_json"),
        (b"NaN", "not_json"),
        (b'{"a": Infinity}', "not_json"),
        (b'{"a": -Infinity}', "not_json"),
        (b'{"a": 1, "a": 1}', "bad_field"),
        (b'{"a": {"b": 1, "\\u0062": 2}}', "bad_field"),
        (b"9007199254740992", "bad_field"),
        (b"-9007199254740992", "bad_field"),
        (b"1" * 5000, "bad_field"),
        (b"1e400", "bad_field"),
        (b"-1e400", "bad_field"),
        (b'"\\ud800"', "bad_field"),
        (b'"\\udc00\\ud800"', "bad_field"),
        (b'{"\\uDFFF": 1}', "bad_field"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "not_json"),
        (b"[" * 100_000, "not_json"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "not_json"),
    ],
    ids=lambda v: repr(v)[:30],
)
def test_what_two_readers_could_take_differently_is_refused(body: bytes, reason: str) -> None:
    assert refusal(body) == (reason, "$.data")


@pytest.mark.parametrize(
    "body",
    [
        b"9007199254740991",
        b"-9007199254740991",
        b'"\\ud83d\\ude00"',
        b'" \\u0000 "',
        b"1e308",
        b"[" * MAX_DEPTH + b"1" + b"]" * MAX_DEPTH,
    ],
    ids=lambda v: repr(v)[:30],
)
def test_what_every_reader_takes_the_same_is_taken(body: bytes) -> None:
    assert parse_json(body) == json.loads(body)


def test_wide_is_not_deep() -> None:
    assert len(parse_json(b"[" + b",".join([b"[{}]"] * 500) + b"]")) == 500


def test_a_large_object_with_one_name_twice_is_refused_at_once() -> None:
    """Looking for the name must not take quadratic time."""
    names = [f'"{n}":0' for n in range(40_000)]
    body = ("{" + ",".join([*names, names[-1]]) + "}").encode()
    began = time.perf_counter()
    assert refusal(body)[0] == "bad_field"
    assert time.perf_counter() - began < 2


def test_a_byte_order_mark_is_refused_by_its_name() -> None:
    with pytest.raises(Refused) as refusal:
        parse_json(b"\xef\xbb\xbf{}")

    assert refusal.value.first.reason == "not_json"
    assert "byte order mark" in refusal.value.first.detail
